"""What an order needs to know of its broker before it leaves: a failure that may pass refuses nothing for good."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from order_router.adapter.errors import BrokerError, NotSent, RateLimited, SessionExpired
from order_router.adapter.http import Send
from order_router.adapter.login import LoginKind
from order_router.adapter.port import Broker
from order_router.adapter.session import BrokerSession
from order_router.domain.account import Account
from order_router.domain.errors import RouterError
from order_router.domain.order import Order
from order_router.domain.risk import is_exit
from order_router.domain.vocabulary import Source
from order_router.service.asking import TimedTransport, ask
from order_router.service.attempt import MAY_PASS
from order_router.service.desk import Desk
from order_router.service.renewing import has_new_session
from order_router.service.timing import ENTRY_READS, PACE_WAIT, READ_PAUSE_S, READ_TIME, SEND_BUDGET


class NotReadYet(RouterError):
    """What an order needs to know could not be read just now: nothing was written, and it may be asked for again."""

    code = "BROKER_NOT_READ"


@dataclass(frozen=True, slots=True)
class ReadTime:
    """How long an order may go on to read what it needs: no request for that leaves after `until`.

    `again_until`: until when it may come again for it; None where no other order waits meanwhile that may not.
    """

    until: datetime
    again_until: datetime | None = None

    def may_come_again(self, at: datetime) -> bool:
        """Return whether a read that failed may refuse nothing yet."""
        return self.again_until is None or at <= self.again_until


def read_time(order: Order) -> ReadTime:
    """Return how long the order may read: an entry out of the queue leaves an exit behind it time to pass."""
    if order.source is Source.API or is_exit(order.request):
        return ReadTime(order.deadline)
    again_until = min(order.deadline, order.received_at + ENTRY_READS)
    # a read that may outlast the order is begun by a young one alone, which may live for less than a read takes
    return ReadTime(max(again_until, order.deadline - READ_TIME), again_until)


def ask_before[T](
    desk: Desk, account: Account, read: Callable[[Broker, Send, BrokerSession], T], within: ReadTime | None
) -> T:
    """Return what the read returns; a broker that is asked too often is asked once more a second later.

    So is one that has a new session then. Raises NotReadYet where the failure may pass by itself in time, else the
    broker's error. Where nothing waits for it (`within` None) it is asked once, and the error is its answer.
    """
    if within is None:
        return ask(desk, account, read)
    timed = replace(desk, transport=TimedTransport(desk.transport, desk.clock, within.until))
    try:
        return _asked_twice(timed, account, read, within.until)
    except BrokerError as error:
        if not _may_pass(desk, account, error, within):
            raise
        raise NotReadYet(f"not read before the order: {error.reason.message}") from error


def _asked_twice[T](
    desk: Desk, account: Account, read: Callable[[Broker, Send, BrokerSession], T], until: datetime
) -> T:
    try:
        return ask(desk, account, read)
    except (RateLimited, SessionExpired) as error:
        if not _may_ask_again(desk, account, error, until):
            raise
    return ask(desk, account, read)


def _may_ask_again(
    desk: Desk, account: Account, error: RateLimited | SessionExpired, until: datetime
) -> bool:
    """Return whether to ask once more in this invocation, after the wait or the login that it takes."""
    now = desk.clock.now()
    if isinstance(error, SessionExpired):
        renewed_by = min(until, now + SEND_BUDGET)
        return has_new_session(desk, account, _stored(desk, account), until=renewed_by)
    pause = max(timedelta(seconds=READ_PAUSE_S), timedelta(seconds=error.keeps_out_s))
    if pause > PACE_WAIT or now + pause > until:
        return False
    desk.clock.sleep(pause.total_seconds())
    return True


def _stored(desk: Desk, account: Account) -> BrokerSession | None:
    try:
        return desk.sessions.session(account)
    except NotSent:
        return None


def _may_pass(desk: Desk, account: Account, error: BrokerError, within: ReadTime) -> bool:
    now = desk.clock.now()
    if isinstance(error, RateLimited):
        # whoever goes on is kept out: not to be tried where that outlasts the order
        let_in_at = now + timedelta(seconds=error.keeps_out_s)
        return within.may_come_again(let_in_at) and let_in_at <= within.until
    if not within.may_come_again(now):
        return False
    if isinstance(error, SessionExpired):
        # where a person logs in, that takes longer than an order waits
        return desk.broker_of(account.broker).profile.login is LoginKind.UNATTENDED
    return isinstance(error, MAY_PASS)
