"""Withdraw an order that has not left: it ends here and never reaches its broker."""

from order_router.domain.errors import Reason
from order_router.domain.history import Event
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.order import Order
from order_router.service.desk import RecordDesk
from order_router.service.place import tell_unseen_end
from order_router.service.recording import record

WITHDRAWN = Reason("CANCELLED_BEFORE_SENDING", "it was cancelled before it was sent")


def withdraw(desk: RecordDesk, order: Order) -> Order:
    """Return a received order as it stands now: ended, unless a worker has begun to send it or ended it meanwhile."""
    stands = record(desk, order, [Event(kind=EventKind.REFUSED, at=desk.clock.now(), reason=WITHDRAWN)])
    if is_withdrawn(stands):
        tell_unseen_end(desk, stands)
    return stands


def is_withdrawn(order: Order) -> bool:
    """Return whether the order was cancelled before it was sent."""
    return order.state is State.REFUSED and order.reason == WITHDRAWN
