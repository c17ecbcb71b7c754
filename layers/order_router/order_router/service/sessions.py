"""Keep broker sessions alive: one login at a time for an account, by itself where the broker allows it.

What a login costs its broker's patience decides the rules: nobody logs in while somebody does (a lease), nobody logs in
where a stored session is good, and after a broker's no only a person tries again.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import cast

from order_router.adapter.errors import BrokerError, NotSent, SessionExpired
from order_router.adapter.login import (
    CodeRefused,
    Credentials,
    LoginFailed,
    LoginKind,
    LoginUnclear,
    NewSession,
    UnattendedLogin,
)
from order_router.adapter.session import BrokerSession
from order_router.domain.account import Account
from order_router.domain.broker_session import (
    RESTS_AFTER_SILENCE,
    RESTS_FOR,
    SessionRecord,
    SessionState,
    found_dead,
    found_good,
    leased,
    logged_in,
    login_failed,
)
from order_router.domain.errors import Reason, RouterError
from order_router.ports import RecordConflict, RenewalPending
from order_router.service.session_desk import SessionDesk, change_record, login_sender
from order_router.service.session_notices import begin_day, tell_calendar_ends, tell_failed, tell_needed

logger = logging.getLogger(__name__)

LOGIN_LEASE = timedelta(seconds=75)
"""How long a worker owns an account's login: longer than the function lives."""

PATIENCE = timedelta(seconds=25)
"""How long somebody waits for a login: less than the API's gateway does."""

POLL_S = 0.5
DAY_AHEAD = timedelta(hours=10)
"""A session that lives this long from before the open outlives the day's trading in shares and derivatives."""

SOON = timedelta(minutes=30)
"""How long before its end a session that is kept alive is replaced."""

YOUNG = timedelta(hours=4)
"""A session this young is not replaced before its end: another login would last no longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What session is good enough, and how long to wait for it.

    `refused`: the fingerprint of one that is not. `lasting_until`: it must live until then. `is_asked`: a person asks,
    who may try again after a failure. `is_forced`: log in even where a session is good. `is_quiet`: nobody is told.
    """

    refused: str | None = None
    lasting_until: datetime | None = None
    until: datetime | None = None
    is_asked: bool = False
    is_forced: bool = False
    is_quiet: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStatus:
    """One account's session as a person is shown it; nothing in it is a secret."""

    account: str
    broker: str
    login: LoginKind
    state: SessionState
    expires_at: datetime | None = None
    last_login_at: datetime | None = None
    last_error: Reason | None = None
    failed_at: datetime | None = None


class LoginResting(LoginFailed):
    """The last login failed, and only a person may try again so soon."""

    code = "LOGIN_RESTING"


def renew(desk: SessionDesk, account_name: str, wanted: Wanted = Wanted()) -> SessionStatus:
    """See that the account has a good session, and return its status.

    Raises SessionExpired where only a person can log in, LoginFailed or one of its children where the login failed,
    LoginResting, RenewalPending where another login does not end in time, StoreUnavailable, AccountUnknown.
    """
    account = desk.account(account_name)
    profile = desk.profile(account)
    if profile.login is LoginKind.NONE and not profile.session_fields:
        return status(desk, account)
    if profile.login is not LoginKind.UNATTENDED:
        return _status(desk, account, _without_login(desk, account, wanted))
    try:
        return _status(desk, account, _renewed(desk, account, wanted))
    except LoginFailed as failure:
        if not wanted.is_quiet:
            tell_failed(desk, account, failure.reason)
        raise


def report_dead(desk: SessionDesk, account_name: str, refused: str | None) -> None:
    """See to a session that an order found dead: renew it, or tell once; one that was replaced is left alone."""
    try:
        renew(desk, account_name, Wanted(refused=refused))
    except NotSent as error:
        logger.info("session is dead", extra={"account": account_name, "code": error.code})


def status(desk: SessionDesk, account: Account) -> SessionStatus:
    """Return the account's status; a session that somebody stored by hand counts as one."""
    record = desk.records.get(account.name)
    if record.state is SessionState.NEVER and record.last_error is None:
        stored = _stored(desk, account)
        if stored is not None:
            record = found_good(record, stored.expires_at)
    return _status(desk, account, record)


def statuses(desk: SessionDesk, accounts: Iterable[Account]) -> tuple[SessionStatus, ...]:
    """Return the status of each account, in order."""
    return tuple(status(desk, account) for account in accounts)


def look(desk: SessionDesk) -> tuple[SessionStatus, ...]:
    """Before the open: see that every enabled account has a session for the day, and return those that have.

    Of each that has none the trader is told once a day.

    On a day without trading nothing is done: nobody is asked to log in, and no login fails. If the calendar ends soon,
    that is told.
    """
    tell_calendar_ends(desk)
    if not desk.is_trading_day():
        return ()
    begin_day(desk)
    wanted = Wanted(lasting_until=desk.clock.now() + DAY_AHEAD)
    enabled = [account for account in desk.settings.accounts() if account.is_enabled]
    looked = (_guarded(account, partial(renew, desk, account.name, wanted)) for account in enabled)
    return tuple(one for one in looked if one is not None)


def keep_alive(desk: SessionDesk) -> tuple[str, ...]:
    """Use each session that dies unless it is used, and replace one that is dead or about to die; return whose live on.

    On a day without trading a login that fails tells nobody.
    """
    enabled = [account for account in desk.settings.accounts() if account.is_enabled]
    return tuple(one.name for one in enabled if _guarded(one, partial(_keep_one_alive, desk, one)))


def _keep_one_alive(desk: SessionDesk, account: Account) -> bool:
    """Return whether the account's session must be used, and lives on."""
    if desk.profile(account).keep_alive_s is None:
        return False
    refused = None
    session = _stored(desk, account)
    if session is not None and _lasts(session, desk.clock.now() + SOON):
        try:
            login = cast("UnattendedLogin", desk.login_of(account.broker))
            login.keep_alive(desk.transport.sender(session.endpoint, not_after=None), session)
        except SessionExpired:
            refused = session.fingerprint
        except Exception as error:  # noqa: BLE001 - the next minute comes, and its words may hold a secret
            extra = {"account": account.name, "error": type(error).__name__}
            logger.warning("keep-alive failed", extra=extra)
            return False
        else:
            return True
    lasting_until = desk.clock.now() + SOON
    wanted = Wanted(refused=refused, lasting_until=lasting_until, is_quiet=not desk.is_trading_day())
    renew(desk, account.name, wanted)
    return True


def _guarded[T](account: Account, see_to: Callable[[], T]) -> T | None:
    """See to one account's session; what goes wrong with it is logged, and does not keep the others waiting."""
    try:
        return see_to()
    except RouterError as error:
        logger.info("no session", extra={"account": account.name, "code": error.code})
    except Exception:  # a defect at one broker must not leave the other accounts without a session
        logger.exception("renewal failed", extra={"account": account.name})
    return None


def _without_login(desk: SessionDesk, account: Account, wanted: Wanted) -> SessionRecord:
    """Return the record of a good session that a person has begun; else note it, tell, and raise SessionExpired."""
    stored = _stored(desk, account)
    record = desk.records.get(account.name)
    if stored is not None and _is_good(desk, stored, record, wanted):
        return _note_good(desk, account, stored)
    is_browser = desk.profile(account).login is LoginKind.BROWSER
    state = SessionState.LOGIN_NEEDED if is_browser else SessionState.EXPIRED
    change_record(desk, account.name, lambda one: found_dead(one, state, wanted.refused))
    if not wanted.is_quiet:
        tell_needed(desk, account)
    raise SessionExpired(f"account {account.name} has no session for {account.broker}: a person must log in")


def _renewed(desk: SessionDesk, account: Account, wanted: Wanted) -> SessionRecord:
    started = desk.clock.now()
    give_up = wanted.until or started + PATIENCE
    while True:
        record = desk.records.get(account.name)
        stored = _stored(desk, account)
        has_begun_since = record.last_login_at is not None and record.last_login_at >= started
        if stored is not None and _is_good(desk, stored, record, wanted, is_new=has_begun_since):
            return _note_good(desk, account, stored)
        _require_rested(desk, record, wanted, started)
        claimed = claim(desk, record, wanted)
        if claimed is not None:
            return _log_in(desk, account, claimed)
        if desk.clock.now() + timedelta(seconds=POLL_S) > give_up:
            raise RenewalPending(f"another login of account {account.name} is under way")
        desk.clock.sleep(POLL_S)


def _note_good(desk: SessionDesk, account: Account, stored: BrokerSession) -> SessionRecord:
    return change_record(desk, account.name, lambda one: found_good(one, stored.expires_at))[1]


def _is_good(
    desk: SessionDesk, stored: BrokerSession, record: SessionRecord, wanted: Wanted, *, is_new: bool = False
) -> bool:
    if wanted.is_forced and not is_new:
        return False
    now = desk.clock.now()
    if stored.fingerprint in {wanted.refused, record.refused} or not _lasts(stored, now):
        return False
    is_young = record.last_login_at is not None and now - record.last_login_at < YOUNG
    return is_young or wanted.lasting_until is None or _lasts(stored, wanted.lasting_until)


def _lasts(session: BrokerSession, until: datetime) -> bool:
    return session.expires_at is None or session.expires_at > until


def _stored(desk: SessionDesk, account: Account) -> BrokerSession | None:
    """Return the session as it is stored now, None if none is."""
    desk.sessions.forget(account)
    try:
        return desk.sessions.session(account)
    except SessionExpired:
        return None


def _require_rested(desk: SessionDesk, record: SessionRecord, wanted: Wanted, started: datetime) -> None:
    """Raise why the last login came to nothing while only a person may try again, and nobody for whom it just failed.

    Sessions that are refused one after the other are none: another one would be refused as well.
    """
    _require_lasting(desk, record, wanted)
    has_failed_since = record.failed_at is not None and record.failed_at >= started
    if not has_failed_since and (wanted.is_asked or not record.is_resting(desk.clock.now())):
        return
    if record.last_error is None or record.is_leased(desk.clock.now()):
        return
    words = f"the last login failed: {record.last_error.message}"
    raise LoginResting(words, code=record.last_error.code)


def _require_lasting(desk: SessionDesk, record: SessionRecord, wanted: Wanted) -> None:
    if record.previous_login_at is None or wanted.is_asked:
        return
    if desk.clock.now() - record.previous_login_at < RESTS_AFTER_SILENCE:
        words = f"two sessions that account {record.account} began a moment ago were refused"
        raise LoginResting(words, code="SESSION_REFUSED_AT_ONCE")


def claim(desk: SessionDesk, record: SessionRecord, wanted: Wanted) -> SessionRecord | None:
    """Return the record with the login ours, None if it is somebody else's. `record` is as it was read last."""
    if record.is_leased(desk.clock.now()):
        return None
    dead = record
    if wanted.refused is not None:
        state = record.state if record.state is SessionState.FAILED else SessionState.EXPIRED
        dead = found_dead(record, state, wanted.refused)
    claimed = leased(dead, desk.nonce(), desk.clock.now() + LOGIN_LEASE)
    try:
        return desk.records.write(claimed, replacing=record)
    except RecordConflict:
        return None


def _log_in(desk: SessionDesk, account: Account, record: SessionRecord) -> SessionRecord:
    try:
        credentials = desk.credentials.credentials(account)
        login = cast("UnattendedLogin", desk.login_of(account.broker))
        send = login_sender(desk, credentials, record)
    except BrokerError as error:
        raise note_failure(desk, account, record, as_login_failure(error, None)) from None
    try:
        session = login.log_in(send, credentials)
    except BrokerError as error:
        failure = as_login_failure(error, credentials)
    except Exception as error:  # noqa: BLE001 - a defect is no session, and its words may hold a secret
        logger.warning("adapter defect", extra={"account": account.name, "error": type(error).__name__})
        failure = LoginUnclear(f"the broker adapter failed with {type(error).__name__}")
    else:
        return keep_session(desk, account, record, session)
    # raised out here: what the adapter raised may hold what it was given
    raise note_failure(desk, account, record, failure)


def keep_session(
    desk: SessionDesk, account: Account, record: SessionRecord, session: NewSession
) -> SessionRecord:
    """Store a new session under the lease that `record` holds, and write down that there is one.

    Raises LoginUnclear if the lease was lost meanwhile or the session could not be stored.
    """
    if not _is_still_ours(desk, record):
        raise LoginUnclear(f"the login of account {account.name} took too long: somebody else began another")
    try:
        desk.vault.keep(account, session)
    except RouterError as error:
        failure = LoginUnclear(f"the new session could not be stored: {error.message}")
        raise note_failure(desk, account, record, failure) from None
    desk.sessions.forget(account)
    at = desk.clock.now()
    logger.info("session begun", extra={"account": account.name, "broker": account.broker})
    return change_record(desk, account.name, lambda one: logged_in(one, at, session.expires_at))[1]


def note_failure(
    desk: SessionDesk, account: Account, record: SessionRecord, failure: LoginFailed
) -> LoginFailed:
    """Write a failed login down and let go of the lease; return the failure."""
    at = desk.clock.now()

    def change(one: SessionRecord) -> SessionRecord:
        is_ours = one.owner == record.owner
        return login_failed(one, failure.reason, at, _rest_after(one, failure)) if is_ours else one

    logger.warning("login failed", extra={"account": account.name, "code": failure.code})
    change_record(desk, account.name, change)
    return failure


def _rest_after(record: SessionRecord, failure: LoginFailed) -> timedelta:
    """Return how long to leave the broker alone: a time-based code may fail once for its half minute alone."""
    was_refused_before = record.last_error is not None and record.last_error.code == failure.code
    may_pass = isinstance(failure, LoginUnclear) or (
        isinstance(failure, CodeRefused) and not was_refused_before
    )
    return RESTS_AFTER_SILENCE if may_pass else RESTS_FOR


LEAST_SECRET = 8
"""What came back from a page and is shorter is a word such as `success`."""


def as_login_failure(error: BrokerError, credentials: Credentials | None, *secrets: str) -> LoginFailed:
    """Return the failure as one of a login, its words without these secrets and without what the account has stored."""
    stored = () if credentials is None else (one.reveal() for one in credentials.secrets.values())
    words = error.message
    for text in (*stored, *(text for text in secrets if len(text) >= LEAST_SECRET)):
        words = words.replace(text, "***") if text else words
    if isinstance(error, LoginFailed):
        return type(error)(words, code=error.code, broker_code=error.broker_code)
    return LoginUnclear(words, broker_code=error.broker_code)


def _is_still_ours(desk: SessionDesk, record: SessionRecord) -> bool:
    stands = desk.records.get(record.account)
    return stands.owner == record.owner and stands.is_leased(desk.clock.now())


def _status(desk: SessionDesk, account: Account, record: SessionRecord) -> SessionStatus:
    profile = desk.profile(account)
    needs_none = profile.login is LoginKind.NONE and not profile.session_fields
    return SessionStatus(
        account=account.name,
        broker=account.broker,
        login=profile.login,
        state=SessionState.VALID if needs_none else record.state_at(desk.clock.now()),
        expires_at=record.expires_at,
        last_login_at=record.last_login_at,
        last_error=record.last_error,
        failed_at=record.failed_at,
    )
