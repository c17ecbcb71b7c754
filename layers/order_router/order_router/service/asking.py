"""Ask an account's broker something that changes nothing; of a session that it refuses the stored one is tried."""

from collections.abc import Callable

from order_router.adapter.errors import SessionExpired
from order_router.adapter.http import Send
from order_router.adapter.port import Broker
from order_router.adapter.session import BrokerSession
from order_router.domain.account import Account
from order_router.service.desk import Desk, ReadingDesk
from order_router.service.renewing import is_replaced


def ask[T](desk: ReadingDesk | Desk, account: Account, read: Callable[[Broker, Send, BrokerSession], T]) -> T:
    """Return what the read returns; raises what the session store, the adapter and the transport raise."""
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
    send = desk.transport.sender(session.endpoint, not_after=None)
    return read(desk.broker_of(account.broker), send, session)
