"""What must hold: of a write, of a send, of every state, and when all is quiet; each rule answers with its breach."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from order_router.domain.exchange_time import exchange_day, is_book_final
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.meter import GROSS, OPEN, ORDERS, RESERVED, ZERO
from order_router.domain.order import Order
from order_router.domain.reports import ReportedState
from order_router.domain.vocabulary import Exchange
from order_router.service.timing import BETWEEN_LAST_BOOKS
from tests.faults.search.broker import Book, Row

COUNTED = ("account", "strategy")
MAX_AGE = timedelta(seconds=30)
NOT_AT_BROKER = {State.RECEIVED, State.REFUSED, State.STALE}
AS_AT_BROKER = {
    ReportedState.OPEN: State.OPEN,
    ReportedState.PARTIALLY_FILLED: State.PARTIALLY_FILLED,
    ReportedState.FILLED: State.FILLED,
    ReportedState.REJECTED: State.REJECTED,
    ReportedState.EXPIRED: State.EXPIRED,
}
TELLS_OF_BROKER = {State.OPEN, State.PARTIALLY_FILLED, State.FILLED, State.CANCELLED, State.EXPIRED}


def broken_by_write(before: Order | None, after: Order | None) -> str | None:
    """Return what a write broke."""
    if before is None or after is None or after is before:
        return None if before is None or after is not None else "a record was deleted"
    if after.history[: len(before.history)] != before.history or after.version <= before.version:
        return "history was rewritten"
    if before.state.is_final and after.state is not before.state:
        return f"an end was undone: {before.state}, then {after.state}"
    if after.filled_quantity < before.filled_quantity:
        return "a fill shrank"
    return _broken_by_closing(after)


def _broken_by_closing(order: Order) -> str | None:
    """Look at an order that was closed because the book lacked it: twice, late in the day, some time apart."""
    closed = [step.event.at for step in order.history if step.event.kind is EventKind.CLOSED_ABSENT]
    absent = [step.event.at for step in order.history if step.event.kind is EventKind.ABSENT_AT_DAY_END]
    day = exchange_day(order.received_at)
    if any(not is_book_final(Exchange.NSE, day, at) for at in closed + absent):
        return "closed by absence during the session"
    if closed and (not absent or closed[0] - absent[0] < BETWEEN_LAST_BOOKS):
        return "closed by a single last book"
    return None


def broken_by_send(order: Order | None, sender: str, at: datetime) -> str | None:
    """Return what a write that reaches the broker broke, by the store as it stands at that moment."""
    if order is None:
        return "sent without a stored intent"
    if order.state is not State.SUBMITTING:
        return f"sent while its record says {order.state}"
    if order.owner is None or order.owner.partition("/")[0] != sender:
        return "sent by a worker that does not own it"
    if at > min(order.deadline, order.received_at + MAX_AGE):
        return "sent after its deadline"
    if order.lease_until is None or at > order.lease_until:
        return "sent after its lease"
    return None


def broken_counts(order: Order | None, meters: Mapping[str, Mapping[str, Decimal]]) -> str | None:
    """Return what is wrong in what is counted of the account and the strategy, at any moment."""
    if order is None or order.counted_price is None:
        return "something is counted of an order that is not" if meters else None
    counts = _counts(order, order.counted_price)
    found = [{name: item.get(name, ZERO) for name in counts} for item in meters.values()]
    return None if found == [counts] * len(COUNTED) else f"counted as {found} while it is {order.state}"


def _counts(order: Order, price: Decimal) -> dict[str, Decimal]:
    resting = ZERO if order.state.is_final else (order.request.quantity - order.filled_quantity) * price
    return {
        ORDERS: Decimal(1),
        OPEN: Decimal(not order.state.is_final),
        RESERVED: resting,
        GROSS: resting + order.filled_quantity * price,
    }


def broken_state(order: Order | None, book: Book, *, is_holding: bool) -> str | None:
    """Return what is wrong between the record and the broker's truth, at any moment."""
    if book.left > 1:
        return "sent twice"
    if order is None:
        return "an order at the broker that has no record" if book.rows else None
    if is_holding is not (order.state is State.UNKNOWN):
        return f"a hold that does not fit {order.state}"
    return _broken_with_row(order, book.rows[0]) if book.rows else _broken_without_row(order, book)


def _broken_with_row(order: Order, row: Row) -> str | None:
    if order.state in NOT_AT_BROKER:
        return f"{order.state} here, {row.state} at the broker"
    if order.state.is_final and order.state is not AS_AT_BROKER[row.state]:
        return f"ended {order.state} here, {row.state} at the broker"
    if order.filled_quantity > row.filled_quantity:
        return "more filled here than at the broker"
    return None


def _broken_without_row(order: Order, book: Book) -> str | None:
    if order.state in TELLS_OF_BROKER:
        return f"{order.state} here, nothing at the broker"
    if order.state is State.REJECTED and not book.said_no and not order.has(EventKind.CLOSED_ABSENT):
        return "rejected, and the broker never said so"
    return None


def broken_after_look(order: Order | None, book: Book, told: frozenset[str]) -> str | None:
    """Return what is wrong once all is quiet, every lease is over and the reconciler has looked, in the session."""
    if order is None:
        return "an accepted intent was forgotten"
    if order.state in {State.RECEIVED, State.SUBMITTING}:
        return f"still {order.state} after a look past its lease"
    if order.state is State.UNKNOWN and "unknown" not in told:
        return "unknown, and nobody was told"
    return _differs(order, book)


def broken_at_day_end(order: Order | None, book: Book, told: frozenset[str]) -> str | None:
    """Return what is wrong once the reconciler has seen the day's last books."""
    if order is None or not order.state.is_final:
        return f"{'nothing' if order is None else order.state} at the end of the day"
    if order.has(EventKind.CLOSED_ABSENT) and "closed" not in told:
        return "closed by its absence, and nobody was told"
    return _differs(order, book)


def _differs(order: Order, book: Book) -> str | None:
    if book.said_no and order.state not in {State.REJECTED, State.UNKNOWN}:
        return f"{order.state} here, refused by the broker"
    row = next((row for row in book.rows if row.is_visible), None)
    if row is None:
        return None
    here = (order.state, order.filled_quantity, order.broker_order_id)
    there = (AS_AT_BROKER[row.state], row.filled_quantity, row.broker_order_id)
    return None if here == there else f"{here} here, {there} at the broker"
