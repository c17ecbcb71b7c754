"""Send an intent once, and say in events what is known of the outcome."""

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from order_router.adapter.errors import (
    BrokerError,
    DeadlinePassed,
    NotSent,
    RateLimited,
    Rejected,
    SessionExpired,
    Unsupported,
)
from order_router.adapter.http import HttpRequest, HttpResponse, Send
from order_router.adapter.port import Broker, OrderTarget, PlaceIntent
from order_router.domain.account import Account
from order_router.domain.errors import Reason
from order_router.domain.following import apply_fitting, events_of
from order_router.domain.lifecycle import EventKind
from order_router.domain.order import Event, Order
from order_router.domain.vocabulary import Source
from order_router.service.desk import Desk
from order_router.service.follow_up import ask_for_a_look
from order_router.service.recording import record
from order_router.service.timing import SEND_BUDGET, SEND_PAUSE_S

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """An owned order, the account it is for and the broker it goes to."""

    order: Order
    account: Account
    broker: Broker


@dataclass(slots=True)
class WatchedSend:
    """A send that remembers whether it was called: what went wrong before it, never left."""

    send: Send
    was_called: bool = field(default=False)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Send the request."""
        self.was_called = True
        return self.send(request)


def send_until_settled(desk: Desk, job: Job) -> Order:
    """Send the owned order until it has left once, was refused, or may not be tried any more; store and return it.

    Only an order that provably never left is tried again, inside its deadline, its lease and the send budget.
    """
    started = desk.clock.now()
    last_try = min(job.order.deadline, started + SEND_BUDGET)
    events: list[Event] = []
    while True:
        outcome = _try_once(desk, job)
        events.extend(outcome)
        if outcome[-1].kind is not EventKind.NEVER_SENT:
            break
        if not _may_try_again(desk, job, outcome[-1], events, last_try):
            events.extend(_give_up(desk, job, outcome[-1]))
            break
        desk.clock.sleep(SEND_PAUSE_S)
        events.append(Event(kind=EventKind.SUBMITTING, at=desk.clock.now()))
    stored = record(desk, job.order, events)
    _follow_up(desk, stored, events)
    return stored


def _try_once(desk: Desk, job: Job) -> tuple[Event, ...]:
    watched: WatchedSend | None = None
    try:
        session = desk.sessions.session(job.account)
        watched = WatchedSend(desk.transport.sender(session.endpoint, not_after=_not_after(job.order)))
        acknowledged = job.broker.place_order(watched, session, intent_of(job))
    except BrokerError as error:
        return (_outcome_of(error, desk.clock.now()),)
    except Exception as error:  # a defect of an adapter must not lose an order that may have left
        logger.exception("adapter defect while placing", extra={"client_order_id": job.order.client_order_id})
        return (_defect(error, desk.clock.now(), has_left=watched is not None and watched.was_called),)
    opened = Event(kind=EventKind.OPENED, at=desk.clock.now(), broker_order_id=acknowledged.broker_order_id)
    target = OrderTarget(broker_order_id=acknowledged.broker_order_id, request=job.order.request)
    return (opened, *_read_back(desk, job, opened, target))


def intent_of(job: Job) -> PlaceIntent:
    """Return what the adapter is to place for this order."""
    tag = job.broker.profile.tag.tag(job.order.client_order_id)
    return PlaceIntent(client_order_id=job.order.client_order_id, client_tag=tag, request=job.order.request)


def _not_after(order: Order) -> datetime:
    return order.deadline if order.lease_until is None else min(order.deadline, order.lease_until)


def _outcome_of(error: BrokerError, at: datetime) -> Event:
    if isinstance(error, NotSent | Unsupported):
        return Event(kind=EventKind.NEVER_SENT, at=at, reason=error.reason)
    if isinstance(error, Rejected):
        return Event(kind=EventKind.REJECTED, at=at, reason=error.reason)
    return Event(kind=EventKind.OUTCOME_LOST, at=at, reason=error.reason)


def _defect(error: Exception, at: datetime, *, has_left: bool) -> Event:
    reason = Reason("ADAPTER_DEFECT", f"the broker adapter failed with {type(error).__name__}")
    return Event(kind=EventKind.OUTCOME_LOST if has_left else EventKind.NEVER_SENT, at=at, reason=reason)


def _read_back(desk: Desk, job: Job, opened: Event, target: OrderTarget) -> tuple[Event, ...]:
    """Look at the order once: several brokers reject after acknowledging. A failed look changes nothing."""
    try:
        session = desk.sessions.session(job.account)
        send = desk.transport.sender(session.endpoint, not_after=None)
        report = job.broker.read_order(send, session, target)
    except BrokerError as error:
        logger.warning("read back failed", extra={"reason": error.code})
        return ()
    except Exception:  # the order is placed: a defect in reading must not hide that
        logger.exception("adapter defect while reading back")
        return ()
    return events_of(apply_fitting(job.order, [opened]), report, desk.clock.now())


RETRIED = {NotSent.code, SessionExpired.code, RateLimited.code}


def _may_try_again(desk: Desk, job: Job, last: Event, events: list[Event], last_try: datetime) -> bool:
    code = _code(last)
    if code not in RETRIED or desk.clock.now() + timedelta(seconds=SEND_PAUSE_S) > last_try:
        return False
    if code == SessionExpired.code:
        desk.sessions.forget(
            job.account
        )  # somebody may have logged in since: one more try with what is stored now
        return sum(event.reason == last.reason for event in events) == 1
    return True


def _give_up(desk: Desk, job: Job, last: Event) -> tuple[Event, ...]:
    """End an order that never left; one that the queue will bring back in time stays `received`."""
    now = desk.clock.now()
    if now + timedelta(seconds=SEND_PAUSE_S) > job.order.deadline or _code(last) == DeadlinePassed.code:
        return (Event(kind=EventKind.WENT_STALE, at=now, reason=last.reason),)
    if job.order.source is Source.ALERT and _code(last) in RETRIED - {SessionExpired.code}:
        return ()
    return (Event(kind=EventKind.REFUSED, at=now, reason=last.reason),)


def _code(event: Event) -> str | None:
    return None if event.reason is None else event.reason.code


def _follow_up(desk: Desk, order: Order, events: list[Event]) -> None:
    if any(event.kind is EventKind.OUTCOME_LOST for event in events):
        ask_for_a_look(desk, order.request.account)
