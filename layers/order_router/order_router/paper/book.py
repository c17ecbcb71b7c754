"""What one paper account holds: money, positions, holdings and resting orders; and what a step changes."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from order_router.domain.exchange_time import exchange_day
from order_router.domain.instrument import Instrument, InstrumentField
from order_router.domain.request import OrderRequest
from order_router.domain.vocabulary import Product, Side

ZERO = Decimal(0)


class Status(StrEnum):
    """The paper broker's words for where an order stands."""

    OPEN = "OPEN"
    TRIGGER_PENDING = "TRIGGER PENDING"
    PARTIALLY_FILLED = "PARTIALLY FILLED"
    COMPLETE = "COMPLETE"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"

    @property
    def is_resting(self) -> bool:
        """Return whether the order can still fill."""
        return self in {Status.OPEN, Status.TRIGGER_PENDING, Status.PARTIALLY_FILLED}


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperOrder:
    """One order in the book. `filled_value` is quantity times price over its fills, in rupees.

    `filled_at_event` is the price event of the last fill (0: none), so that one event fills an order once.
    """

    broker_order_id: str
    request: OrderRequest
    placed_at: datetime
    updated_at: datetime
    client_tag: str | None = None
    status: Status = Status.OPEN
    is_triggered: bool = False
    filled_quantity: int = 0
    filled_value: Decimal = ZERO
    filled_at_event: int = 0
    message: str | None = None

    @property
    def pending_quantity(self) -> int:
        """Return what may still fill."""
        return self.request.quantity - self.filled_quantity if self.status.is_resting else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperTrade:
    """One fill."""

    trade_id: str
    broker_order_id: str
    instrument: InstrumentField
    side: Side
    product: Product
    quantity: int
    price: Decimal
    traded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperPosition:
    """The net position in one instrument and product; `quantity` and `cost` (rupees) are negative when short.

    `realised_pnl`, `buy_quantity` and `sell_quantity` are today's.
    """

    instrument: InstrumentField
    product: Product
    quantity: int = 0
    cost: Decimal = ZERO
    realised_pnl: Decimal = ZERO
    buy_quantity: int = 0
    sell_quantity: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperHolding:
    """Shares of earlier days and what they cost, in rupees."""

    instrument: InstrumentField
    quantity: int
    cost: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """One account. `day` is its exchange day, `closed_pnl` what earlier days realised.

    `next_order` and `next_trade` number today's orders and trades.
    """

    account: str
    day: date
    opening_cash: Decimal
    cash: Decimal
    closed_pnl: Decimal = ZERO
    next_order: int = 1
    next_trade: int = 1
    resting: tuple[PaperOrder, ...] = ()
    positions: tuple[PaperPosition, ...] = ()
    holdings: tuple[PaperHolding, ...] = ()

    def resting_order(self, broker_order_id: str) -> PaperOrder | None:
        """Return the resting order of this id."""
        return next((order for order in self.resting if order.broker_order_id == broker_order_id), None)

    def position(self, instrument: Instrument, product: Product) -> PaperPosition:
        """Return the position in this instrument and product, an empty one if there is none."""
        for position in self.positions:
            if position.instrument == instrument and position.product is product:
                return position
        return PaperPosition(instrument=instrument, product=product)

    def holding(self, instrument: Instrument) -> PaperHolding:
        """Return the holding of this instrument, an empty one if there is none."""
        for holding in self.holdings:
            if holding.instrument == instrument:
                return holding
        return PaperHolding(instrument=instrument, quantity=0, cost=ZERO)

    def with_position(self, position: PaperPosition) -> "Book":
        """Return the book with this position in place of the one in its instrument and product."""
        key = (position.instrument, position.product)
        others = tuple(one for one in self.positions if (one.instrument, one.product) != key)
        return replace(self, positions=(*others, position))

    def with_holding(self, holding: PaperHolding) -> "Book":
        """Return the book with this holding in place of the one of its instrument; an empty one goes."""
        others = tuple(one for one in self.holdings if one.instrument != holding.instrument)
        return replace(self, holdings=(*others, holding) if holding.quantity else others)

    def instruments(self) -> frozenset[Instrument]:
        """Return every instrument that the book needs a price of."""
        positions = {position.instrument for position in self.positions}
        holdings = {holding.instrument for holding in self.holdings}
        return frozenset(positions | holdings | {order.request.instrument for order in self.resting})


@dataclass(frozen=True, slots=True)
class Change:
    """A book after a step, with the orders that ended and the trades that happened in it."""

    book: Book
    ended: tuple[PaperOrder, ...] = ()
    trades: tuple[PaperTrade, ...] = ()

    def with_order(self, order: PaperOrder) -> "Change":
        """Return the change with this order in the book, or among the ended ones once it has ended."""
        others = tuple(one for one in self.book.resting if one.broker_order_id != order.broker_order_id)
        if not order.status.is_resting:
            return Change(replace(self.book, resting=others), (*self.ended, order), self.trades)
        resting = tuple(sorted((*others, order), key=lambda one: one.broker_order_id))
        return Change(replace(self.book, resting=resting), self.ended, self.trades)


def day_prefix(day: date) -> str:
    """Return how the ids of a day's orders and trades begin: 261123 of 261123000001."""
    return f"{day:%y%m%d}"


def open_book(account: str, *, cash: Decimal, at: datetime) -> Book:
    """Return the book of a new account."""
    return Book(account=account, day=exchange_day(at), opening_cash=cash, cash=cash)
