"""One try to place an intent: at most one write, and in events what is known of its outcome."""

import logging
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from order_router.adapter.errors import (
    AdapterDefect,
    BrokerError,
    NotSent,
    OutcomeUnknown,
    Rejected,
    Unsupported,
)
from order_router.adapter.http import HttpRequest, HttpResponse, Send
from order_router.adapter.port import Broker, OrderTarget, PlaceIntent
from order_router.adapter.session import BrokerSession
from order_router.domain.account import Account
from order_router.domain.following import apply_fitting, events_of
from order_router.domain.history import SEEN_IN, Event, with_evidence
from order_router.domain.lifecycle import EventKind
from order_router.domain.order import Order
from order_router.ports import Clock
from order_router.service.desk import Desk
from order_router.service.gates import NO_SLOT
from order_router.service.looking import look_at
from order_router.service.slotted import Bounds, slotted_send

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """An owned order, the account it is for and the broker it goes to; its call of the second is good to `send_by`."""

    order: Order
    account: Account
    broker: Broker
    send_by: datetime = NO_SLOT


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one try did: its events, why nothing left where nothing did, and the session that it was made with.

    `failure` is what the broker's side raised, whatever that proves; None after an acknowledgement. `took`: how long
    the last write was under way, None where none was begun.
    """

    events: tuple[Event, ...]
    never_left: BrokerError | None = None
    failure: BrokerError | None = None
    took: timedelta | None = None
    session: BrokerSession | None = None


@dataclass(slots=True)
class WatchedSend:
    """A send that remembers whether a write was handed to it, and how long it took: what fails before, never left."""

    send: Send
    clock: Clock
    has_written: bool = field(default=False)
    took: timedelta | None = field(default=None)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Send the request; raises what the send raises."""
        if not request.is_write:
            return self.send(request)
        self.has_written = True
        begun_at = self.clock.now()
        try:
            return self.send(request)
        finally:
            self.took = self.clock.now() - begun_at


SHORT = 12
"""How much of a session's fingerprint tells it from the account's others."""


def try_once(desk: Desk, job: Job) -> Attempt:
    """Try to place the order once, and look at it when it was acknowledged; never raises a broker's error."""
    attempt = _tried(desk, job)
    if attempt.session is None:
        return attempt
    first, rest = attempt.events[:1], attempt.events[1:]
    evidence = ("session", attempt.session.fingerprint[:SHORT])
    return replace(attempt, events=(*with_evidence(first, evidence), *rest))


def _tried(desk: Desk, job: Job) -> Attempt:
    watched: WatchedSend | None = None
    session: BrokerSession | None = None
    try:
        session = desk.sessions.session(job.account)
        bounds = Bounds(send_by=job.send_by, not_after=_not_after(job.order))
        send = slotted_send(desk.transport, desk.clock, session.endpoint, bounds)
        watched = WatchedSend(send, desk.clock)
        acknowledged = job.broker.place_order(watched, session, _intent_of(job))
    except BrokerError as error:
        failure = error
    except Exception as error:  # a defect of an adapter must not lose an order that may have left
        logger.exception("adapter defect", extra={"client_order_id": job.order.client_order_id})
        failure = AdapterDefect(f"the broker adapter failed with {type(error).__name__}")
    else:
        seen = _read_back(desk, job, acknowledged.broker_order_id)
        return replace(seen, session=session, took=watched.took)
    may_have_left = watched is not None and watched.has_written
    judged = _judged(failure, desk.clock.now(), may_have_left=may_have_left)
    took = None if watched is None else watched.took
    return replace(judged, session=session, failure=failure, took=took)


def _intent_of(job: Job) -> PlaceIntent:
    profile = job.broker.profile
    return PlaceIntent(
        client_order_id=job.order.client_order_id,
        client_tag=profile.tag.tag(job.order.client_order_id),
        request=job.order.request,
        algo_id=job.account.algo_id if profile.takes_algo_id else None,
    )


def _not_after(order: Order) -> datetime:
    return order.deadline if order.lease_until is None else min(order.deadline, order.lease_until)


def _judged(error: BrokerError, at: datetime, *, may_have_left: bool) -> Attempt:
    """Say what an error means: a NotSent is proof in itself, a defect or a silence only if no write was begun."""
    if isinstance(error, Rejected):
        return Attempt((Event(kind=EventKind.REJECTED, at=at, reason=error.reason),))
    if isinstance(error, NotSent | Unsupported) or not may_have_left:
        return Attempt((Event(kind=EventKind.NEVER_SENT, at=at, reason=error.reason),), never_left=error)
    return Attempt((Event(kind=EventKind.OUTCOME_LOST, at=at, reason=error.reason),))


def _read_back(desk: Desk, job: Job, broker_order_id: str) -> Attempt:
    """Look at the acknowledged order once: several brokers reject after acknowledging."""
    opened = Event(kind=EventKind.OPENED, at=desk.clock.now(), broker_order_id=broker_order_id)
    target = OrderTarget(broker_order_id=broker_order_id, request=job.order.request)
    report = look_at(desk, job.account, job.broker, target)
    if report is None:
        return Attempt((opened,))
    seen = events_of(apply_fitting(job.order, [opened]), report, desk.clock.now())
    return Attempt((opened, *with_evidence(seen, (SEEN_IN, "the order read back"))))


MAY_PASS = (NotSent, OutcomeUnknown)
"""What may pass by itself when nothing has left: an unreachable broker, a silent answer to a read before the write."""
