"""Traders and alerts that do not give up: the same key again after a 5xx or a silence, as real senders do."""

import http.client
import json
import random
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from infra import operate
from infra.operate import Target
from order_router.domain.account import Account, Strategy
from order_router.domain.alert import alert_digest
from order_router.domain.identity import client_order_id
from order_router.domain.instrument import parse_instrument
from order_router.domain.limits import Limits
from order_router.domain.vocabulary import OrderType, Product
from order_router.paper.market import Kind, PaperInstrument
from tests.fakes.listed import a_share, put_listings
from tests.simulators.kite import ACCESS_TOKEN, API_KEY

LAST_PRICE, RESTING_PRICE, CHANGED_PRICE = "100", "90", "91"
INSTRUMENTS = tuple(f"SHARE{number:02}" for number in range(25))
ACCOUNTS_EACH = 4
SENDERS_AT_ONCE = 4
THREADS = 16

CALLER_TIMEOUT_S = 12
CALLER_TRIES = 10
CALLER_PAUSE_S, CALLER_LONGEST_PAUSE_S = 0.5, 8.0
# about webhooks, support page 43000529348: gives up after 3 s, sends again after 5 s (here 0.5 s), three times at most
TRADINGVIEW_TIMEOUT_S = 3
TRADINGVIEW_TRIES = 4
TRADINGVIEW_PAUSE_S = 0.5


@dataclass
class Intent:
    """One order that somebody wants, and what they were told: statuses, None for no answer in time."""

    client_order_id: str
    account: str
    broker: str
    source: str
    change: str | None = None
    is_accepted: bool = False
    answers: list[int | None] = field(default_factory=list)
    saw_a_worker_die: bool = False


@dataclass(frozen=True)
class Answer:
    """What came back; `died`: the emulator's own words for a worker that ended, not an answer of ours."""

    status: int | None
    content: dict[str, Any] = field(default_factory=dict)

    @property
    def died(self) -> bool:
        return "errorMessage" in self.content

    @property
    def is_worth_another_try(self) -> bool:
        """Nothing, a failure of the moment, or an order that somebody else is still placing."""
        if self.status is None or self.died or self.status in {409, 429}:
            return True
        return self.status >= 500 and "order" not in self.content


@dataclass(frozen=True)
class Desk:
    """The accounts, strategies and keys of one run. `strategies` are accounts by name, `tokens` opens each of them."""

    api_url: str
    api_key: str = field(repr=False)
    accounts: dict[str, str]
    strategies: dict[str, tuple[str, ...]]
    tokens: dict[str, str] = field(repr=False)

    def send(self, call: "Call") -> Answer:
        """Send one request, once."""
        address = urlsplit(self.api_url)
        headers = {"Content-Type": "text/plain"} if call.key is None else {"X-API-Key": self.api_key}
        headers |= {"Idempotency-Key": call.key} if call.key else {}
        connection = http.client.HTTPConnection("127.0.0.1", address.port, timeout=call.timeout_s)
        try:
            connection.request(call.method, address.path + call.path, body=call.body, headers=headers)
            answer = connection.getresponse()
            return Answer(answer.status, _content(answer.read()))
        except (OSError, http.client.HTTPException):
            return Answer(None)
        finally:
            connection.close()


def open_desk(target: Target, facts: dict[str, Any]) -> Desk:
    """Add the accounts, half of them at Zerodha, a strategy for each and for some two, and the paper market."""
    brokers = {f"{broker}-{n}": broker for broker in ("zerodha", "paper") for n in range(ACCOUNTS_EACH)}
    target.paper_exchange.seed_market([_share(name) for name in INSTRUMENTS])
    shares = [a_share(f"NSE:{name}") for name in INSTRUMENTS]
    put_listings(target.dynamodb, target.outputs["InstrumentsTableName"], "zerodha", shares)
    for name, broker in brokers.items():
        operate.add_account(target, Account(name=name, broker=broker, limits=Limits(max_orders_per_day=5000)))
        if broker == "zerodha":
            session = {"api_key": API_KEY, "access_token": ACCESS_TOKEN}
            operate.set_session(target, name, session)
    strategies: dict[str, tuple[str, ...]] = {f"s-{name}": (name,) for name in brokers}
    # one alert for two accounts, at two brokers and at one
    strategies |= {"both-0": ("zerodha-0", "paper-0"), "both-1": ("zerodha-1", "zerodha-2")}
    tokens = {name: operate.add_strategy(target, _strategy(name, of)) for name, of in strategies.items()}
    return Desk(facts["api_url"], facts["api_key"], brokers, strategies, tokens)


def _strategy(name: str, accounts: tuple[str, ...]) -> Strategy:
    return Strategy(
        name=name,
        accounts=accounts,
        order_type=OrderType.MARKET,
        product=Product.CNC,
        max_quantity=1000,
        # the emulator runs the order queue one message at a time: on most accounts an alert may wait for that
        max_age_s=30 if name.endswith("0") else 90,
    )


def kite_prices() -> dict[str, str]:
    """The same market, as the Kite simulator is told it."""
    return {f"NSE:{name}": LAST_PRICE for name in INSTRUMENTS}


@dataclass(frozen=True)
class Call:
    """One request, to be sent as often as its sender thinks right. `key` None: an alert, which has none."""

    method: str
    path: str
    body: bytes | None
    timeout_s: float
    key: str | None = field(default=None, repr=False)


class Traffic:
    """The run's intents. Ids are known before anything is sent, so that whatever comes to light can be placed.

    At most `SENDERS_AT_ONCE` send an order for the first time at any moment; whoever has to try again does so beside.
    """

    def __init__(self, desk: Desk, seed: int) -> None:
        self._desk = desk
        self._seed = seed
        self._lock = threading.Lock()
        self._turns = threading.BoundedSemaphore(SENDERS_AT_ONCE)
        self.intents: dict[str, Intent] = {}
        self.stopping = threading.Event()

    def is_alert(self, order: str | None) -> bool:
        """Whether the order came, or may have come, through the queue."""
        intent = self.intents.get(order or "")
        return intent is None or intent.source == "alert"

    def run_one(self, number: int) -> None:
        """Send one intent to its end: the even ones are alerts, the others HTTPS orders."""
        is_alert = number % 2 == 0
        with self._turns:
            if self.stopping.is_set():
                return
            intents, call = (self._alert if is_alert else self._order)(number)
            self._register(intents)
            answer = self._try(intents, call)
        if is_alert:
            self._resend(intents, call, answer)
        else:
            self._follow(intents[0], self._insist(intents, call, answer))

    def _dice(self, number: int) -> random.Random:
        return random.Random(f"{self._seed}/{number}")  # noqa: S311 - a seed that can be repeated is the point

    def _alert(self, number: int) -> tuple[list[Intent], Call]:
        """One order for each account of a strategy, whatever the answer names."""
        dice = self._dice(number)
        strategy, instrument = dice.choice(sorted(self._desk.strategies)), dice.choice(INSTRUMENTS)
        quantity = dice.randint(1, 5)
        message = {
            "strategy": strategy,
            "token": self._desk.tokens[strategy],
            "ticker": instrument,
            "exchange": "NSE",
            "action": "buy",
            "contracts": str(quantity),
            "price": LAST_PRICE,
            "order_id": f"Long {number}",
            "position_size": str(quantity),
            "market_position": "long",
            "time": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        }
        body = json.dumps(message).encode()
        key = f"alert:{alert_digest(strategy, body)}"
        accounts = self._desk.strategies[strategy]
        names = {account: client_order_id(account, key) for account in accounts}
        call = Call("POST", "/v1/webhooks/tradingview", body, TRADINGVIEW_TIMEOUT_S)
        return [Intent(names[one], one, self._desk.accounts[one], "alert") for one in accounts], call

    def _order(self, number: int) -> tuple[list[Intent], Call]:
        dice = self._dice(number)
        account, change = (
            dice.choice(sorted(self._desk.accounts)),
            dice.choice((None, None, "cancel", "modify")),
        )
        is_resting = change is not None or dice.random() < 0.1
        fields = {
            "account": account,
            "instrument": f"NSE:{dice.choice(INSTRUMENTS)}",
            "side": "BUY",
            "quantity": dice.randint(1, 5),
            "order_type": "LIMIT" if is_resting else "MARKET",
            "product": "CNC",
        }
        fields |= {"limit_price": RESTING_PRICE} if is_resting else {}
        key = f"order-{number}"
        name = client_order_id(account, f"api:{key}")
        intent = Intent(name, account, self._desk.accounts[account], "https", change=change)
        return [intent], Call("POST", "/v1/orders", json.dumps(fields).encode(), CALLER_TIMEOUT_S, key)

    def _resend(self, intents: list[Intent], call: Call, answer: Answer) -> None:
        """As TradingView does: again on a 5xx but 504, never after a silence."""
        for _ in range(TRADINGVIEW_TRIES - 1):
            if answer.status is None or answer.status < 500 or answer.status == 504:
                break
            if self.stopping.wait(TRADINGVIEW_PAUSE_S):
                break
            answer = self._try(intents, call)
        if answer.status == 202:
            wanted = {intent.client_order_id for intent in intents}
            assert set(answer.content["client_order_ids"]) == wanted, answer
            for intent in intents:
                intent.is_accepted = True

    def _insist(self, intents: list[Intent], call: Call, answer: Answer) -> Answer:
        """As a careful caller does: the same key again, after growing pauses."""
        for attempt in range(CALLER_TRIES - 1):
            pause_s = min(CALLER_PAUSE_S * 2**attempt, CALLER_LONGEST_PAUSE_S)
            if not answer.is_worth_another_try or self.stopping.wait(pause_s):
                break
            answer = self._try(intents, call)
        return answer

    def _follow(self, intent: Intent, answer: Answer) -> None:
        order = answer.content.get("order", answer.content)
        if "client_order_id" in order:
            assert order["client_order_id"] == intent.client_order_id, answer
            intent.is_accepted = True
        if order.get("state") != "open" or intent.change is None:
            return
        path = f"/v1/orders/{intent.client_order_id}"
        changed = json.dumps({"limit_price": CHANGED_PRICE}).encode()
        method, body = {"cancel": ("DELETE", None), "modify": ("PATCH", changed)}[intent.change]
        call = Call(method, path, body, CALLER_TIMEOUT_S, "")
        self._insist([intent], call, self._try([intent], call))

    def _try(self, intents: list[Intent], call: Call) -> Answer:
        answer = self._desk.send(call)
        for intent in intents:
            intent.answers.append(answer.status)
            intent.saw_a_worker_die |= answer.died
        return answer

    def _register(self, intents: list[Intent]) -> None:
        with self._lock:
            for intent in intents:
                assert intent.client_order_id not in self.intents
                self.intents[intent.client_order_id] = intent


def _content(raw: bytes) -> dict[str, Any]:
    try:
        content = json.loads(raw)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _share(name: str) -> PaperInstrument:
    return PaperInstrument(
        instrument=parse_instrument(f"NSE:{name}"),
        last_price=Decimal(LAST_PRICE),
        lot_size=1,
        tick_size=Decimal("0.05"),
        max_fill_quantity=10_000,
        kind=Kind.EQUITY,
    )
