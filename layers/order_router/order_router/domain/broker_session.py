"""What is known of an account's session with its broker: when it dies, why there is none, what the trader was told.

Pure: each function returns the record after something happened. None of it is a secret.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from order_router.domain.errors import Reason
from order_router.domain.exchange_time import exchange_day

RESTS_FOR = timedelta(hours=6)
"""How long nobody but a person tries again after a broker's definite no: brokers lock those who go on."""

RESTS_AFTER_SILENCE = timedelta(seconds=60)
"""How long nobody but a person tries again after a login that came to nothing for no stated reason."""


class SessionState(StrEnum):
    """What an account's session is: LOGIN_NEEDED waits for a person on the broker's page."""

    NEVER = "never"
    VALID = "valid"
    EXPIRED = "expired"
    LOGIN_NEEDED = "login_needed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRecord:
    """The state of one account's session.

    `refused` is the fingerprint of the session that the broker last refused; `retry_at` is before when nothing but a
    person begins a login; `told` is what the trader was told since the last login, `telling` what is to be told, and
    since when. `owner` and `lease_until` say who is logging in. `version` counts the writes.
    """

    account: str
    state: SessionState = SessionState.NEVER
    expires_at: datetime | None = None
    last_login_at: datetime | None = None
    previous_login_at: datetime | None = None
    last_error: Reason | None = None
    failed_at: datetime | None = None
    refused: str | None = None
    retry_at: datetime | None = None
    told: tuple[str, ...] = ()
    told_at: datetime | None = None
    telling: tuple[tuple[str, datetime], ...] = ()
    owner: str | None = None
    lease_until: datetime | None = None
    version: int = 0

    def state_at(self, now: datetime) -> SessionState:
        """Return the state at this moment: a session ends by the clock, whether anybody looked or not."""
        has_ended = self.expires_at is not None and now >= self.expires_at
        return SessionState.EXPIRED if self.state is SessionState.VALID and has_ended else self.state

    def is_leased(self, now: datetime) -> bool:
        """Return whether somebody is logging in."""
        return self.owner is not None and self.lease_until is not None and now < self.lease_until

    def is_resting(self, now: datetime) -> bool:
        """Return whether the last failure is too young for another login by itself."""
        return self.retry_at is not None and now < self.retry_at


def leased(record: SessionRecord, owner: str, until: datetime) -> SessionRecord:
    """Return the record while `owner` logs in."""
    return replace(record, owner=owner, lease_until=until)


def released(record: SessionRecord) -> SessionRecord:
    """Return the record with nobody logging in."""
    return replace(record, owner=None, lease_until=None)


def found_good(record: SessionRecord, expires_at: datetime | None) -> SessionRecord:
    """Return the record of a stored session that is as good as a new one, whoever stored it."""
    if record.state is SessionState.VALID and record.expires_at == expires_at:
        return record
    return replace(
        released(record),
        state=SessionState.VALID,
        expires_at=expires_at,
        last_error=None,
        failed_at=None,
        refused=None,
        retry_at=None,
        told=(),
        told_at=None,
        telling=(),
    )


def logged_in(record: SessionRecord, at: datetime, expires_at: datetime) -> SessionRecord:
    """Return the record after a login."""
    fresh = replace(record, state=SessionState.NEVER)
    return replace(found_good(fresh, expires_at), last_login_at=at, previous_login_at=record.last_login_at)


def login_failed(record: SessionRecord, reason: Reason, at: datetime, rests_for: timedelta) -> SessionRecord:
    """Return the record after a login that gave no session; a session that still lives is still there."""
    state = SessionState.VALID if record.state_at(at) is SessionState.VALID else SessionState.FAILED
    return replace(released(record), state=state, last_error=reason, failed_at=at, retry_at=at + rests_for)


def found_dead(record: SessionRecord, state: SessionState, refused: str | None) -> SessionRecord:
    """Return the record of a session that is no more; `refused` is its fingerprint if the broker refused it."""
    refused = record.refused if refused is None else refused
    if record.state is state and record.refused == refused:
        return record
    return replace(record, state=state, refused=refused)


def begun_telling(record: SessionRecord, what: str, at: datetime) -> SessionRecord:
    """Return the record with `what` among what is to be told; the same record if it is, or was told before."""
    if what in record.told or what in dict(record.telling):
        return record
    return replace(record, telling=(*record.telling, (what, at)))


def marked_told(record: SessionRecord, what: str, since: datetime, at: datetime) -> SessionRecord:
    """Return the record with what was to be told since then among what was told; the same if that is over."""
    if (what, since) not in record.telling:
        return record
    left = tuple(one for one in record.telling if one != (what, since))
    return replace(record, telling=left, told=(*day_begun(record, at).told, what), told_at=at)


def day_begun(record: SessionRecord, at: datetime) -> SessionRecord:
    """Return the record with what was told on an earlier day to be told again; the same if there is none of that."""
    if record.told_at is None or exchange_day(record.told_at) >= exchange_day(at):
        return record
    return replace(record, told=(), told_at=None)
