"""Which orders can be changed now, and what one asks for after a change."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from order_router.domain.errors import RouterError
from order_router.domain.history import Event
from order_router.domain.lifecycle import EventKind
from order_router.domain.order import Order
from order_router.domain.request import OrderRequest, dump_request, parse_request
from order_router.domain.unshown import in_doubt
from order_router.ports import OrderStore
from order_router.service.timing import LEASE

MODIFYING = {
    EventKind.MODIFY_REQUESTED,
    EventKind.MODIFIED,
    EventKind.MODIFY_REJECTED,
    EventKind.MODIFY_UNRESOLVED,
}
ANSWERED = {EventKind.MODIFIED, EventKind.MODIFY_REJECTED}


class OrderUnknown(RouterError):
    """There is no order of this id."""

    code = "ORDER_NOT_FOUND"


class OrderEnded(RouterError):
    """The order has ended: there is nothing to change."""

    code = "ORDER_ALREADY_FINAL"


class OrderUnsettled(RouterError):
    """The order is not known to be at the broker: it cannot be changed before that is settled."""

    code = "ORDER_NOT_OPEN"


class TooManyChanges(RouterError):
    """The order's record has room for its end, and for no more modifications."""

    code = "TOO_MANY_CHANGES"


class ChangeInProgress(RouterError):
    """Another modification is under way, or nobody knows if it was made: what this one is to change is not known."""

    code = "CHANGE_IN_PROGRESS"


def known_order(store: OrderStore, client_order_id: str) -> Order:
    """Return the order; OrderUnknown if there is none."""
    order = store.get(client_order_id)
    if order is None:
        raise OrderUnknown(f"there is no order {client_order_id}")
    return order


def require_working(order: Order) -> None:
    """Raise OrderEnded or OrderUnsettled where the order is not known to rest at its broker."""
    if order.state.is_final:
        raise OrderEnded(f"order {order.client_order_id} is {order.state}")
    if not order.state.is_working:
        raise OrderUnsettled(
            f"order {order.client_order_id} is {order.state}: it is not known to rest at the broker"
        )


def require_modifiable(order: Order, now: datetime) -> None:
    """Raise what keeps the order from being modified now, or ChangeInProgress or TooManyChanges."""
    require_working(order)
    if is_being_modified(order, now):
        raise ChangeInProgress(
            f"order {order.client_order_id} is being modified: ask again when that is done"
        )
    if not order.has_room_for_changes:
        raise TooManyChanges(
            f"order {order.client_order_id} was changed too often: cancel it and place another"
        )


def is_being_modified(order: Order, now: datetime) -> bool:
    """Return whether a worker may be modifying the order: for as long as one may live that never tells of it."""
    # what a report shows meanwhile does not end it: that may be of a change before
    told = (event for event in _modifications(order) if not event.is_seen)
    last = next(told, None)
    return last is not None and last.kind is EventKind.MODIFY_REQUESTED and now <= last.at + LEASE


def may_have_other_terms(order: Order) -> bool:
    """Return whether the broker may have the order on other terms: its last change was not answered.

    So it may where a report has told since what became of it: a broker may take a request late, and a book may lag.
    """
    last = next(_modifications(order), None)
    if last is None:
        return False
    # a yes without terms: a report was written down while the change was under way
    has_no_terms = last.kind is EventKind.MODIFIED and last.request is None
    return last.kind not in ANSWERED or last.is_seen or has_no_terms


def _modifications(order: Order) -> Iterator[Event]:
    """Yield what happened to modifications of the order, the last first."""
    return (step.event for step in reversed(order.history) if step.event.kind in MODIFYING)


def at_broker(order: Order) -> str:
    """Return the broker's id of the order; OrderUnsettled if it has none yet."""
    if order.broker_order_id is None:
        raise OrderUnsettled(f"order {order.client_order_id} has no broker order id yet")
    return order.broker_order_id


def changed_request(order: Order, changes: Mapping[str, Any]) -> OrderRequest:
    """Return the request with the changes; a null price removes it, as a change of type may need."""
    _require_named(order, changes)
    wanted = parse_request(dump_request(order.request) | dict(changes))
    if wanted.quantity <= order.filled_quantity:
        raise OrderUnsettled(
            f"quantity must be more than the {order.filled_quantity} already filled, received {wanted.quantity}",
            code="INVALID_REQUEST",
        )
    return wanted


def _require_named(order: Order, changes: Mapping[str, Any]) -> None:
    """Raise ChangeInProgress if the change leaves out a field of which nobody knows how the broker has it."""
    missing = sorted(in_doubt(order) - changes.keys())
    if missing:
        names = ", ".join(missing)
        raise ChangeInProgress(
            f"a change of {names} of order {order.client_order_id} was not answered, and no report shows if it was"
            f" made: name {names} in this change too"
        )
