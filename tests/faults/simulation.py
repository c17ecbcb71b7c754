"""A seeded day of trouble: the real services against the real paper adapter, and everything that can go wrong between.

One seed is one schedule: orders, alerts, repeats, redeliveries, changes, price moves, switches, logins lost, broker and
store faults, workers that die at any outside call, and time that passes. The same seed gives the same trace.
"""

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random
from typing import Any

from pydantic import ValidationError

from order_router.adapter.http import HttpRequest, HttpResponse
from order_router.domain.errors import RouterError
from order_router.domain.exchange_time import exchange_day, is_book_final
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.order import Order
from order_router.domain.vocabulary import Exchange, Source
from order_router.paper.book import Status
from order_router.ports import PlaceOrder
from order_router.service.change import cancel_order, modify_order
from order_router.service.desk import Desk
from order_router.service.place import place_order
from order_router.service.reconcile import reconcile_account
from tests.fakes.transport import Fault
from tests.fakes.world import World
from tests.faults.crashes import Crash, Crashes, Point, crashing

STEPS = 40
SWITCH = "kill#global"
PRICES = ("1450", "1499.95", "1500.05", "1500.10", "1550")
ENDED_UNSEEN = {State.STALE, State.REFUSED, State.REJECTED}
AS_AT_BROKER = {
    Status.OPEN: State.OPEN,
    Status.TRIGGER_PENDING: State.OPEN,
    Status.PARTIALLY_FILLED: State.PARTIALLY_FILLED,
    Status.COMPLETE: State.FILLED,
    Status.CANCELLED: State.CANCELLED,
    Status.EXPIRED: State.EXPIRED,
}


class Violation(AssertionError):
    """An invariant does not hold; the message has the seed and the trace."""


@dataclass
class Simulation:
    """One seed's run. `hits` counts what happened, over all its steps."""

    seed: int
    hits: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)  # noqa: S311 - a schedule, not a secret
        self.world = World()
        self.commands: list[PlaceOrder] = []
        self.trace: list[str] = []
        self.before: dict[str, Order] = {}
        self.is_stopped = False
        self.broken: list[str] = []
        self.world.clock.on_sleep = self._maybe_stop
        self._watch_the_broker()

    def run(self) -> str:
        """Run every step, settle what is open, and return the digest of the trace; Violation if a rule breaks."""
        for _ in range(STEPS):
            self._step()
            self._check()
        self._settle()
        self._check()
        self._check_truth()
        return hashlib.sha256("\n".join(self.trace).encode()).hexdigest()

    def _watch_the_broker(self) -> None:
        inner = self.world.exchange.handle

        def handle(request: HttpRequest) -> HttpResponse:
            if request.is_write and request.method == "POST":
                self._check_send(request)
            return inner(request)

        self.world.handlers["paper://exchange"] = handle

    def _check_send(self, request: HttpRequest) -> None:
        """Judge a placement as it reaches the broker; raising here would look like a broker's fault to the router."""
        stored = [order for order, _ in self.world.store.tables.orders.values()]
        known = [order for order in stored if order.client_order_id.encode() in request.body]
        rules = {
            "sent without a stored intent": len(known) == 1,
            "sent by nobody who owns it": all(order.state is State.SUBMITTING for order in known),
            "sent after its deadline": all(self.world.clock.now() <= order.deadline for order in known),
            "sent after the kill switch had answered": not self.is_stopped,
        }
        self.broken += [rule for rule, holds in rules.items() if not holds]

    def _maybe_stop(self) -> None:
        """Turn the kill switch on while a worker waits for its next try."""
        if self.random.random() < 0.1 and not self.is_stopped:
            self.is_stopped = True
            self.world.store.set_switch(SWITCH, engaged=True)
            self._note("switch", "while waiting")

    def _step(self) -> None:
        actions: list[tuple[int, Callable[[], None]]] = [
            (6, self._place),
            (4, self._repeat),
            (3, self._change),
            (3, self._reconcile),
            (3, self._move_price),
            (5, self._pass_time),
            (4, self._break_something),
            (2, self._toggle_switch),
            (2, self._toggle_session),
        ]
        weights = [weight for weight, _ in actions]
        self.random.choices([action for _, action in actions], weights)[0]()

    def _place(self) -> None:
        source = self.random.choice([Source.API, Source.ALERT])
        changes: dict[str, Any] = {
            "side": self.random.choice(["BUY", "SELL"]),
            "quantity": self.random.choice([1, 5, 2000, 10_000_000]),
            "limit_price": self.random.choice(["1450", "1470", "1500.05", "1520", "1550", "1500.051"]),
        }
        if self.random.random() < 0.3:
            changes |= {"order_type": "MARKET", "limit_price": None}
        command = self.world.command(f"k-{len(self.commands)}", source=source, **changes)
        if source is Source.ALERT:
            command = replace(command, deadline=command.received_at + timedelta(seconds=30))
        self.commands.append(command)
        self._as_worker("place", lambda desk: place_order(desk, command))

    def _repeat(self) -> None:
        if self.commands:
            command = self.random.choice(self.commands[-6:])
            self._as_worker("repeat", lambda desk: place_order(desk, command))

    def _change(self) -> None:
        orders = sorted((key, order.state) for key, (order, _) in self.world.store.tables.orders.items())
        resting = [key for key, state in orders if state.is_working]
        stored = resting if resting and self.random.random() < 0.8 else [key for key, _ in orders]
        if not stored:
            return
        client_order_id = self.random.choice(stored)
        if self.random.random() < 0.5:
            self._as_worker("cancel", lambda desk: cancel_order(desk, client_order_id))
        else:
            changes = {"quantity": self.random.choice([2, 7]), "limit_price": self.random.choice(PRICES)}
            self._as_worker("modify", lambda desk: modify_order(desk, client_order_id, changes))

    def _reconcile(self) -> None:
        self._as_worker("reconcile", lambda desk: reconcile_account(desk, "paper"))

    def _move_price(self) -> None:
        price = self.random.choice(PRICES)
        self._note("price", price)
        self.world.set_price("NSE:INFY", price)

    def _pass_time(self) -> None:
        seconds = self.random.choice([0.1, 1, 2, 5, 31, 40, 300, 700])
        self._note("time", str(seconds))
        self.world.clock.advance(seconds)

    def _break_something(self) -> None:
        kind = self.random.choice(["write", "read", "store"])
        if kind == "store":
            how = self.random.choice(["before", "after"])
            self.world.store.fail_next.append(how)
        else:
            fault = self.random.choice([fault for fault in Fault if fault is not Fault.NONE])
            how = str(fault)
            (self.world.transport.writes if kind == "write" else self.world.transport.reads).append(fault)
        self._note(f"fault {kind}", how)

    def _toggle_switch(self) -> None:
        self.is_stopped = not self.is_stopped and self.random.random() < 0.7
        self.world.store.set_switch(SWITCH, engaged=self.is_stopped)
        self._note("switch", str(self.is_stopped))

    def _toggle_session(self) -> None:
        is_out = self.random.random() < 0.3
        if is_out:
            self.world.sessions.log_out("paper")
        else:
            self.world.sessions.log_in("paper", {})
        self._note("session", "lost" if is_out else "there")

    def _as_worker(self, what: str, step: Callable[[Desk], object]) -> None:
        crashes = Crashes()
        if self.random.random() < 0.25:
            point = Point(self.random.randrange(12), is_after=self.random.random() < 0.5)
            crashes = Crashes(frozenset({point}))
        try:
            step(crashing(self.world.desk, crashes))
        except Crash as crash:
            self._note(what, f"died {crash}")
        except (RouterError, ValidationError) as error:
            self._note(what, type(error).__name__)
        else:
            self._note(what, "done")

    def _settle(self) -> None:
        """Let all trouble end, and give time enough for every lease, deadline and look."""
        self.world.transport.writes.clear()
        self.world.transport.reads.clear()
        self.world.store.fail_next.clear()
        self.world.sessions.log_in("paper", {})
        for _ in range(8):
            self.world.clock.advance(20)
            reconcile_account(self.world.desk, "paper")

    def _check(self) -> None:
        self._require(not self.broken, ", ".join(self.broken))
        tags = Counter(order.client_tag for order in self.world.at_broker())
        self._require(not tags or max(tags.values()) == 1, "two orders for one intent")
        for client_order_id, (order, _) in self.world.store.tables.orders.items():
            before = self.before.get(client_order_id, order)
            self._require(order.filled_quantity >= before.filled_quantity, "a fill shrank")
            self._require(not before.state.is_final or order.state is before.state, "an end was undone")
            self._require(len(order.history) >= len(before.history), "history was lost")
            self._require(self._closed_rightly(order), "closed by absence while the session lasted")
            self.before[client_order_id] = order

    def _closed_rightly(self, order: Order) -> bool:
        closed = [step.event.at for step in order.history if step.event.kind is EventKind.CLOSED_ABSENT]
        return all(is_book_final(Exchange.NSE, exchange_day(order.received_at), at) for at in closed)

    def _check_truth(self) -> None:
        held = {order.client_tag: order for order in self.world.at_broker()}
        told = {notice.client_order_id for notice in self.world.notifier.notices}
        for client_order_id, (order, _) in self.world.store.tables.orders.items():
            row = held.pop(client_order_id, None)
            self.hits[f"ended {order.state}"] += 1
            if row is not None:
                expected = AS_AT_BROKER[row.status]
                self._require(order.state is expected, f"{order.state} here, {row.status} there")
                self._require(order.filled_quantity == row.filled_quantity, "another fill than the broker's")
            elif order.state is State.UNKNOWN:
                self._require(client_order_id in told, "unknown and nobody was told")
            else:
                self._require(order.state in ENDED_UNSEEN, f"{order.state} here, nothing there")
        self._require(not held, "an order at the broker that we do not know")

    def _note(self, what: str, how: str) -> None:
        self.hits[f"{what}: {how}"] += 1
        states = ",".join(
            f"{key}={order.state}" for key, (order, _) in self.world.store.tables.orders.items()
        )
        self.trace.append(f"{self.world.clock.now().isoformat()} {what} {how} {states}")

    def _require(self, holds: bool, rule: str) -> None:
        if not holds:
            raise Violation(f"seed {self.seed}: {rule}\n" + "\n".join(self.trace[-12:]))
