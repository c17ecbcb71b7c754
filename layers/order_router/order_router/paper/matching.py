"""Which orders meet the last price, at what price and for how much."""

from dataclasses import replace

from order_router.domain.vocabulary import OrderType, Side
from order_router.paper.book import PaperOrder, Status
from order_router.paper.market import PaperInstrument

STOPS = frozenset({OrderType.SL, OrderType.SL_M})


def is_stop(order: PaperOrder) -> bool:
    """Return whether the order waits for a trigger."""
    return order.request.order_type in STOPS


def wake(order: PaperOrder, listed: PaperInstrument) -> PaperOrder:
    """Return the order, triggered if it is a stop whose trigger the last price has reached."""
    trigger_price = order.request.trigger_price
    if trigger_price is None or order.is_triggered:
        return order
    is_buy = order.request.side is Side.BUY
    is_reached = listed.last_price >= trigger_price if is_buy else listed.last_price <= trigger_price
    return (
        replace(order, is_triggered=True, status=resting_status(order, is_triggered=True))
        if is_reached
        else order
    )


def fill_quantity(order: PaperOrder, listed: PaperInstrument) -> int:
    """Return how many units fill: 0 if the price does not suit or this price event has filled it already."""
    if is_stop(order) and not order.is_triggered:
        return 0
    if order.filled_at_event >= listed.price_event or not _suits(order, listed):
        return 0
    return min(order.pending_quantity, listed.max_fill_quantity)


def resting_status(order: PaperOrder, *, is_triggered: bool) -> Status:
    """Return the word for an order that rests."""
    if order.filled_quantity:
        return Status.PARTIALLY_FILLED
    return Status.TRIGGER_PENDING if is_stop(order) and not is_triggered else Status.OPEN


def _suits(order: PaperOrder, listed: PaperInstrument) -> bool:
    limit_price = order.request.limit_price
    if limit_price is None:
        return True
    return (
        listed.last_price <= limit_price
        if order.request.side is Side.BUY
        else listed.last_price >= limit_price
    )
