"""One order as we know it, and the only function that changes it."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from order_router.domain.errors import IllegalTransition, Reason
from order_router.domain.exchange_time import exchange_day
from order_router.domain.history import (
    CHANGES_ROOM,
    Event,
    Evidence,
    Step,
    lengthened,
    weight_of,
    with_evidence,
)
from order_router.domain.lifecycle import TRANSITIONS, EventKind, State
from order_router.domain.request import OrderRequest, dump_request, parse_request
from order_router.domain.risk import worth
from order_router.domain.vocabulary import Source

TERMS_BEFORE = "terms_before"
SHOWN = ("order_type", "quantity", "limit_price", "trigger_price")
"""The fields of an order's terms that every broker's report shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What was asked for and what has become of it. Times are aware UTC.

    `counted_price`: what one unit counts at in what is at risk; None for an order that was never counted.
    `asked_price`: what it is to count at once the change that was asked for is made; None if none is under way.
    `session_day`: the exchange day that an after-market order was for when it came; None of any other, or if not known.
    """

    client_order_id: str
    request: OrderRequest
    request_digest: str
    broker: str
    source: Source
    received_at: datetime
    deadline: datetime
    updated_at: datetime
    state: State = State.RECEIVED
    owner: str | None = None
    lease_until: datetime | None = None
    broker_order_id: str | None = None
    exchange_order_id: str | None = None
    filled_quantity: int = 0
    average_price: Decimal | None = None
    counted_price: Decimal | None = None
    asked_price: Decimal | None = None
    session_day: date | None = None
    reason: Reason | None = None
    history: tuple[Step, ...] = ()
    version: int = 0

    @property
    def day(self) -> date:
        """Return the exchange day that the order counts for: that of its session, or the one on which it came."""
        return self.session_day or exchange_day(self.received_at)

    @property
    def pending_quantity(self) -> int:
        """Return what may still fill: nothing once the order has ended."""
        return 0 if self.state.is_final else self.request.quantity - self.filled_quantity

    @property
    def is_held(self) -> bool:
        """Return whether the order waits, unsent, for another one of its strategy to be settled."""
        return self.state is State.RECEIVED and self.last is EventKind.HELD

    @property
    def last(self) -> EventKind | None:
        """Return what happened last."""
        return self.history[-1].event.kind if self.history else None

    @property
    def has_room_for_changes(self) -> bool:
        """Return whether its record has room for one more modification, and then for its end."""
        return weight_of(self.history) < CHANGES_ROOM

    def has(self, kind: EventKind) -> bool:
        """Return whether this has happened to the order."""
        return any(step.event.kind is kind for step in self.history)


@dataclass(frozen=True, slots=True)
class Ownership:
    """Who may send an order, and until when."""

    owner: str
    lease_until: datetime


def new_order(order: Order, asked_by: str | None = None) -> Order:
    """Return the order with its birth, and by whom it was asked for, as the first line of its history."""
    asked = () if asked_by is None else (("asked_by", asked_by),)
    event = Event(kind=EventKind.RECEIVED, at=order.received_at, evidence=asked)
    return replace(order, history=(Step(state=State.RECEIVED, event=event),))


def witnessed(order: Order, evidence: Evidence) -> Order:
    """Return the order with this added to what stands behind its last event."""
    last = order.history[-1]
    (event,) = with_evidence((last.event,), *evidence)
    return replace(order, history=(*order.history[:-1], replace(last, event=event)))


def apply(order: Order, event: Event) -> Order:
    """Return the order after the event; IllegalTransition if the table does not have it or the fill shrinks.

    The first event that changes the terms keeps those that were asked for.
    """
    following = TRANSITIONS[order.state].get(event.kind)
    if following is None:
        raise IllegalTransition(f"{event.kind} cannot follow {order.state} (order {order.client_order_id})")
    filled_quantity = order.filled_quantity if event.filled_quantity is None else event.filled_quantity
    if filled_quantity < order.filled_quantity:
        raise IllegalTransition(
            f"filled quantity cannot go from {order.filled_quantity} to {filled_quantity}"
            f" (order {order.client_order_id})"
        )
    if event.request is not None and not any(step.event.request for step in order.history):
        (event,) = with_evidence((event,), (TERMS_BEFORE, _words(order.request)))
    return replace(
        order,
        state=following,
        updated_at=max(order.updated_at, event.at),
        request=order.request if event.request is None else event.request,
        broker_order_id=_kept(order.broker_order_id, event.broker_order_id),
        exchange_order_id=_kept(order.exchange_order_id, event.exchange_order_id),
        filled_quantity=filled_quantity,
        average_price=_kept(order.average_price, event.average_price),
        counted_price=_counted(order, event.request),
        asked_price=None if _settles_change(event) or following.is_final else order.asked_price,
        reason=order.reason if event.reason is None and following is order.state else event.reason,
        history=lengthened(order.history, Step(state=following, event=event)),
        version=order.version + 1,
    )


def has_left(order: Order, request: OrderRequest) -> bool:
    """Return whether the order traded by these terms once, and trades by others now."""
    return traded(request) != traded(order.request) and has_had((one.event for one in order.history), request)


def has_had(events: Iterable[Event], request: OrderRequest) -> bool:
    """Return whether an order traded by these terms at one of the events, or before the first that changed them."""
    return any(traded(request) == traded(terms) for terms in terms_had(events))


def terms_had(events: Iterable[Event]) -> Iterator[OrderRequest]:
    """Yield the terms that an order got by these events, and those before the first that changed them."""
    return (terms for event in events for terms in _terms_in(event))


def traded(request: OrderRequest) -> tuple[object, ...]:
    """Return what every broker's report shows of an order's terms."""
    return tuple(getattr(request, name) for name in SHOWN)


def take_ownership(order: Order, ownership: Ownership, at: datetime) -> Order:
    """Return the order as `submitting`, owned: only the worker that stores this may send it."""
    submitting = apply(order, Event(kind=EventKind.SUBMITTING, at=at))
    return replace(submitting, owner=ownership.owner, lease_until=ownership.lease_until)


def ask_change(order: Order, event: Event, price: Decimal | None) -> Order:
    """Return the order with a change asked for, after which a unit counts at this price."""
    return replace(apply(order, event), asked_price=price)


def _counted(order: Order, changed: OrderRequest | None) -> Decimal | None:
    """Return what a unit counts at: where changed terms do not bound it, what was asked for them, else as before."""
    if order.counted_price is None or changed is None:
        return order.counted_price
    return worth(changed, order.counted_price if order.asked_price is None else order.asked_price)


def _settles_change(event: Event) -> bool:
    """Return whether no change is under way any more: it was made or refused, or the broker's book has other terms."""
    return event.request is not None or event.kind in {EventKind.MODIFIED, EventKind.MODIFY_REJECTED}


def _terms_in(event: Event) -> Iterator[OrderRequest]:
    """Yield the terms that the order got by the event, and those before it where the event keeps them."""
    if event.request is not None:
        yield event.request
    yield from (parse_request(json.loads(words)) for name, words in event.evidence if name == TERMS_BEFORE)


def _words(request: OrderRequest) -> str:
    return json.dumps(dump_request(request), sort_keys=True, separators=(",", ":"))


def _kept[T](old: T | None, new: T | None) -> T | None:
    return old if new is None else new
