"""Write down what happened, whoever else wrote meanwhile."""

import logging
from collections.abc import Callable, Sequence

from order_router.domain.following import apply_fitting, events_of, shows_terms_that_it_left
from order_router.domain.history import Event, with_evidence
from order_router.domain.order import Order
from order_router.domain.reports import OrderReport
from order_router.ports import StoreConflict, StoreUnavailable
from order_router.service.desk import RecordDesk
from order_router.service.gates import after_gate

logger = logging.getLogger(__name__)
TRIES = 5
PAUSE_S = 0.2


def record(desk: RecordDesk, order: Order, events: Sequence[Event]) -> Order:
    """Store the order after the events; where another worker wrote first, those of them that still fit.

    Returns the order as stored. Raises StoreUnavailable when it could not be stored.
    """
    log_decision(order, events)
    return _stored(desk, order, lambda current: apply_fitting(current, events))


def record_report(
    desk: RecordDesk, order: Order, report: OrderReport, seen_in: str, *, is_late: bool = False
) -> Order:
    """Store what a broker's report says of the order; where another worker wrote first, what it says of that.

    What the order trades may have changed since the report was made. Terms that another worker wrote meanwhile stay; of
    a report that may come late (`is_late`) those that the order had and left are no news. The report of its end has the
    last ones. Returns the order as stored, the same if nothing is new. Raises StoreUnavailable when it could not be
    stored.
    """
    began, at = order.request, desk.clock.now()

    def events(current: Order) -> tuple[Event, ...]:
        is_old = current.request != began or (is_late and shows_terms_that_it_left(current, report))
        said = events_of(current, report, at, takes_terms=not is_old)
        return with_evidence(said, ("seen_in", seen_in))

    if news := events(order):
        log_decision(order, news)
        return _stored(desk, order, lambda current: apply_fitting(current, events(current)))
    return order


def _stored(desk: RecordDesk, order: Order, following: Callable[[Order], Order]) -> Order:
    for attempt in range(TRIES):
        after = following(order)
        if after is order:
            return order
        try:
            desk.store.write(after, replacing=order, gate=after_gate(order, after))
        except StoreConflict as conflict:
            if conflict.current is None:
                raise
            order = conflict.current
        except StoreUnavailable:
            desk.clock.sleep(PAUSE_S * (attempt + 1))
        else:
            return after
    raise StoreUnavailable(f"the outcome of order {order.client_order_id} could not be written down")


def log_decision(order: Order, events: Sequence[Event]) -> None:
    """Log what is about to be written: if the write is lost, the log still has the broker's order id."""
    logger.info(
        "order decision",
        extra={
            "client_order_id": order.client_order_id,
            "account": order.request.account,
            "broker": order.broker,
            "state_before": str(order.state),
            "events": [str(event.kind) for event in events],
            "broker_order_id": next(
                (e.broker_order_id for e in events if e.broker_order_id), order.broker_order_id
            ),
            "reason": next((event.reason.code for event in events if event.reason), None),
        },
    )
