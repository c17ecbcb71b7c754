"""Ask an account's broker something that changes nothing; of a session that it refuses the stored one is tried."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from order_router.adapter.errors import AdapterDefect, NotSent, SessionExpired
from order_router.adapter.http import HttpRequest, HttpResponse, Send
from order_router.adapter.port import Broker
from order_router.adapter.session import BrokerSession
from order_router.domain.account import Account
from order_router.domain.errors import RouterError
from order_router.ports import Clock, Transport
from order_router.service.desk import Desk, ReadingDesk
from order_router.service.renewing import is_replaced

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class PacedSend:
    """A send that lets requests go no faster than one an interval; the first goes at once."""

    send: Send
    clock: Clock
    interval: timedelta
    next_at: datetime | None = None

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Send the request, once it is its turn."""
        now = self.clock.now()
        if self.next_at is not None and now < self.next_at:
            self.clock.sleep((self.next_at - now).total_seconds())
        self.next_at = self.clock.now() + self.interval
        return self.send(request)


@dataclass(frozen=True, slots=True)
class TimedTransport:
    """A transport whose requests leave by `until` or not at all: then NotSent."""

    inner: Transport
    clock: Clock
    until: datetime

    def sender(self, endpoint: str, *, not_after: datetime | None) -> Send:
        """Return a Send for this endpoint."""
        send = self.inner.sender(endpoint, not_after=not_after)

        def timed(request: HttpRequest) -> HttpResponse:
            if self.clock.now() > self.until:
                raise NotSent("the time for these reads is over")
            return send(request)

        return timed


def ask[T](desk: ReadingDesk | Desk, account: Account, read: Callable[[Broker, Send, BrokerSession], T]) -> T:
    """Return what the read returns; raises what the session store, the adapter and the transport raise.

    A defect of the adapter is an AdapterDefect: who asks has an answer to a broker that does not tell.
    """
    session: BrokerSession | None = None
    try:
        session = desk.sessions.session(account)
        return _ask_with(desk, account, session, read)
    except SessionExpired:
        # this worker may have remembered a session that was replaced since
        if not is_replaced(desk.sessions, account, session):
            raise
    return _ask_with(desk, account, desk.sessions.session(account), read)


def _ask_with[T](
    desk: ReadingDesk | Desk,
    account: Account,
    session: BrokerSession,
    read: Callable[[Broker, Send, BrokerSession], T],
) -> T:
    broker, send = desk.broker_of(account.broker), desk.transport.sender(session.endpoint, not_after=None)
    rate = broker.profile.reads_per_second
    if rate is not None:
        send = PacedSend(send, desk.clock, timedelta(seconds=1) / rate)
    try:
        return read(broker, send, session)
    except RouterError:
        raise
    except Exception as error:
        logger.exception("adapter defect while reading", extra={"account": account.name})
        raise AdapterDefect(f"the broker adapter failed with {type(error).__name__}") from error
