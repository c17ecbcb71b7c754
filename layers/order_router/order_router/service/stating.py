"""Settle an unknown order by the word of a person who looked it up in the broker's own app.

For what no book tells: an order whose tag is lost and that two rows may be, or one whose day's books were not read.
While its day lasts the broker's book is read as well, and a word that it contradicts changes nothing. One that
is closed and shows up all the same is told with the next book of its account, as any rejected order's fill is.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from order_router.domain.account import Account
from order_router.domain.errors import Reason, RouterError
from order_router.domain.history import Event, with_evidence
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.likeness import may_carry
from order_router.domain.market_hours import days_in_book, has_day_ended
from order_router.domain.order import Order
from order_router.domain.reports import OrderBook, OrderReport
from order_router.service.asking import ask
from order_router.service.changeable import OrderEnded, known_order
from order_router.service.day_orders import orders_of_day
from order_router.service.desk import Desk
from order_router.service.follow_up import look_at_once
from order_router.service.needed_reads import NotReadYet
from order_router.service.reading_books import read_in_turn
from order_router.service.recording import Seen, record, record_report

STATED_BY = "stated_by"
"""The evidence of what a person said: who did, and why he knows."""


class NotUnknown(RouterError):
    """The order is not one that a person must settle, or not yet."""

    code = "ORDER_NOT_UNKNOWN"


class StatementRefused(RouterError):
    """What was said cannot be so, by what the broker's book or our own records show."""

    code = "STATEMENT_REFUSED"


@dataclass(frozen=True, slots=True)
class Ending:
    """How an order of an earlier day ended, by the broker's own records."""

    filled_quantity: int
    average_price: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What a person says of an order. `by`: who says it; `why`: in words, kept with it.

    `broker_order_id`: which of the broker's orders it is; None: the broker has no such order. `ending`: how it ended,
    where its day is over and no book shows it any more.
    """

    by: str
    why: str
    broker_order_id: str | None = None
    ending: Ending | None = None


def settle_by_word(desk: Desk, client_order_id: str, said: Statement) -> Order:
    """Return the order as the statement settles it, and let go what it held.

    Said again, it is answered as before. Raises OrderUnknown, OrderEnded, NotUnknown, StatementRefused, NotReadYet,
    a BrokerError of the read, or StoreUnavailable: then nothing was changed.
    """
    order = known_order(desk.store, client_order_id)
    if _is_so(order, said):
        return order
    _require_unknown(order)
    if said.broker_order_id is not None and order.broker_order_id not in {None, said.broker_order_id}:
        raise StatementRefused(f"the broker called this order {order.broker_order_id}")
    account = desk.account(order.request.account)
    is_over = has_day_ended(order.request, order.received_at, desk.calendar(), desk.clock.now())
    if said.broker_order_id is None:
        settled = _not_there(desk, account, order, said, is_over=is_over)
    elif said.ending is None:
        settled = _named(desk, account, order, said)
    else:
        settled = _ended(desk, order, said, said.ending, is_over=is_over)
    look_at_once(desk.reconcile, order.request.account)
    return settled


def _is_so(order: Order, said: Statement) -> bool:
    """Return whether the order is settled, and as the statement says."""
    if said.broker_order_id is None:
        return order.has(EventKind.CLOSED_ABSENT)
    return order.state is not State.UNKNOWN and order.broker_order_id == said.broker_order_id


def _require_unknown(order: Order) -> None:
    if order.state.is_final:
        raise OrderEnded(f"order {order.client_order_id} is {order.state}")
    if order.state is not State.UNKNOWN:
        raise NotUnknown(
            f"order {order.client_order_id} is {order.state}: only one that is unknown is settled by hand"
        )
    if not order.has(EventKind.PERSON_TOLD):
        raise NotUnknown(
            f"order {order.client_order_id} is still looked for: ask again once it was told as unknown"
        )


def _not_there(desk: Desk, account: Account, order: Order, said: Statement, *, is_over: bool) -> Order:
    """Close an order that the broker does not have; while its day lasts its book must not show it."""
    if not is_over:
        book, _ = _read(desk, account)
        if not book.is_complete:
            raise NotReadYet("the broker's book was not read whole: whether it shows the order is not known")
        rule = desk.broker_of(account.broker).profile.tag
        tag = rule.tag(order.client_order_id)
        shown = [
            row.broker_order_id
            for row in book.reports
            if (rule.is_echoed and row.client_tag == tag) or row.broker_order_id == order.broker_order_id
        ]
        if shown:
            raise StatementRefused(f"the broker's book shows the order as {', '.join(shown)}")
    reason = Reason("NOT_AT_BROKER", f"{said.by} says that the broker has no such order: {said.why}")
    return _recorded(
        desk, order, said, Event(kind=EventKind.CLOSED_ABSENT, at=desk.clock.now(), reason=reason)
    )


def _named(desk: Desk, account: Account, order: Order, said: Statement) -> Order:
    """Take the broker's order that was named for this one, if it can be it."""
    book, read_at = _read(desk, account)
    row = next((row for row in book.reports if row.broker_order_id == said.broker_order_id), None)
    if row is None:
        raise StatementRefused(
            f"the broker's book of today has no order {said.broker_order_id}: of an earlier day say how it ended"
        )
    _require_like(desk, account, order, row)
    _require_unclaimed(desk, order, row.broker_order_id, read_at)
    where = f"the broker's book, read {read_at:%H:%M:%S} UTC, as {said.by} says: {said.why}"
    return record_report(desk, order, Seen(row, where))


def _require_like(desk: Desk, account: Account, order: Order, row: OrderReport) -> None:
    asked, tag = order.request, desk.broker_of(account.broker).profile.tag.tag(order.client_order_id)
    wanted = (asked.instrument, asked.side, asked.quantity, asked.product)
    if (row.instrument, row.side, row.quantity, row.product) != wanted:
        raise StatementRefused(
            f"order {row.broker_order_id} is {row.side} {row.quantity} {row.instrument} {row.product}:"
            f" not {asked.side} {asked.quantity} {asked.instrument} {asked.product}"
        )
    if not may_carry(row, tag):
        raise StatementRefused(f"order {row.broker_order_id} shows the tag of another order")


def _require_unclaimed(desk: Desk, order: Order, broker_order_id: str, at: datetime) -> None:
    """Raise StatementRefused if another of our orders is that one."""
    exchanges = desk.broker_of(order.broker).profile.exchanges
    for day in sorted({order.day, *days_in_book(exchanges, desk.calendar(), at)}):
        for other in orders_of_day(desk.store, order.request.account, day):
            is_other = other.client_order_id != order.client_order_id
            if is_other and other.broker_order_id == broker_order_id:
                raise StatementRefused(f"{broker_order_id} is our order {other.client_order_id}")


def _ended(desk: Desk, order: Order, said: Statement, ending: Ending, *, is_over: bool) -> Order:
    """Record how an order of an earlier day ended, of which no book tells any more."""
    if not is_over:
        raise StatementRefused(
            "the order's day is not over: name the broker's order, and its book tells the rest"
        )
    if ending.filled_quantity > order.request.quantity:
        raise StatementRefused(
            f"{ending.filled_quantity} cannot have filled of an order for {order.request.quantity}"
        )
    _require_unclaimed(desk, order, said.broker_order_id or "", desk.clock.now())
    is_filled = ending.filled_quantity == order.request.quantity
    event = Event(
        kind=EventKind.FILLED if is_filled else EventKind.EXPIRED,
        at=desk.clock.now(),
        broker_order_id=said.broker_order_id,
        filled_quantity=ending.filled_quantity,
        average_price=ending.average_price,
        reason=Reason("STATED", f"{said.by} says how it ended: {said.why}"),
    )
    return _recorded(desk, order, said, event)


def _recorded(desk: Desk, order: Order, said: Statement, event: Event) -> Order:
    """Store the event; OrderEnded if the order was settled otherwise meanwhile."""
    stored = record(desk, order, with_evidence((event,), (STATED_BY, said.by)))
    if not _is_so(stored, said):
        raise OrderEnded(f"order {order.client_order_id} was settled meanwhile: it is {stored.state}")
    return stored


def _read(desk: Desk, account: Account) -> tuple[OrderBook, datetime]:
    at = desk.clock.now()
    book = ask(
        desk,
        account,
        lambda broker, send, session: read_in_turn(
            desk, account, session, lambda: broker.read_orders(send, session)
        ),
    )
    return book, at
