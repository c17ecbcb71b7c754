"""A day of trouble: from a seed, who wants what and when, and what else happens meanwhile."""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from random import Random
from typing import Any

from order_router.domain.exchange_time import IST
from order_router.domain.identity import client_order_id
from tests.fakes.clock import MONDAY_MORNING
from tests.simulation import letters
from tests.simulation.asking import Asked, changes
from tests.simulation.gateway import Answer
from tests.simulation.limited import HOLDING
from tests.simulation.stack import KEY, MINUTE, TOKENS, Stack
from tests.simulation.trouble import FREEZES

SECOND = 1_000_000
RATES = (0.0, 0.01, 0.03, 0.06, 0.12)
SPANS = (2 * SECOND, 15 * SECOND, 90 * SECOND)
LAST_TRAVEL = 11
PRICES = ("1390", "1400.5", "1499.95", "1500.10", "1550")
INSTRUMENTS = ("NSE:INFY", "NSE:RELIANCE")
RESTING = {"open", "partially_filled"}
ROUTE = "/v1/orders/{client_order_id}"
KILL_TRIES = 30
SWITCHES = (
    {"scope": "global"},
    {"scope": "global"},
    {"scope": "account", "name": "paper"},
    {"scope": "account", "name": "kite"},
    {"scope": "strategy", "name": "demo"},
    {"scope": "strategy", "name": "swing"},
)
SLOWNESS = (SECOND, 4 * SECOND)


class Day:
    """One seed's day."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.random = Random(seed)  # noqa: S311 - a schedule, not a secret
        self.stack = Stack(self.random, held=HOLDING[seed % len(HOLDING)])
        self.asked = Asked(self.stack.judge)
        self._is_stopping = False
        self._turned_on: list[dict[str, str]] = []
        # on some days everybody wants the same thing
        is_narrow = self.random.random() < 0.5
        self.instruments = INSTRUMENTS[:1] if is_narrow else INSTRUMENTS
        self.strategies = ("demo",) if is_narrow else ("demo", "swing", None)

    def run(self) -> str:
        """Run the day to its end and return a digest of it; Violation if a rule breaks."""
        random, stack = self.random, self.stack
        stack.trouble.rate = random.choice(RATES)
        if random.random() < 0.5:
            stack.trouble.avoided = frozenset({FREEZES})
        if random.random() < 0.2:
            stack.trouble.slowness = random.choice(SLOWNESS)
        if random.random() < 0.5:
            stack.start_postbacks()
        stack.start()
        span = random.choice(SPANS)
        for action in random.choices(ACTIONS, WEIGHTS, k=random.randint(1, 6)):
            stack.hub.spawn("client", partial(action, self), after=int(span * random.random()))
        stack.run_for(span)
        stack.judge.raise_broken()
        self._settle()
        self._judge()
        return stack.digest()

    def _settle(self) -> None:
        """Let all trouble end, and time pass until nothing is under way any more."""
        stack = self.stack
        stack.trouble.end()
        stack.log_in()
        stack.hub.spawn("client", self._let_go)
        for _ in range(LAST_TRAVEL):
            stack.run_for(MINUTE)
            if not stack.is_under_way() and not any(stack.judge.circuits.values()):
                break
        if self.random.random() < 0.05:
            self._evening()
        stack.run_for(MINUTE + 10 * SECOND)

    def _let_go(self) -> None:
        while self._is_stopping:
            self.stack.hub.pause(SECOND)
        for switch in self._turned_on:
            self.stack.judge.require(self._release(switch), f"{switch} could not be turned off")

    def _evening(self) -> None:
        """Look at the day's last books, twice."""
        evening = MONDAY_MORNING.astimezone(IST).replace(hour=18, minute=5)
        self.stack.hub.jump(evening)
        self.stack.run_for(2 * MINUTE)
        self.stack.hub.jump(evening + timedelta(minutes=15))
        self.stack.run_for(2 * MINUTE)

    def _judge(self) -> None:
        judge, stack = self.stack.judge, self.stack
        ends = judge.judge_end(stack.held())
        judge.judge_holds(stack.dynamodb.items("GateTable"))
        judge.require(self.asked.accepted <= set(judge.items), "an accepted order was lost")
        self.asked.judge_resends()
        judge.kills.judge_asked(judge.items, judge.wants, judge.require)
        judge.kills.judge_told(judge.notices, judge.require)
        judge.changing.judge(stack.trouble.hits, judge.require)
        for name in ("OrderQueue", "OrderDeadLetters", "KillQueue", "KillDeadLetters"):
            judge.require(not stack.sqs.messages(stack.sqs.url(name)), f"messages were left in {name}")
        if not any(hit.startswith("reconcile") for hit in stack.trouble.hits):
            judge.judge_told()
            judge.judge_circuits(has_queue_failed=any("send_message" in hit for hit in stack.trouble.hits))
        stack.trouble.hits["circuit opened"] += judge.openings
        judge.raise_broken()
        stack.trouble.hits.update({f"refused by {code}": n for code, n in judge.counts.refusals.items()})
        stack.trouble.hits.update({f"ended {end}": number for end, number in ends.items()})

    # ------------------------------------------------------------ what people do
    def place(self) -> None:
        """Place an order over HTTPS, perhaps twice with one key."""
        random = self.random
        order: dict[str, Any] = {
            "account": random.choice(("paper", "kite")),
            "instrument": random.choice(self.instruments),
            "side": random.choice(("BUY", "SELL")),
            "quantity": random.choice((1, 5, 2000, 900_000)),
            "order_type": random.choice(("MARKET", "LIMIT")),
            "product": "MIS",
            "strategy": random.choice(self.strategies),
            "position_effect": random.choice((None, None, "CLOSE")),
        }
        if order["order_type"] == "LIMIT":
            order["limit_price"] = random.choice(("1390", "1450", "1500.05", "1600", "1500.051"))
        key = f"key-{random.randrange(1000)}"
        self._place(key, order)
        if random.random() < 0.3:
            self._place(key, order)
        look = random.random()
        if look < 0.1:
            self._read(order["account"])
        elif look < 0.15:
            self._cancel_all(order["account"])

    def burst(self) -> None:
        """Place more orders at once than may leave in a second."""
        order = _resting("kite", 1)
        for number in range(14):
            key = f"burst-{number}-{self.random.random()}"
            self.stack.hub.spawn("client", partial(self._place, key, order))

    def _rest(self, account: str) -> str:
        """Place an order that rests, and return its client order id."""
        key = f"rest-{self.random.random()}"
        self._place(key, _resting(account, 5))
        return client_order_id(account, f"api:{key}")

    def _hold(self, account: str) -> None:
        """Place an order that fills."""
        order = _buy(account, 5) | {"order_type": "MARKET"}
        self._place(f"hold-{self.random.random()}", order)

    def _place(self, key: str, order: Mapping[str, Any]) -> None:
        answer = self.stack.gateway.place(KEY, key, order, came=partial(self.asked.order_came, key, order))
        self.asked.order_answered(key, order, answer)

    def alert(self) -> None:
        """Send an alert, or the same one again."""
        random = self.random
        strategy = random.choice(self.strategies) or "swing"
        # most have fired just now, some were long under way
        age = timedelta(seconds=40 * random.random() if random.random() < 0.2 else 0)
        fired = self.stack.hub.now() - age
        body: dict[str, Any] = {
            "strategy": strategy,
            "token": TOKENS[strategy],
            "ticker": random.choice(self.instruments).removeprefix("NSE:"),
            "exchange": "NSE",
            "action": random.choice(("buy", "sell")),
            "contracts": str(random.choice((1, 5, 50))),
            "price": random.choice(("1390", "1500.05", "1600")),
            "position_size": random.choice(("0", "5", "-5", "55")),
            "time": f"{fired:%Y-%m-%dT%H:%M:%SZ}",
        }
        body = body if random.random() < 0.8 else {**body, "time": None}
        self._alert(body)
        if random.random() < 0.3:
            self._alert(body)

    def _alert(self, alert: Mapping[str, Any]) -> None:
        text = json.dumps(alert)
        answer = self.stack.gateway.send_alert(text, came=partial(self.asked.alert_came, text, alert))
        self.asked.alert_answered(text, alert, answer)

    def work(self) -> None:
        """Place an order that rests, and change it again and again."""
        random, key = self.random, f"work-{self.random.random()}"
        account, quantity = random.choice(("paper", "kite")), random.choice((3, 5))
        self._place(key, _resting(account, quantity))
        name = client_order_id(account, f"api:{key}")
        for _ in range(random.randint(1, 4)):
            self._change(name)
            self.stack.hub.pause(int(4 * SECOND * random.random() ** 2))

    def change(self) -> None:
        """Change or cancel an order that we have, one that rests if there is one."""
        items = self.stack.judge.items
        resting = [name for name, item in items.items() if item["state"]["S"] in RESTING]
        if items:
            self._change(self.random.choice(sorted(resting or items)))

    def _change(self, name: str) -> None:
        if name not in self.stack.judge.items:
            return
        if self.random.random() < 0.3:
            self._on_order("cancel", f"DELETE {ROUTE}", name)
            return
        body = changes(self.random, PRICES)
        ask = self.asked.change_came(name, body)
        self.asked.change_answered(name, ask, self._on_order("modify", f"PATCH {ROUTE}", name, body))

    def cancel_all(self) -> None:
        """Cancel whatever rests in an account."""
        self._cancel_all(self.random.choice(("paper", "kite")))

    def _cancel_all(self, account: str) -> None:
        body = {"account": account}
        self.stack.gateway.call("cancel", "POST /v1/orders/cancel-all", body, key=KEY)

    def read(self) -> None:
        """Look at orders and positions: reading disturbs nothing."""
        self._read(self.random.choice(("paper", "kite")))

    def _read(self, account: str) -> None:
        query = {"account": account}
        self.stack.gateway.call("orders", "GET /v1/orders", key=KEY, query=query)
        self.stack.gateway.call("positions", "GET /v1/positions", key=KEY, query=query)

    def move_price(self) -> None:
        """Move both markets."""
        instrument, price = self.random.choice(INSTRUMENTS), self.random.choice(PRICES)
        for venue in self.stack.venues.values():
            venue.set_price(instrument, price)

    def stop(self) -> None:
        """Turn a kill switch on, and later off: over everything, an account or a strategy."""
        if self._is_stopping:
            return
        self._is_stopping = True
        random = self.random
        switch = random.choice(SWITCHES)
        body: dict[str, Any] = {**switch, "lets_exits": random.random() < 0.7}
        body["cancel_open"] = random.random() < 0.3
        if body["lets_exits"] and switch["scope"] != "strategy" and random.random() < 0.9:
            body |= {"close_positions": True, "confirm": True}
        account = "paper" if switch.get("name") == "paper" else "kite"
        if body["cancel_open"] and random.random() < 0.7:
            self._rest(account)
        if "close_positions" in body and random.random() < 0.9:
            self._hold(account)
        self._engage(body)
        if random.random() < 0.4:
            self.stack.hub.spawn("client", self.lose_session)
        self.stack.hub.pause(int(40 * SECOND * random.random()))
        self._release(switch)
        self._is_stopping = False

    def lose_session(self) -> None:
        """Let Kite's session die, and somebody log in again; an order that rests there is changed meanwhile."""
        name = self._rest("kite") if self.random.random() < 0.5 else None
        self.stack.kite.kite.access_token = "another"
        if name is not None:
            self.stack.hub.spawn("client", partial(self._change, name))
        self.stack.hub.pause(int(30 * SECOND * self.random.random()))
        self.stack.log_in()

    def lose_broker(self) -> None:
        """Let nothing reach a broker for a while, and people and alerts go on placing and changing orders there."""
        stack, random, account = self.stack, self.random, self.random.choice(("paper", "kite"))
        resting = self._rest(account)
        endpoint = (stack.paper if account == "paper" else stack.kite).endpoint
        stack.trouble.out_of_reach.add(endpoint)
        order = _resting(account, 1)
        for number in range(5):
            key = f"lost-{number}-{random.random()}"
            for ask in (partial(self._place, key, order), partial(self._change, resting)):
                stack.hub.spawn("client", ask, after=int(20 * SECOND * random.random()))
            stack.hub.spawn("client", self.alert, after=int(3 * SECOND * random.random()))
        stack.hub.spawn("client", partial(letters.give_up_what_waits, stack))
        stack.hub.pause(int(120 * SECOND * random.random()))
        stack.trouble.out_of_reach.discard(endpoint)

    def deploy(self) -> None:
        """Replace every idle process."""
        self.stack.fleet.replace_all()

    def place_by_hand(self) -> None:
        """Place an order in the broker's own app: one that rests, or one that fills."""
        self.stack.kite.place_by_hand(self.random.choice(("1450", "1600")))

    def _engage(self, body: dict[str, Any]) -> None:
        """Turn a kill switch on over the API; from its answer on nothing may begin but exits that it lets through."""
        self._turned_on.append({name: body[name] for name in ("scope", "name") if name in body})
        # some press a button once and look no further: what they began must end all the same
        tries = 1 if self.random.random() < 0.3 else KILL_TRIES
        if self._turned("POST", body, tries):
            self.stack.judge.stopped[_key_of(body)] = bool(body["lets_exits"])

    def _release(self, switch: Mapping[str, str]) -> bool:
        self.stack.judge.stopped.pop(_key_of(switch), None)
        return self._turned("DELETE", {**switch, "reason": "all is well"})

    def _turned(self, method: str, body: dict[str, Any], tries: int = KILL_TRIES) -> bool:
        """Ask until the answer is yes, as somebody does who wants to be sure."""
        for _ in range(tries):
            answer = self.stack.gateway.call("kill_switch", f"{method} /v1/kill-switch", body, key=KEY)
            if answer.is_success:
                return True
            self.stack.hub.pause(SECOND)
        return False

    def _on_order(self, function: str, route: str, name: str, body: Any = None) -> Answer:
        return self.stack.gateway.call(function, route, body, key=KEY, path={"client_order_id": name})


def _buy(account: str, quantity: int) -> dict[str, Any]:
    order = {"account": account, "instrument": "NSE:INFY", "side": "BUY", "quantity": quantity}
    return {**order, "product": "MIS"}


def _resting(account: str, quantity: int) -> dict[str, Any]:
    return _buy(account, quantity) | {"order_type": "LIMIT", "limit_price": "1450"}


def _key_of(switch: Mapping[str, Any]) -> str:
    """Return the switch's name in the gate."""
    return "#".join(("kill", switch["scope"], *([switch["name"]] if "name" in switch else [])))


Action = Callable[[Day], None]
WEIGHTED: tuple[tuple[Action, float], ...] = (
    (Day.place, 12),
    (Day.burst, 0.2),
    (Day.alert, 14),
    (Day.work, 6),
    (Day.change, 8),
    (Day.cancel_all, 1),
    (Day.read, 1),
    (Day.move_price, 4),
    (Day.stop, 4),
    (Day.lose_session, 2),
    (Day.lose_broker, 1),
    (Day.deploy, 1),
    (Day.place_by_hand, 3),
    (lambda day: letters.poison(day.stack), 1),
    (lambda day: letters.give_up(day.stack), 1),
    (lambda day: letters.drive_again(day.stack), 3),
)
ACTIONS = [action for action, _ in WEIGHTED]
WEIGHTS = [weight for _, weight in WEIGHTED]
