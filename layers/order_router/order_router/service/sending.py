"""Send an owned intent until it has left once, or may not be tried any more, and write down what happened."""

import logging
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum, auto
from functools import partial

from order_router.adapter.errors import BrokerError, DeadlinePassed, RateLimited, SessionExpired, SlotLapsed
from order_router.adapter.login import LoginFailed, LoginKind
from order_router.adapter.session import BrokerSession
from order_router.domain.errors import Reason, RouterError
from order_router.domain.following import apply_fitting
from order_router.domain.gate import SLOT_LIFE, CounterFull, EntryHeld, PaceExceeded, SwitchOn
from order_router.domain.history import Event
from order_router.domain.lifecycle import EventKind
from order_router.domain.order import Order
from order_router.domain.vocabulary import Source
from order_router.ports import StoreConflict
from order_router.service.attempt import MAY_PASS, Attempt, Job, try_once
from order_router.service.breaker import note_failure
from order_router.service.desk import Desk
from order_router.service.follow_up import ask_for_a_look
from order_router.service.gates import GatedWrite, entry_gate, longer, write_through
from order_router.service.recording import record
from order_router.service.renewing import fingerprint_of
from order_router.service.timing import SEND_BUDGET, SEND_PAUSE_S
from order_router.service.watch import measure_call

logger = logging.getLogger(__name__)
PAUSE = timedelta(seconds=SEND_PAUSE_S)


def send_until_settled(desk: Desk, job: Job) -> Order:
    """Send the owned order, and return it as stored.

    Only an order that provably never left is tried again, inside its deadline, its lease and the send budget; once with
    another session, where the broker lets us begin one or somebody has.
    """
    tries = _Tries(desk, job, last_at=min(job.order.deadline, desk.clock.now() + SEND_BUDGET))
    tries.run()
    stored = record(desk, tries.job.order, tries.events)
    if any(event.kind is EventKind.OUTCOME_LOST for event in tries.events):
        ask_for_a_look(desk, job.account.name)
    for took, failure in tries.calls:
        measure_call(desk.metrics, job.account, took, failure)
    note_failure(desk, job.account, tries.failure)
    if tries.is_session_untold:
        desk.renewer.report(job.account, refused=fingerprint_of(tries.session))
    return stored


class _Renewal(Enum):
    """How far this invocation has come with another session."""

    NOT_TRIED = auto()
    DONE = auto()
    PENDING = auto()
    FAILED = auto()
    REFUSED_AGAIN = auto()


MAY_BE_RENEWED = {_Renewal.NOT_TRIED, _Renewal.DONE, _Renewal.PENDING}
NOT_TOLD = {_Renewal.NOT_TRIED, _Renewal.REFUSED_AGAIN}


@dataclass(slots=True)
class _Tries:
    """The tries of one invocation. `last_at`: when the last one may begin; `events`: what is not yet stored.

    `failure` is how the last one ended, `session` what it was made with; `is_session_untold`: that it is dead ended the
    order, and whoever renews sessions does not know. `calls`: how long each try's call took, and how it failed. What
    lapsed before it left is no call, and no failure. `life`: for how long the next call is to be good.
    """

    desk: Desk
    job: Job
    last_at: datetime
    events: list[Event] = field(default_factory=list)
    failure: BrokerError | None = None
    calls: list[tuple[timedelta | None, BrokerError | None]] = field(default_factory=list)
    session: BrokerSession | None = None
    life: timedelta = SLOT_LIFE
    renewal: _Renewal = _Renewal.NOT_TRIED
    is_session_untold: bool = False

    def run(self) -> None:
        """Try until something left or nothing may."""
        while True:
            attempt = try_once(self.desk, self.job)
            self._note(attempt)
            if attempt.never_left is None:
                return
            if not self._may_try_again(attempt.never_left):
                self.events += self._end(attempt.never_left)
                return
            self._pause(attempt.never_left)
            if not self._passes_the_gate_again():
                return

    def _note(self, attempt: Attempt) -> None:
        self.events += attempt.events
        self.session = attempt.session
        if isinstance(attempt.failure, SlotLapsed):
            self.life = longer(self.life)
            return
        self.failure = attempt.failure
        self.calls.append((attempt.took, attempt.failure))

    def _pause(self, error: BrokerError) -> None:
        if _pause_after(error):
            self.desk.clock.sleep(SEND_PAUSE_S)

    def _passes_the_gate_again(self) -> bool:
        """Store what happened and claim the order anew: a switch may be on by now, and the pace holds for tries too."""
        job, now = self.job, self.desk.clock.now()
        again = apply_fitting(job.order, [*self.events, Event(kind=EventKind.SUBMITTING, at=now)])
        gate = partial(entry_gate, job.account, job.broker.profile, job.order)
        write = GatedWrite(order=again, replacing=job.order, gate=gate, until=self.last_at, life=self.life)
        try:
            passed = write_through(self.desk.store, self.desk.clock, write)
        except PaceExceeded as full:
            self.events += () if self._is_queued() else (self._refused(full.reason),)
            return False
        except EntryHeld as hold:
            self.events.append(self._held(hold.reason) if self._is_queued() else self._refused(hold.reason))
            return False
        except (SwitchOn, CounterFull) as stop:
            self.events.append(self._refused(stop.reason))
            return False
        except StoreConflict as conflict:
            # past our lease somebody judged the order: what they wrote stands
            self.job, self.events = replace(job, order=conflict.current or job.order), []
            return False
        self.job, self.events = replace(job, order=passed.order, send_by=passed.send_by), []
        return True

    def _may_try_again(self, error: BrokerError) -> bool:
        if not self._may_pass(error) or self._is_late(error):
            return False
        if isinstance(error, SessionExpired):
            return self._has_another_session() and not self._is_late(error)
        return True

    def _is_late(self, error: BrokerError) -> bool:
        return self.desk.clock.now() + _pause_after(error) > self.last_at

    def _has_another_session(self) -> bool:
        """Return whether to try once more: with a session that was renewed, or with what is stored now."""
        self.desk.sessions.forget(self.job.account)
        if self.renewal is not _Renewal.NOT_TRIED:
            self.renewal = _Renewal.REFUSED_AGAIN
            return False
        # where a person logs in, somebody may have done so since
        self.renewal = self._renew() if self._is_unattended() else _Renewal.DONE
        return self.renewal is _Renewal.DONE

    def _renew(self) -> _Renewal:
        account = self.job.account
        try:
            self.desk.renewer.renew(account, refused=fingerprint_of(self.session), until=self.last_at)
        except (SessionExpired, LoginFailed) as error:
            logger.warning("no new session", extra={"account": account.name, "code": error.code})
            return _Renewal.FAILED
        except RouterError as error:
            logger.warning("no new session yet", extra={"account": account.name, "code": error.code})
            return _Renewal.PENDING
        self.desk.sessions.forget(account)
        return _Renewal.DONE

    def _is_unattended(self) -> bool:
        return self.job.broker.profile.login is LoginKind.UNATTENDED

    def _may_pass(self, error: BrokerError) -> bool:
        if isinstance(error, RateLimited):
            # whoever goes on is kept out: not to be tried where that outlasts the order
            ends_at = self.desk.clock.now() + timedelta(seconds=error.keeps_out_s)
            return ends_at <= self.job.order.deadline
        return isinstance(error, MAY_PASS) and not isinstance(error, DeadlinePassed)

    def _end(self, error: BrokerError) -> tuple[Event, ...]:
        """End an order that never left; one that the queue will bring back in time stays `received`."""
        now = self.desk.clock.now()
        is_known = self._is_unattended() and self.renewal not in NOT_TOLD
        self.is_session_untold = isinstance(error, SessionExpired) and not is_known
        if isinstance(error, DeadlinePassed) or now + _pause_after(error) > self.job.order.deadline:
            return (Event(kind=EventKind.WENT_STALE, at=now, reason=error.reason),)
        if self._is_queued() and self._may_pass(error) and self._may_come_again(error):
            return ()
        return (self._refused(error.reason),)

    def _may_come_again(self, error: BrokerError) -> bool:
        """Return whether the order's next delivery may find it passable: a dead session only if it is being renewed."""
        if not isinstance(error, SessionExpired):
            return True
        return self._is_unattended() and self.renewal in MAY_BE_RENEWED

    def _is_queued(self) -> bool:
        """Return whether the order's message comes again if it stays `received`."""
        return self.job.order.source is Source.ALERT

    def _held(self, reason: Reason) -> Event:
        return Event(kind=EventKind.HELD, at=self.desk.clock.now(), reason=reason)

    def _refused(self, reason: Reason) -> Event:
        return Event(kind=EventKind.REFUSED, at=self.desk.clock.now(), reason=reason)


def _pause_after(error: BrokerError) -> timedelta:
    """Return how long to wait before the next try: what only took too long here goes on at once."""
    return timedelta(0) if isinstance(error, SlotLapsed) else PAUSE
