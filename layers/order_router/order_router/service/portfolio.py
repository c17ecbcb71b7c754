"""Read positions, holdings and funds; one account's failure stands beside the others' answers."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from order_router.adapter.http import Send
from order_router.adapter.port import Broker
from order_router.adapter.session import BrokerSession
from order_router.domain.account import Account
from order_router.domain.errors import RouterError
from order_router.domain.reports import Funds, Holding, Position, PositionBook, UnreadablePosition
from order_router.service.asking import ask
from order_router.service.desk import ReadingDesk

Row = Position | Holding | Funds
Read = Callable[[Broker, Send, BrokerSession], tuple[Row, ...] | PositionBook]


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
    """Read one thing (a key of READS) of each account, in order."""
    return tuple(_read_one(desk, READS[what], account) for account in accounts)


def _read_one(desk: ReadingDesk, read: Read, account: Account) -> AccountAnswer:
    try:
        found = ask(desk, account, read)
    except RouterError as error:
        return AccountAnswer(account.name, error=error)
    if isinstance(found, PositionBook):
        return AccountAnswer(account.name, found.positions, found.unreadable)
    return AccountAnswer(account.name, found)
