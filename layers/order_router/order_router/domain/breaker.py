"""The circuit breaker of an account at its broker: when it opens, how long it rests, who may try whether to close it.

Pure: each function returns the breaker after something happened, the same one where nothing changed. While it is not
closed no new order and no change passes the gate; a cancel does. Half-open: one worker reads, no order is a probe.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from order_router.domain.errors import Reason
from order_router.domain.history import Event
from order_router.domain.lifecycle import EventKind
from order_router.domain.order import Order

FAILURES_TO_OPEN = 3
"""How many order calls in a row must come to nothing on the wire. One is an accident, and costs an exit if it opens."""

FAILURES_WITHIN = timedelta(minutes=10)
"""An older failure is no longer one of a row: what was between them nobody knows."""

FIRST_PAUSE = timedelta(seconds=15)
LONGEST_PAUSE = timedelta(minutes=2)

PROBATION = timedelta(minutes=5)
"""How long after a read has closed it one failed order call opens it again: a broker may answer reads alone."""

PROBE_LEASE = timedelta(seconds=30)
"""How long one worker may take over its probing read: longer than a read and its repeat."""

CHANGES_KEPT = 8
"""How many changes of alarms a breaker remembers: more than come to one account while a delivery may be repeated."""

BY_FAILURES, BY_PROBE = "failures", "probe"


class BreakerState(StrEnum):
    """Where a breaker stands; half-open is while a worker reads to find out."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """One account's breaker at one broker. Times are aware UTC.

    `failures` are the times of failed calls in a row, oldest first. `since` is when it opened or closed, `by` what or
    who did that. `probe_at` is when the next read may be tried, `pause` what it waited; `owner` and `lease_until` say
    who reads. `is_told`: the trader knows of it as it stands. `changes` are those of alarms that it was opened for,
    or was open at, oldest first. `version` counts the writes.
    """

    broker: str
    account: str
    state: BreakerState = BreakerState.CLOSED
    failures: tuple[datetime, ...] = ()
    since: datetime | None = None
    by: str | None = None
    reason: Reason | None = None
    pause: timedelta = FIRST_PAUSE
    probe_at: datetime | None = None
    owner: str | None = None
    lease_until: datetime | None = None
    is_told: bool = True
    changes: tuple[str, ...] = ()
    version: int = 0

    @property
    def switch(self) -> str:
        """Return the switch of the gate that the breaker is."""
        return f"breaker#{self.broker}#{self.account}"

    @property
    def is_engaged(self) -> bool:
        """Return whether it stops orders."""
        return self.state is not BreakerState.CLOSED

    def is_on_probation(self, at: datetime) -> bool:
        """Return whether a read closed it so lately that one failure opens it again."""
        return self.by == BY_PROBE and self.since is not None and at - self.since < PROBATION


def failed(breaker: Breaker, at: datetime, reason: Reason, *, answered_at: datetime | None = None) -> Breaker:
    """Return the breaker after an order call failed on the wire; `answered_at`: when one was last answered."""
    if breaker.is_engaged:
        return breaker
    row = (*(when for when in breaker.failures if _is_of_row(when, at, answered_at)), at)
    counted = replace(breaker, failures=row[-FAILURES_TO_OPEN:])
    is_proven = breaker.since is not None and answered_at is not None and answered_at > breaker.since
    is_last_straw = breaker.is_on_probation(at) and not is_proven
    if len(row) < FAILURES_TO_OPEN and not is_last_straw:
        return counted
    return opened(counted, at, by=BY_FAILURES, reason=reason)


def _is_of_row(when: datetime, at: datetime, answered_at: datetime | None) -> bool:
    return at - when < FAILURES_WITHIN and (answered_at is None or when > answered_at)


def opened(breaker: Breaker, at: datetime, *, by: str, reason: Reason) -> Breaker:
    """Return the breaker open; one that was just closed rests longer than the time before."""
    if breaker.is_engaged:
        return breaker
    pause = _longer(breaker.pause) if breaker.is_on_probation(at) else FIRST_PAUSE
    return replace(
        breaker,
        state=BreakerState.OPEN,
        since=at,
        by=by,
        reason=reason,
        pause=pause,
        probe_at=at + pause,
        owner=None,
        lease_until=None,
        is_told=False,
    )


def opened_once(breaker: Breaker, at: datetime, *, by: str, reason: Reason, change: str) -> Breaker:
    """Return the breaker open for a change of an alarm; the same one if it has taken that: a delivery comes twice.

    One that is open already takes it too: closed since, it must not open again for what was known before.
    """
    if change in breaker.changes:
        return breaker
    kept = (*breaker.changes, change)[-CHANGES_KEPT:]
    return replace(opened(breaker, at, by=by, reason=reason), changes=kept)


def _longer(pause: timedelta) -> timedelta:
    return min(2 * pause, LONGEST_PAUSE)


def probing(breaker: Breaker, at: datetime, owner: str) -> Breaker:
    """Return the breaker half-open with `owner` reading; the same one if it is closed, rests, or another one reads."""
    if not breaker.is_engaged or (breaker.probe_at is not None and at < breaker.probe_at):
        return breaker
    if breaker.lease_until is not None and at < breaker.lease_until:
        return breaker
    return replace(breaker, state=BreakerState.HALF_OPEN, owner=owner, lease_until=at + PROBE_LEASE)


def probe_answered(breaker: Breaker, owner: str, at: datetime) -> Breaker:
    """Return the breaker closed by an answered read; the same one if `owner` no longer is who reads."""
    return _closed(breaker, at, BY_PROBE) if breaker.owner == owner else breaker


def probe_failed(breaker: Breaker, owner: str, at: datetime, reason: Reason) -> Breaker:
    """Return the breaker open again after a read that was not answered, with a longer rest before the next."""
    if breaker.owner != owner:
        return breaker
    pause = _longer(breaker.pause)
    return replace(
        breaker,
        state=BreakerState.OPEN,
        reason=reason,
        pause=pause,
        probe_at=at + pause,
        owner=None,
        lease_until=None,
    )


def probe_left(breaker: Breaker, owner: str) -> Breaker:
    """Return the breaker open, for whoever comes next to read, after `owner` asked the broker nothing."""
    if breaker.owner != owner:
        return breaker
    return replace(breaker, state=BreakerState.OPEN, owner=None, lease_until=None)


def reset(breaker: Breaker, at: datetime, *, by: str) -> Breaker:
    """Return the breaker closed by a person, and nothing counted."""
    if not breaker.is_engaged and not breaker.failures:
        return breaker
    return _closed(breaker, at, by)


def _closed(breaker: Breaker, at: datetime, by: str) -> Breaker:
    return replace(
        breaker,
        state=BreakerState.CLOSED,
        failures=(),
        since=at,
        by=by,
        probe_at=None,
        owner=None,
        lease_until=None,
        is_told=False,
    )


def told(breaker: Breaker) -> Breaker:
    """Return the breaker of which the trader knows."""
    return breaker if breaker.is_told else replace(breaker, is_told=True)


ANSWERS = {
    EventKind.OPENED,
    EventKind.PARTIALLY_FILLED,
    EventKind.FILLED,
    EventKind.CANCELLED,
    EventKind.REJECTED,
}


def last_answer(orders: Iterable[Order]) -> datetime | None:
    """Return when the broker last answered a call to place or to change one of the orders; None: never.

    What a book settled proves nothing: a broker may answer reads alone.
    """
    return max((step for order in orders for step in _answers(order)), default=None)


def _answers(order: Order) -> list[datetime]:
    pairs = zip(order.history, order.history[1:], strict=False)
    return [after.event.at for before, after in pairs if _is_answer(before.event, after.event)]


def _is_answer(before: Event, after: Event) -> bool:
    if before.kind is EventKind.MODIFY_REQUESTED:
        # of a change that nobody answered, and that was made all the same, a note says why nobody did
        return after.kind is EventKind.MODIFIED and not after.is_seen and after.note is None
    return before.kind is EventKind.SUBMITTING and after.kind in ANSWERS
