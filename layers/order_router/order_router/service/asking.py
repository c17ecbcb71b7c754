"""Ask an account's broker something that changes nothing; a session that it refuses is not used again."""

from collections.abc import Callable

from order_router.adapter.errors import SessionExpired
from order_router.adapter.http import Send
from order_router.adapter.port import Broker
from order_router.adapter.session import BrokerSession
from order_router.domain.account import Account
from order_router.service.desk import ReadingDesk


def ask[T](desk: ReadingDesk, account: Account, read: Callable[[Broker, Send, BrokerSession], T]) -> T:
    """Return what the read returns; raises what the session store, the adapter and the transport raise."""
    broker = desk.broker_of(account.broker)
    try:
        session = desk.sessions.session(account)
        return read(broker, desk.transport.sender(session.endpoint, not_after=None), session)
    except SessionExpired:
        desk.sessions.forget(account)
        raise
