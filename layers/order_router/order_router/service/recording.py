"""Write down what happened, whoever else wrote meanwhile."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from order_router.domain.following import apply_fitting, events_of, shows_terms_that_it_left
from order_router.domain.history import SEEN_IN, Event, with_evidence
from order_router.domain.lifecycle import EventKind
from order_router.domain.order import Order, traded
from order_router.domain.reports import OrderReport
from order_router.domain.request import OrderRequest
from order_router.domain.unanswered import not_done
from order_router.ports import StoreConflict, StoreUnavailable
from order_router.service.desk import RecordDesk
from order_router.service.gates import after_gate

logger = logging.getLogger(__name__)
TRIES = 5
PAUSE_S = 0.2


@dataclass(frozen=True, slots=True)
class Seen:
    """What a broker reports of an order, and where it was seen.

    `after`: the events that it was read after, to be stored before what it says. `is_late`: it may be of a moment ago,
    or come after newer ones. `asked_before`: a change that was asked for before this and that the report does not
    show was not made; None: the report says nothing of that.
    """

    report: OrderReport
    where: str
    after: Sequence[Event] = ()
    is_late: bool = False
    asked_before: datetime | None = None


def record(desk: RecordDesk, order: Order, events: Sequence[Event]) -> Order:
    """Store the order after the events; where another worker wrote first, those of them that still fit.

    Terms that another worker wrote meanwhile stay. Returns the order as stored. Raises StoreUnavailable when it could
    not be stored.
    """
    return _stored(desk, order, lambda current: _timely(events, order, current))


def record_report(desk: RecordDesk, order: Order, seen: Seen) -> Order:
    """Store what a broker's report says of the order; where another worker wrote first, what it says of that.

    What the order trades may have changed since the report was made. Terms that another worker wrote meanwhile stay; of
    a late report those that the order had and left are no news. The report of its end has the last ones.

    Returns the order as stored, the same if nothing is new. Raises StoreUnavailable when it could not be stored.
    """
    at = desk.clock.now()

    def news(current: Order) -> tuple[Event, ...]:
        report = seen.report
        # what is being changed at its broker has its terms still to come, and nothing of it is over yet
        says_no_terms = current.request != order.request or report.is_changing
        before = _timely(seen.after, order, current)
        current = apply_fitting(current, before)
        is_old = says_no_terms or (seen.is_late and shows_terms_that_it_left(current, report))
        # an order cannot have filled more than it asks for: what it asks for is what the report says
        takes_terms = not is_old or report.filled_quantity > current.request.quantity
        said = events_of(current, report, at, takes_terms=takes_terms)
        if seen.asked_before is not None and not is_old:
            after = apply_fitting(current, said)
            said = (*said, *not_done(after, report, at, asked_before=seen.asked_before))
        return (*before, *with_evidence(said, (SEEN_IN, seen.where)))

    return _stored(desk, order, news)


def record_unanswered(desk: RecordDesk, order: Order, event: Event, wanted: OrderRequest | None) -> Order:
    """Store that nobody answered a change, or that it was made, where the order is known to have what it asked for.

    `wanted`: the terms that were asked for; None for a cancel. Returns the order as stored. Raises StoreUnavailable
    when it could not be stored.
    """

    def news(current: Order) -> tuple[Event, ...]:
        shows_it = wanted is not None and traded(current.request) == traded(wanted) != traded(order.request)
        # where nothing was to change it has what was asked for, whatever became of the call
        is_made = shows_it or current.request == wanted
        return (replace(event, kind=EventKind.MODIFIED) if is_made else event,)

    return _stored(desk, order, news)


def _timely(events: Sequence[Event], order: Order, current: Order) -> Sequence[Event]:
    """Return the events without their terms, if other terms were written since they happened to the order."""
    if current.request == order.request:
        return events
    return tuple(replace(event, request=None) for event in events)


def _stored(desk: RecordDesk, order: Order, news: Callable[[Order], Sequence[Event]]) -> Order:
    for attempt in range(TRIES):
        events = news(order)
        after = apply_fitting(order, events)
        if after is order:
            return order
        if attempt == 0:
            log_decision(order, events)
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
