"""Send an owned intent until it has left once, or may not be tried any more, and write down what happened."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from order_router.adapter.errors import BrokerError, DeadlinePassed, SessionExpired
from order_router.domain.errors import Reason
from order_router.domain.following import apply_fitting
from order_router.domain.lifecycle import EventKind
from order_router.domain.order import Event, Order
from order_router.domain.vocabulary import Source
from order_router.ports import EntryHeld, PaceExceeded, StoreConflict, SwitchOn
from order_router.service.attempt import MAY_PASS, Job, try_once
from order_router.service.desk import Desk
from order_router.service.follow_up import ask_for_a_look
from order_router.service.gates import GatedWrite, resume_gate, write_through
from order_router.service.recording import record
from order_router.service.timing import SEND_BUDGET, SEND_PAUSE_S

PAUSE = timedelta(seconds=SEND_PAUSE_S)


def send_until_settled(desk: Desk, job: Job) -> Order:
    """Send the owned order, and return it as stored.

    Only an order that provably never left is tried again, inside its deadline, its lease and the send budget.
    """
    tries = _Tries(desk, job, last_at=min(job.order.deadline, desk.clock.now() + SEND_BUDGET))
    tries.run()
    stored = record(desk, tries.job.order, tries.events)
    if any(event.kind is EventKind.OUTCOME_LOST for event in tries.events):
        ask_for_a_look(desk, job.account.name)
    return stored


@dataclass(slots=True)
class _Tries:
    """The tries of one invocation. `last_at`: when the last one may begin; `events`: what is not yet stored."""

    desk: Desk
    job: Job
    last_at: datetime
    events: list[Event] = field(default_factory=list)
    has_renewed: bool = False

    def run(self) -> None:
        """Try until something left or nothing may."""
        while True:
            attempt = try_once(self.desk, self.job)
            self.events += attempt.events
            if attempt.never_left is None:
                return
            if not self._may_try_again(attempt.never_left):
                self.events += self._end(attempt.never_left)
                return
            self.desk.clock.sleep(SEND_PAUSE_S)
            if not self._passes_the_gate_again():
                return

    def _passes_the_gate_again(self) -> bool:
        """Store what happened and claim the order anew: a switch may be on by now, and the pace holds for tries too."""
        job, now = self.job, self.desk.clock.now()
        again = apply_fitting(job.order, [*self.events, Event(kind=EventKind.SUBMITTING, at=now)])
        gate = partial(resume_gate, job.account, job.broker.profile, job.order.request)
        write = GatedWrite(order=again, replacing=job.order, gate=gate, until=self.last_at)
        try:
            write_through(self.desk.store, self.desk.clock, write)
        except PaceExceeded as full:
            self.events += () if self._is_queued() else (self._refused(full.reason),)
            return False
        except EntryHeld as hold:
            self.events.append(self._held(hold.reason) if self._is_queued() else self._refused(hold.reason))
            return False
        except SwitchOn as stop:
            self.events.append(self._refused(stop.reason))
            return False
        except StoreConflict as conflict:
            # past our lease somebody judged the order: what they wrote stands
            self.job, self.events = replace(job, order=conflict.current or job.order), []
            return False
        self.job, self.events = replace(job, order=again), []
        return True

    def _may_try_again(self, error: BrokerError) -> bool:
        if not self._may_pass(error) or self.desk.clock.now() + PAUSE > self.last_at:
            return False
        if isinstance(error, SessionExpired):
            # somebody may have logged in since: one more try with what is stored now
            self.desk.sessions.forget(self.job.account)
            is_first, self.has_renewed = not self.has_renewed, True
            return is_first
        return True

    def _may_pass(self, error: BrokerError) -> bool:
        return isinstance(error, MAY_PASS) and not isinstance(error, DeadlinePassed)

    def _end(self, error: BrokerError) -> tuple[Event, ...]:
        """End an order that never left; one that the queue will bring back in time stays `received`."""
        now = self.desk.clock.now()
        if isinstance(error, DeadlinePassed) or now + PAUSE > self.job.order.deadline:
            return (Event(kind=EventKind.WENT_STALE, at=now, reason=error.reason),)
        if self._is_queued() and self._may_pass(error) and not isinstance(error, SessionExpired):
            return ()
        return (self._refused(error.reason),)

    def _is_queued(self) -> bool:
        """Return whether the order's message comes again if it stays `received`."""
        return self.job.order.source is Source.ALERT

    def _held(self, reason: Reason) -> Event:
        return Event(kind=EventKind.HELD, at=self.desk.clock.now(), reason=reason)

    def _refused(self, reason: Reason) -> Event:
        return Event(kind=EventKind.REFUSED, at=self.desk.clock.now(), reason=reason)
