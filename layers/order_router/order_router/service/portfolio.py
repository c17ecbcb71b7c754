"""Read positions, holdings and funds; one account's failure stands beside the others' answers."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from order_router.adapter.http import Send
from order_router.adapter.port import Broker
from order_router.adapter.session import BrokerSession
from order_router.domain.account import Account
from order_router.domain.errors import RouterError
from order_router.domain.reports import Funds, Holding, Position, PositionBook, UnreadablePosition
from order_router.service.asking import TimedTransport, ask
from order_router.service.desk import ReadingDesk
from order_router.service.timing import PORTFOLIO_TIME

Row = Position | Holding | Funds
Read = Callable[[Broker, Send, BrokerSession], tuple[Row, ...] | PositionBook]


class NotAsked(RouterError):
    """The account's broker was not asked: the accounts before it took the time."""

    code = "BROKER_NOT_READ"


@dataclass(frozen=True, slots=True)
class AccountAnswer:
    """One account's rows, and those that could not be read, or why there are none."""

    account: str
    rows: tuple[Row, ...] = ()
    unreadable: tuple[UnreadablePosition, ...] = ()
    error: RouterError | None = None


READS: dict[str, Read] = {
    "positions": lambda broker, send, session: broker.read_positions(send, session),
    "holdings": lambda broker, send, session: broker.read_holdings(send, session),
    "funds": lambda broker, send, session: broker.read_funds(send, session),
}


def read_portfolio(desk: ReadingDesk, what: str, accounts: Iterable[Account]) -> tuple[AccountAnswer, ...]:
    """Read one thing (a key of READS) of each account, in order, while there is time: a broker that hangs takes it.

    An account that there is no time for has that as its failure.
    """
    until = desk.clock.now() + PORTFOLIO_TIME
    timed = replace(desk, transport=TimedTransport(desk.transport, desk.clock, until))
    return tuple(_read_until(timed, READS[what], account, until) for account in accounts)


def _read_until(desk: ReadingDesk, read: Read, account: Account, until: datetime) -> AccountAnswer:
    if desk.clock.now() > until:
        words = "the accounts before this one took the time there was: ask for this one by its name"
        return AccountAnswer(account.name, error=NotAsked(words))
    return _read_one(desk, read, account)


def _read_one(desk: ReadingDesk, read: Read, account: Account) -> AccountAnswer:
    try:
        found = ask(desk, account, read)
    except RouterError as error:
        return AccountAnswer(account.name, error=error)
    if isinstance(found, PositionBook):
        return AccountAnswer(account.name, found.positions, found.unreadable)
    return AccountAnswer(account.name, found)
