"""What must hold while a broker misbehaves, judged after every step, and what must be true when it is over."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from order_router.domain.exchange_time import exchange_day, is_book_final
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.likeness import AFTER, BEFORE
from order_router.domain.order import Order
from order_router.domain.vocabulary import Exchange
from order_router.service.timing import INDEX_LAG, RECONCILE_DELAY_S
from tests.fakes.told import told_by
from tests.fakes.world import World
from tests.faults.floor import Floor, HeldOrder
from tests.simulators.chaos_broker import ChaosBroker, Write
from tests.simulators.chaos_dialect import Kind, Verdict

TOLD_WITHIN = timedelta(seconds=60)
UNTAGGED_WITHIN = timedelta(minutes=1) + INDEX_LAG + timedelta(seconds=RECONCILE_DELAY_S)
"""Where no tag comes back, and a row's time may be the end of its minute: the next look after it is old enough."""
AT_BROKER = {State.OPEN, State.PARTIALLY_FILLED, State.FILLED, State.CANCELLED, State.REJECTED}
NOTHING_THERE = {State.RECEIVED, State.REFUSED, State.STALE}
AFTER_PLACING: dict[Verdict | None, set[State]] = {
    None: NOTHING_THERE,
    Verdict.RESEND: NOTHING_THERE,
    Verdict.REFUSED: {State.REJECTED},
    Verdict.LOST: {State.UNKNOWN},
    Verdict.ANSWERED: AT_BROKER,
}
AFTER_CHANGING: dict[Verdict | None, set[str]] = {
    None: {"refused"},
    Verdict.RESEND: {"refused"},
    Verdict.REFUSED: {"refused"},
    Verdict.LOST: {"unsettled"},
    Verdict.ANSWERED: {"settled", "refused"},
}


def _terms(order: Order) -> tuple[object, ...]:
    request = order.request
    return (request.side, request.quantity, request.order_type, request.limit_price, request.trigger_price)


class Violation(AssertionError):
    """A rule does not hold; the message has what led there."""


@dataclass
class Rules:
    """The invariants of one run. `is_impatient`: a true answer may come too late for the client.

    `is_tagged`: the broker's book shows our tags. Where it does not, an order whose answer was lost is found by its
    attributes; the judge always knows an order by the tag that came with it.
    """

    world: World
    floor: Floor
    chaos: ChaosBroker
    is_impatient: bool
    is_tagged: bool = True
    trace: list[str] = field(default_factory=list)
    before: dict[str, Order] = field(default_factory=dict)
    sent_unstored: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Judge every placement as it reaches the broker."""
        self.chaos.on_write = self._judge_placement

    def require(self, holds: bool, rule: str) -> None:
        """Raise Violation, with the trace, unless the rule holds."""
        if not holds:
            raise Violation(f"{rule}\n" + "\n".join(self.trace[-15:]))

    def orders(self) -> list[Order]:
        """Return every order as it is stored."""
        return [order for order, _ in self.world.store.tables.orders.values()]

    def check(self) -> None:
        """Judge the record and the broker's book as they stand."""
        self.require(not self.sent_unstored, f"sent without a stored intent: {self.sent_unstored}")
        self.require(not self.chaos.ledger.strays, "a redirect was followed")
        self._check_book(self.floor.held())
        for order in self.orders():
            self._check_life(order, self.before.get(order.client_order_id, order))
            self._check_told(order)
            self.before[order.client_order_id] = order

    def check_placed(self, order: Order, came: Sequence[Write]) -> None:
        """Judge what a placement says, by how its last request ended."""
        last = next((write for write in reversed(came) if write.tag == order.client_order_id), None)
        expected = AFTER_PLACING[last.verdict if last else None]
        if self._may_be_late(last):
            expected = expected | {State.UNKNOWN}
        self.require(order.state in expected, f"{order.state} after {last or 'nothing was sent'}")

    def check_changed(self, outcome: str, order: Order, came: Sequence[Write]) -> None:
        """Judge what a change says (settled, unsettled or refused), by how its request ended."""
        own = [write for write in came if write.order_id == order.broker_order_id]
        last = own[-1] if own else None
        expected = AFTER_CHANGING[last.verdict if last else None]
        if self._may_be_late(last):
            expected = expected | {"unsettled"}
        self.require(outcome in expected, f"{outcome} after {last or 'nothing was sent'}")

    def _may_be_late(self, last: Write | None) -> bool:
        """Return whether the client may have given up before the broker had read or answered."""
        return self.is_impatient and (last is None or last.verdict in {None, Verdict.ANSWERED})

    def check_truth(self) -> None:
        """Judge the end: with the fault gone, the record is the broker's book."""
        held = {order.tag: order for order in self.floor.held()}
        for order in self.orders():
            row = held.pop(order.client_order_id, None)
            if row is not None and order.state is State.UNKNOWN and not self.is_tagged:
                self._check_unlikely(order, row)
            elif row is not None:
                self._check_same(order, row)
            elif order.state is State.UNKNOWN:
                self.require(self._is_told(order), "unknown, and nobody was told")
            else:
                nothing = {State.STALE, State.REFUSED, State.REJECTED}
                self.require(order.state in nothing, f"{order.state} here, nothing at the broker")
        self.require(not held, f"orders at the broker that we do not know: {list(held)}")

    def _check_same(self, order: Order, row: HeldOrder) -> None:
        ours = (order.state, order.filled_quantity, order.broker_order_id, order.request.quantity)
        theirs = (row.state, row.filled_quantity, row.broker_order_id, row.quantity)
        self.require(ours == theirs, f"{ours} here, {theirs} there")
        if order.state.is_working:
            asked = (order.request.order_type, order.request.limit_price)
            shown = (row.order_type, row.limit_price)
            self.require(asked == shown, f"{asked} here, {shown} there")

    def _check_unlikely(self, order: Order, row: HeldOrder) -> None:
        """Judge an order that the book shows and no look has claimed: only what could be another's may stay so."""
        self.require(self._is_told(order), "unknown, and nobody was told")
        last_moment = min(order.deadline + AFTER, self._told_at(order) - BEFORE)
        is_late = row.placed_at is None or row.placed_at >= last_moment
        rivals = [
            other
            for other in self.orders()
            if other.state is State.UNKNOWN
            and other.client_order_id != order.client_order_id
            and _terms(other) == _terms(order)
        ]
        self.require(is_late or bool(rivals), "unknown though the book has one row that can only be it")

    def _judge_placement(self, write: Write) -> None:
        if write.kind is not Kind.PLACE or (tag := write.tag) is None:
            return
        stored = self.world.store.get(tag)
        # on a busy machine it may come when whoever sent it has given up already
        if stored is None or all(step.state is not State.SUBMITTING for step in stored.history):
            self.sent_unstored.append(tag)

    def _check_book(self, held: Sequence[HeldOrder]) -> None:
        twice = [tag for tag, count in Counter(order.tag for order in held).items() if count > 1]
        self.require(not twice, f"two orders for one intent: {twice}")
        # a placement is told by its tag, a change by the step that it left in
        of_one: dict[tuple[str | None, ...], list[Write]] = {}
        for write in list(self.chaos.ledger.writes):
            if write.kind is not Kind.PLACE:
                of_one.setdefault((write.step, write.order_id), []).append(write)
            elif write.tag is not None:
                of_one.setdefault((write.tag,), []).append(write)
        for writes in of_one.values():
            again = [write for write in writes[:-1] if write.verdict is not Verdict.RESEND]
            self.require(not again, f"sent again though it may have been done: {writes}")

    def _check_life(self, order: Order, before: Order) -> None:
        self.require(order.filled_quantity >= before.filled_quantity, "a fill shrank")
        self.require(not before.state.is_final or order.state is before.state, "an end was undone")
        self.require(order.history[: len(before.history)] == before.history, "history was rewritten")
        closed = [step.event.at for step in order.history if step.event.kind is EventKind.CLOSED_ABSENT]
        day = exchange_day(order.received_at)
        in_session = [at for at in closed if not is_book_final(Exchange.NSE, day, at)]
        self.require(not in_session, "closed by its absence while the session lasted")

    def _check_told(self, order: Order) -> None:
        if order.state is State.UNKNOWN and not self._is_told(order):
            since, within = self._lost_at(order), TOLD_WITHIN if self.is_tagged else UNTAGGED_WITHIN
            self.require(self.world.clock.now() - since <= within, f"unknown since {since}, nobody told")

    def _is_told(self, order: Order) -> bool:
        return "unknown" in {notice.kind for notice in told_by([order])}

    def _told_at(self, order: Order) -> datetime:
        return next(step.event.at for step in order.history if step.event.kind is EventKind.PERSON_TOLD)

    def _lost_at(self, order: Order) -> datetime:
        return next(step.event.at for step in order.history if step.event.kind is EventKind.OUTCOME_LOST)
