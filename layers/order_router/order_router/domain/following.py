"""What a broker's report means for the order we hold: pure, and harmless when it comes late or twice."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from pydantic import ValidationError

from order_router.domain.errors import MAX_WORDS, Reason
from order_router.domain.history import Event
from order_router.domain.lifecycle import EventKind, State, allows
from order_router.domain.order import Order, apply, has_left, terms_had
from order_router.domain.reports import OrderReport, ReportedState
from order_router.domain.request import OrderRequest, dump_request, parse_request
from order_router.domain.unshown import SHOWN_AS, terms_asked
from order_router.domain.vocabulary import OrderType

EVENT_OF_REPORT: dict[ReportedState, EventKind] = {
    ReportedState.PENDING: EventKind.OPENED,
    ReportedState.OPEN: EventKind.OPENED,
    ReportedState.PARTIALLY_FILLED: EventKind.PARTIALLY_FILLED,
    ReportedState.FILLED: EventKind.FILLED,
    ReportedState.CANCELLED: EventKind.CANCELLED,
    ReportedState.REJECTED: EventKind.REJECTED,
    ReportedState.EXPIRED: EventKind.EXPIRED,
}
PRICED = {
    "limit_price": {OrderType.LIMIT, OrderType.SL},
    "trigger_price": {OrderType.SL, OrderType.SL_M},
}


def events_of(
    order: Order, report: OrderReport, at: datetime, *, takes_terms: bool = True
) -> tuple[Event, ...]:
    """Return the events that bring the order to what the report says; none if it says nothing new.

    Unless it `takes_terms`, what the order trades stays: only the report of its end still says otherwise.
    """
    if report.filled_quantity < order.filled_quantity:
        return ()
    news = _news(order, report, at)
    if order.state.is_final:
        return (*_rejected_and_there(order, report, at), *_late_fill(order, news))
    is_end = news.kind not in {EventKind.OPENED, EventKind.PARTIALLY_FILLED}
    # a change whose answer was lost may have been made before the end
    changed = _changed_terms(order, report, at) if takes_terms or is_end else ()
    if is_end:
        return (*changed, news) if order.state.is_working else (news,)
    if (order.state.is_working and news.kind is EventKind.OPENED) or _says_nothing_new(order, news):
        return changed
    return (news, *changed)


def shows_terms_that_it_left(order: Order, report: OrderReport) -> bool:
    """Return whether the order had what the report says that it trades, and trades something else since."""
    try:
        return has_left(order, with_terms_of(order.request, report))
    except ValidationError:
        return False


def apply_fitting(order: Order, events: Iterable[Event]) -> Order:
    """Return the order after those of the events that still fit it; late ones change nothing."""
    for event in events:
        shrinks = event.filled_quantity is not None and event.filled_quantity < order.filled_quantity
        if allows(order.state, event.kind) and not shrinks:
            order = apply(order, event)
    return order


def _news(order: Order, report: OrderReport, at: datetime) -> Event:
    event = Event(
        kind=EVENT_OF_REPORT[report.state],
        at=at,
        broker_order_id=report.broker_order_id,
        exchange_order_id=report.exchange_order_id,
        filled_quantity=report.filled_quantity,
        average_price=report.average_price if report.filled_quantity > 0 else None,
        note=None if report.message is None else report.message[:MAX_WORDS],
    )
    if event.kind is EventKind.OPENED and report.filled_quantity > 0:
        return replace(event, kind=EventKind.PARTIALLY_FILLED)
    if event.kind is EventKind.REJECTED:
        return _rejection(order, event)
    return event


def _rejection(order: Order, event: Event) -> Event:
    reason = Reason("ORDER_REJECTED", event.note or "the broker gave no words")
    if order.state is State.PARTIALLY_FILLED or event.filled_quantity:
        # what has filled stands: the rest ended, the order was not refused
        return replace(event, kind=EventKind.CANCELLED, reason=reason)
    return replace(event, reason=reason)


def _rejected_and_there(order: Order, report: OrderReport, at: datetime) -> tuple[Event, ...]:
    """Return that a person is told once of an order that trades, though by our record its broker never had it."""
    had_it = order.state is not State.REJECTED or order.broker_order_id is not None
    if had_it or report.state not in {ReportedState.OPEN, ReportedState.PARTIALLY_FILLED}:
        return ()
    note = (
        f"stands as rejected here, and its broker has it: {report.broker_order_id} is {report.state}."
        " Nothing follows it from here: look at it in the broker's order book"
    )
    return (Event(kind=EventKind.PERSON_TOLD, at=at, broker_order_id=report.broker_order_id, note=note),)


def _late_fill(order: Order, news: Event) -> tuple[Event, ...]:
    grew = news.filled_quantity is not None and news.filled_quantity > order.filled_quantity
    if not grew or not allows(order.state, EventKind.LATE_FILL):
        return ()
    return (replace(news, kind=EventKind.LATE_FILL, reason=None),)


def _says_nothing_new(order: Order, news: Event) -> bool:
    return (
        order.state is State.PARTIALLY_FILLED
        and news.kind is EventKind.PARTIALLY_FILLED
        and news.filled_quantity == order.filled_quantity
    )


def _changed_terms(order: Order, report: OrderReport, at: datetime) -> tuple[Event, ...]:
    made = next((asked for asked in terms_asked(order) if shows(report, asked)), None)
    if made is None and report.validity is not None and shows_terms_that_it_left(order, report):
        # terms that it had and left, shown with the validity that they had: they are back as a whole
        had = terms_had(step.event for step in reversed(order.history))
        made = next((terms for terms in had if shows(report, terms)), None)
    try:
        request = with_terms_of(order.request, report) if made is None else made
    except ValidationError:  # terms that our request cannot have must not keep the order from its end
        return ()
    # a limit that was asked for, and is shown to the paisa, is not one of the broker's own
    tells_type = report.order_type is OrderType(request.order_type) is not OrderType(order.request.order_type)
    if request == order.request or (shows(report, order.request) and not tells_type):
        return ()
    return (Event(kind=EventKind.MODIFIED, at=at, request=request),)


def shows(report: OrderReport, request: OrderRequest) -> bool:
    """Return whether all that the report says of an order's terms is as the request has it."""
    try:
        is_so = with_terms_of(request, report) == request
    except ValidationError:
        return False
    return is_so and report.validity in {None, request.validity}


def with_terms_of(request: OrderRequest, report: OrderReport) -> OrderRequest:
    """Return the request with the type, quantity and prices that the broker's book shows for it."""
    fields = dump_request(request) | {"quantity": report.quantity}
    asked = OrderType(request.order_type)
    order_type = asked if report.order_type is SHOWN_AS.get(asked) else report.order_type
    fields["order_type"] = order_type
    for price, types in PRICED.items():
        shown = getattr(report, price)
        if order_type not in types:
            fields.pop(price, None)
        elif shown is not None and shown > 0:
            fields[price] = shown
    return parse_request(fields)
