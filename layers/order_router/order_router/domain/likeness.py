"""Finding an order in a book that does not echo our tag: exactly one row that can only be it, or none."""

from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta

from order_router.domain.lifecycle import EventKind, State
from order_router.domain.order import Order
from order_router.domain.reports import OrderReport

BEFORE = timedelta(seconds=5)
"""How far a broker's clock may be behind ours."""

AFTER = timedelta(seconds=120)
"""How long after our deadline a broker may still stamp an order that it took in time."""


def find_by_likeness(
    order: Order,
    rows: Iterable[OrderReport],
    *,
    tag_of: Callable[[str], str],
    claimed: Collection[str],
    rivals: Iterable[Order],
) -> OrderReport | None:
    """Return the only row that fits the order; None where two fit, or where it fits a rival too.

    None also where it may have been placed once a person knew: it may be what he placed by hand in its stead.
    `claimed` are the broker order ids of our other orders, `rivals` our other orders of which nothing is known;
    `tag_of` gives the tag that went out with an order: a row that shows another one is somebody else's.
    """
    fitting = [
        row for row in rows if row.broker_order_id not in claimed and _may_be(order, row, tag_of=tag_of)
    ]
    is_contested = any(_may_be(rival, row, tag_of=tag_of) for rival in rivals for row in fitting)
    if len(fitting) != 1 or is_contested or not _is_before_telling(order, fitting[0]):
        return None
    return fitting[0]


def _may_be(order: Order, row: OrderReport, *, tag_of: Callable[[str], str]) -> bool:
    return may_carry(row, tag_of(order.client_order_id)) and is_like(order, row)


def may_carry(row: OrderReport, tag: str) -> bool:
    """Return whether the row may be of the order with this tag: it shows that, a part of it, or none.

    A broker that echoes none may yet show one, whole or cut off.
    """
    return tag.lower().startswith((row.client_tag or "").lower())


def is_like(order: Order, row: OrderReport) -> bool:
    """Return whether a row could be the order: the same terms, placed when we were sending it."""
    request = order.request
    return (
        (row.instrument, row.side, row.product) == (request.instrument, request.side, request.product)
        and row.quantity == request.quantity
        and row.order_type == request.order_type
        and _same_price(row.limit_price, request.limit_price)
        and _same_price(row.trigger_price, request.trigger_price)
        and _in_time(order, row.placed_at)
    )


def _is_before_telling(order: Order, row: OrderReport) -> bool:
    telling = (State.UNKNOWN, EventKind.PERSON_TOLD)
    told_at = next((s.event.at for s in order.history if (s.state, s.event.kind) == telling), None)
    return told_at is None or (row.placed_at is not None and row.placed_at < told_at - BEFORE)


def _same_price(shown: object, asked: object) -> bool:
    # brokers show a zero or nothing where an order type has no such price
    return shown == asked or (asked is None and not shown)


def _in_time(order: Order, placed_at: datetime | None) -> bool:
    if placed_at is None:
        return False
    return order.received_at - BEFORE <= placed_at <= order.deadline + AFTER
