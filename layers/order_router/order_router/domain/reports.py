"""What a broker said: reports of orders, fills, positions, holdings and funds, in our words."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from order_router.domain.instrument import Instrument
from order_router.domain.listing import InstrumentType
from order_router.domain.vocabulary import Exchange, OrderType, Product, Side, Validity


class ReportedState(StrEnum):
    """What a broker's book says of an order. PENDING: at the broker, not yet at the exchange."""

    PENDING = "pending"
    OPEN = "open"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderReport:
    """One row of a broker's order book. Quantities in units; times aware UTC; `status` is the broker's raw word.

    `is_changing`: by that word, a change or a cancel of the order is under way at the broker.
    """

    broker_order_id: str
    state: ReportedState
    status: str
    instrument: Instrument
    side: Side
    quantity: int
    filled_quantity: int
    order_type: OrderType
    product: Product
    validity: Validity | None = None
    limit_price: Decimal | None = None
    trigger_price: Decimal | None = None
    average_price: Decimal | None = None
    exchange_order_id: str | None = None
    client_tag: str | None = None
    message: str | None = None
    placed_at: datetime | None = None
    is_changing: bool = False


@dataclass(frozen=True, slots=True)
class UnreadableRow:
    """A row of a book that has a word we do not know: never guessed, kept apart.

    `not_ours`: the row's own word that shows that it is no order of ours.
    """

    broker_order_id: str | None
    client_tag: str | None
    why: str
    not_ours: str | None = None


@dataclass(frozen=True, slots=True)
class OrderBook:
    """Today's orders of one account; `is_complete` is False when a page or a row that may be ours could not be read."""

    reports: tuple[OrderReport, ...]
    unreadable: tuple[UnreadableRow, ...] = ()
    is_complete: bool = True


def book_of(rows: Iterable[OrderReport | UnreadableRow], *, is_whole: bool = True) -> OrderBook:
    """Return the book of these rows: complete if it is whole and every row was readable or is none of ours."""
    found = tuple(rows)
    unreadable = tuple(row for row in found if isinstance(row, UnreadableRow))
    reports = tuple(row for row in found if isinstance(row, OrderReport))
    may_be_ours = [row for row in unreadable if row.not_ours is None]
    return OrderBook(reports=reports, unreadable=unreadable, is_complete=is_whole and not may_be_ours)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """One execution. `average_price` of a fill is its price."""

    trade_id: str
    broker_order_id: str
    instrument: Instrument
    side: Side
    product: Product
    quantity: int
    price: Decimal
    traded_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Today's net position in one instrument and product; `quantity` is signed (short is negative).

    `realised_pnl` and `unrealised_pnl` are as the broker counts them, which may be since the position was opened.
    `day_pnl`: both, since the last close, where the broker says so much.
    """

    instrument: Instrument
    product: Product
    quantity: int
    average_price: Decimal
    last_price: Decimal | None = None
    realised_pnl: Decimal | None = None
    unrealised_pnl: Decimal | None = None
    day_pnl: Decimal | None = None
    buy_quantity: int | None = None
    sell_quantity: int | None = None


@dataclass(frozen=True, slots=True)
class UnreadablePosition:
    """A row of positions that cannot be read: never guessed, kept apart. `name`: what its broker calls it."""

    name: str | None
    why: str

    def __str__(self) -> str:
        return self.why if self.name is None else f"{self.name}: {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionBook:
    """An account's net positions: `positions` is all of them only where nothing is `unreadable`.

    `realised_elsewhere`: what was realised today in closed contracts that have no name here; None: there are none.
    """

    positions: tuple[Position, ...]
    unreadable: tuple[UnreadablePosition, ...] = ()
    realised_elsewhere: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """Shares held for delivery: `quantity` is all of them, `unsettled_quantity` the part not settled yet."""

    instrument: Instrument
    quantity: int
    average_price: Decimal
    unsettled_quantity: int = 0
    last_price: Decimal | None = None
    pnl: Decimal | None = None
    isin: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Funds:
    """Money of one segment of an account, in its own currency: what can be used now and what is in use.

    `covers`: the exchanges whose orders it pays for; None: all that the broker takes.
    """

    segment: str
    available: Decimal
    used: Decimal
    cash: Decimal | None = None
    collateral: Decimal | None = None
    covers: tuple[Exchange, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What an instrument trades at. `lower_circuit` and `upper_circuit` bound today's prices; volumes in units."""

    instrument: Instrument
    last_price: Decimal
    bid_price: Decimal | None = None
    bid_quantity: int | None = None
    ask_price: Decimal | None = None
    ask_quantity: int | None = None
    open_price: Decimal | None = None
    high_price: Decimal | None = None
    low_price: Decimal | None = None
    close_price: Decimal | None = None
    volume: int | None = None
    open_interest: int | None = None
    lower_circuit: Decimal | None = None
    upper_circuit: Decimal | None = None
    quoted_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionQuote:
    """One option of a chain: its strike and right, and its quote."""

    strike: Decimal
    right: InstrumentType
    quote: Quote


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderMargin:
    """What an order would bind, and what is there, in the account's currency. `available` None: not said."""

    required: Decimal
    available: Decimal | None = None
    charges: Decimal | None = None
