"""Settle one order from a book that was read: adopt, leave, tell, or close it at the end of the day."""

from dataclasses import dataclass
from datetime import datetime

from order_router.adapter.port import Broker
from order_router.domain.errors import Reason
from order_router.domain.exchange_time import is_book_final
from order_router.domain.history import UNREAD, Event
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.likeness import find_by_likeness, may_carry
from order_router.domain.market_hours import has_day_ended, trading_day
from order_router.domain.order import Order
from order_router.domain.reports import OrderBook, OrderReport
from order_router.service.desk import Desk
from order_router.service.follow_up import tell
from order_router.service.recording import Seen, record, record_report
from order_router.service.timing import BETWEEN_LAST_BOOKS, INDEX_LAG, LEASE


@dataclass(frozen=True, slots=True)
class Look:
    """One look at an account: the book, the broker, our orders that it is for, and when the book was asked for.

    Needed only where tags do not come back: `claimed` are the broker order ids of all our orders of the day, `rivals`
    those of our orders that may have left and have none, also those that a worker is sending.
    """

    book: OrderBook
    broker: Broker
    due: tuple[Order, ...]
    read_at: datetime
    claimed: frozenset[str] = frozenset()
    rivals: tuple[Order, ...] = ()


def settle(desk: Desk, look: Look, order: Order) -> Order:
    """Return the order as the book settles it."""
    rows = _rows_of(order, look)
    if len(rows) > 1:
        _tell_duplicate(desk, order, rows)
    if rows and _is_too_young(order, look, rows[0]):
        # the next look takes it, or knows whose it is
        return order
    if rows:
        asked_before = look.read_at - LEASE if look.book.is_complete else None
        return record_report(desk, order, Seen(rows[0], _where(look), asked_before=asked_before))
    if order.state is State.UNKNOWN:
        return _settle_absent(desk, look, order)
    return _settle_unseen(desk, look, order)


def correct_rejected(desk: Desk, look: Look, order: Order) -> Order:
    """Return an order that is rejected by our record, with what the book shows of it all the same."""
    wanted = (order.request.instrument, order.request.side)
    for row in _named_rows(order, look) or ():
        # a tag alone could be a copy of it
        if (row.instrument, row.side) == wanted:
            order = record_report(desk, order, Seen(row, _where(look)))
    return order


def _where(look: Look) -> str:
    return f"the broker's book, read {look.read_at:%H:%M:%S} UTC"


def _rows_of(order: Order, look: Look) -> tuple[OrderReport, ...]:
    """Return the book's rows for the order: by the broker's id, by our tag, or as the only one that can be it."""
    named = _named_rows(order, look)
    if named is not None:
        return named
    rivals = [other for other in look.rivals if other.client_order_id != order.client_order_id]
    tag_of = look.broker.profile.tag.tag
    found = find_by_likeness(order, look.book.reports, tag_of=tag_of, claimed=look.claimed, rivals=rivals)
    return () if found is None else (found,)


def _named_rows(order: Order, look: Look) -> tuple[OrderReport, ...] | None:
    """Return the rows that name the order, by the broker's id or our tag; None where none can."""
    reports, rule = look.book.reports, look.broker.profile.tag
    if order.broker_order_id is not None:
        return tuple(row for row in reports if row.broker_order_id == order.broker_order_id)
    if rule.is_echoed:
        tag = rule.tag(order.client_order_id)
        return tuple(row for row in reports if row.client_tag == tag)
    return None


def _is_too_young(order: Order, look: Look, row: OrderReport) -> bool:
    """Return whether a row that is only like the order may be another one of ours that no index shows yet."""
    is_by_likeness = order.broker_order_id is None and not look.broker.profile.tag.is_echoed
    return is_by_likeness and row.placed_at is not None and row.placed_at > look.read_at - INDEX_LAG


def _settle_absent(desk: Desk, look: Look, order: Order) -> Order:
    """Keep an order unknown that the book lacks, and tell it once; only the day's last books close it."""
    order = order if order.has(EventKind.PERSON_TOLD) else _tell_unknown(desk, look, order)
    if not look.book.is_complete or not _is_last_word(desk, look, order) or _may_be_there(order, look):
        return order
    # by when the book was read: whoever reads it in the session may be late to judge it
    now = look.read_at
    note = f"not among the {len(look.book.reports)} orders of the day's book"
    first = next((s.event.at for s in order.history if s.event.kind is EventKind.ABSENT_AT_DAY_END), None)
    if first is None:
        return record(desk, order, [Event(kind=EventKind.ABSENT_AT_DAY_END, at=now, note=note)])
    if now - first < BETWEEN_LAST_BOOKS:
        return order
    reason = Reason("NOT_AT_BROKER", f"{note}, read at {first:%H:%M} and {now:%H:%M} UTC after the session")
    tell(desk, "closed", order.request.account, reason.message, order.client_order_id)
    return record(desk, order, [Event(kind=EventKind.CLOSED_ABSENT, at=now, reason=reason)])


def _may_be_there(order: Order, look: Look) -> bool:
    """Return whether a row may be the order with its tag lost or mangled: a person must say, absence proves nothing."""
    tag, asked = look.broker.profile.tag.tag(order.client_order_id), order.request
    return any(
        (row.instrument, row.side, row.quantity) == (asked.instrument, asked.side, asked.quantity)
        and may_carry(row, tag)
        and row.broker_order_id not in look.claimed
        for row in look.book.reports
    )


def _is_last_word(desk: Desk, look: Look, order: Order) -> bool:
    """Return whether the book is one of the last of the order's day: never where that day is not known."""
    exchange, calendar = order.request.instrument.exchange, desk.calendar()
    day = trading_day(order.request, order.received_at, calendar)
    if day is None:
        return False
    closes_at = max((session.closes_at for session in calendar.sessions(exchange, day) or ()), default=None)
    return is_book_final(exchange, day, look.read_at, closes_at)


def _settle_unseen(desk: Desk, look: Look, order: Order) -> Order:
    """Close an order of an earlier day that rested when last seen: its validity ended with that day."""
    is_over = has_day_ended(order.request, order.received_at, desk.calendar(), look.read_at)
    if not is_over or not look.book.is_complete:
        return order
    reason = Reason(
        "DAY_ENDED_UNSEEN", "its day ended and the broker's book no longer has it: check its fills"
    )
    tell(desk, "closed", order.request.account, reason.message, order.client_order_id)
    return record(desk, order, [Event(kind=EventKind.EXPIRED, at=desk.clock.now(), reason=reason)])


def _tell_duplicate(desk: Desk, order: Order, rows: tuple[OrderReport, ...]) -> None:
    ids = ", ".join(row.broker_order_id for row in rows)
    message = f"the broker holds {ids} for one order"
    tell(desk, "duplicate", order.request.account, message, order.client_order_id)


def _tell_unknown(desk: Desk, look: Look, order: Order) -> Order:
    message = (
        f"the outcome of {order.request.side} {order.request.quantity} {order.request.instrument} is not known;"
        " it will not be sent again: check the broker's order book"
    )
    tell(desk, "unknown", order.request.account, message, order.client_order_id)
    evidence = () if look.book.is_complete else (UNREAD,)
    event = Event(kind=EventKind.PERSON_TOLD, at=desk.clock.now(), note=message, evidence=evidence)
    return record(desk, order, [event])
