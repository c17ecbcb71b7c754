"""What an order needs to know of its broker before it leaves: a failure that may pass refuses nothing for good."""

from collections.abc import Callable
from datetime import datetime, timedelta

from order_router.adapter.errors import BrokerError, NotSent, RateLimited, SessionExpired
from order_router.adapter.http import Send
from order_router.adapter.login import LoginKind
from order_router.adapter.port import Broker
from order_router.adapter.session import BrokerSession
from order_router.domain.account import Account
from order_router.domain.errors import RouterError
from order_router.service.asking import ask
from order_router.service.attempt import MAY_PASS
from order_router.service.desk import Desk
from order_router.service.renewing import has_new_session
from order_router.service.timing import PACE_WAIT, READ_PAUSE_S, SEND_BUDGET


class NotReadYet(RouterError):
    """What an order needs to know could not be read just now: nothing was written, and it may be asked for again."""

    code = "BROKER_NOT_READ"


def ask_before[T](
    desk: Desk, account: Account, read: Callable[[Broker, Send, BrokerSession], T], deadline: datetime
) -> T:
    """Return what the read returns; a broker that is asked too often is asked once more a second later.

    So is one that has a new session then. Raises NotReadYet where the failure may pass by itself before the deadline,
    else the broker's error.
    """
    try:
        return _asked_twice(desk, account, read, deadline)
    except BrokerError as error:
        if not _may_pass(desk, account, error, deadline):
            raise
        raise NotReadYet(f"not read before the order: {error.reason.message}") from error


def _asked_twice[T](
    desk: Desk, account: Account, read: Callable[[Broker, Send, BrokerSession], T], deadline: datetime
) -> T:
    try:
        return ask(desk, account, read)
    except (RateLimited, SessionExpired) as error:
        if not _may_ask_again(desk, account, error, deadline):
            raise
    return ask(desk, account, read)


def _may_ask_again(
    desk: Desk, account: Account, error: RateLimited | SessionExpired, deadline: datetime
) -> bool:
    """Return whether to ask once more in this invocation, after the wait or the login that it takes."""
    now = desk.clock.now()
    if isinstance(error, SessionExpired):
        until = min(deadline, now + SEND_BUDGET)
        return has_new_session(desk, account, _stored(desk, account), until=until)
    pause = max(timedelta(seconds=READ_PAUSE_S), timedelta(seconds=error.keeps_out_s))
    if pause > PACE_WAIT or now + pause > deadline:
        return False
    desk.clock.sleep(pause.total_seconds())
    return True


def _stored(desk: Desk, account: Account) -> BrokerSession | None:
    try:
        return desk.sessions.session(account)
    except NotSent:
        return None


def _may_pass(desk: Desk, account: Account, error: BrokerError, deadline: datetime) -> bool:
    if isinstance(error, RateLimited):
        # whoever goes on is kept out: not to be tried where that outlasts the order
        return desk.clock.now() + timedelta(seconds=error.keeps_out_s) <= deadline
    if isinstance(error, SessionExpired):
        # where a person logs in, that takes longer than an order waits
        return desk.broker_of(account.broker).profile.login is LoginKind.UNATTENDED
    return isinstance(error, MAY_PASS)
