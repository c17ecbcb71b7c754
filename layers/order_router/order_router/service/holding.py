"""Let held orders go once nothing holds them: they take their turn in the queue again."""

import logging
from collections.abc import Iterable

from order_router.domain.order import Order
from order_router.ports import StoreUnavailable
from order_router.service.desk import Desk
from order_router.service.gates import hold_name

logger = logging.getLogger(__name__)


def release_held(desk: Desk, unsettled: Iterable[Order], unknown: Iterable[Order]) -> tuple[Order, ...]:
    """Queue again, oldest first, the held orders that no unknown order holds any more; return those that wait on.

    The gate has the last word when one comes out of the queue: it may be held again.
    """
    now = desk.clock.now()
    holds = {_hold_of(order) for order in unknown}
    held = [order for order in unsettled if order.is_held and now <= order.deadline]
    held.sort(key=lambda order: order.received_at)
    return tuple(order for order in held if _hold_of(order) in holds or not _is_released(desk, order))


def _hold_of(order: Order) -> str | None:
    return hold_name(order.request, order.day)


def _is_released(desk: Desk, order: Order) -> bool:
    try:
        desk.order_queue.resume(order)
    except StoreUnavailable:
        logger.warning("could not release", extra={"client_order_id": order.client_order_id})
        return False
    return True
