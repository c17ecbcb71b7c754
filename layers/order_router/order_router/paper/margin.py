"""What is blocked and what is free: derived from the book and the last prices, never stored."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from order_router.domain.instrument import Instrument
from order_router.domain.vocabulary import SIGNS, Product, Side
from order_router.paper.book import ZERO, Book, PaperOrder, PaperPosition
from order_router.paper.errors import PaperRefusal, RefusalCode
from order_router.paper.ledger import is_paid_in_full, unrealised_pnl
from order_router.paper.market import Market, PaperInstrument, find

MARGIN_RATE = Decimal("0.20")


@dataclass(frozen=True, slots=True)
class OrderBlock:
    """What a resting order ties up: the part that would open a position, and the money for it."""

    broker_order_id: str
    opening_quantity: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Money:
    """Funds of an account in rupees: `available` + `used` = `cash`."""

    cash: Decimal
    used: Decimal

    @property
    def available(self) -> Decimal:
        """Return what a new order may use; negative is a shortfall."""
        return self.cash - self.used


def money(book: Book, market: Market) -> Money:
    """Return the account's funds.

    In use are the margins of positions, the running losses of those on margin, and what resting orders block.
    """
    positions = sum((_position_use(one, find(market, one.instrument)) for one in book.positions), ZERO)
    blocks = sum((block.amount for block in order_blocks(book, market)), ZERO)
    return Money(cash=book.cash, used=positions + blocks)


def order_blocks(book: Book, market: Market) -> tuple[OrderBlock, ...]:
    """Return each resting order's block; what closes a position, first order first, needs no money."""
    return tuple(_blocks(book, market))


def require_funds(before: Book, after: Book, market: Market) -> None:
    """Raise PaperRefusal if the step leaves the account short, or shorter than it was."""
    had, has = money(before, market).available, money(after, market).available
    if has < 0 and has < had:
        raise PaperRefusal(
            RefusalCode.SHORT_OF_FUNDS,
            f"insufficient funds: the order needs {_text(had - has)}, available is {_text(had)}",
        )


def require_holdings(book: Book, order: PaperOrder) -> None:
    """Raise PaperRefusal unless shares that no other resting sale has claimed cover a delivery sale."""
    request = order.request
    if request.product is not Product.CNC or request.side is not Side.SELL:
        return
    owned = (
        book.holding(request.instrument).quantity + book.position(request.instrument, Product.CNC).quantity
    )
    claimed = sum(
        one.pending_quantity
        for one in book.resting
        if _key(one) == _key(order) and one.broker_order_id != order.broker_order_id
    )
    if order.pending_quantity > owned - claimed:
        raise PaperRefusal(
            RefusalCode.SHORT_OF_HOLDINGS,
            f"insufficient holdings of {request.instrument}: {owned - claimed} can be sold, "
            f"received {order.pending_quantity}",
        )


def _blocks(book: Book, market: Market) -> Iterator[OrderBlock]:
    closable: dict[tuple[Instrument, Product, Side], int] = {}
    for order in book.resting:
        key, sign = _key(order), SIGNS[order.request.side]
        position = book.position(order.request.instrument, order.request.product)
        left = closable.get(key, max(0, -sign * position.quantity))
        closing = min(left, order.pending_quantity)
        closable[key] = left - closing
        opening = order.pending_quantity - closing
        amount = opening * _unit_block(order, find(market, order.request.instrument))
        yield OrderBlock(order.broker_order_id, opening, amount)


def _unit_block(order: PaperOrder, listed: PaperInstrument) -> Decimal:
    request = order.request
    is_long = request.side is Side.BUY
    if request.product is Product.CNC and not is_long:
        return ZERO
    price = _expected_price(order, listed)
    if is_paid_in_full(listed.kind, request.product, is_long=is_long):
        return price
    return MARGIN_RATE * (price if listed.strike is None else listed.strike)


def _expected_price(order: PaperOrder, listed: PaperInstrument) -> Decimal:
    request = order.request
    if request.limit_price is not None:
        return request.limit_price
    if request.trigger_price is not None and not order.is_triggered:
        return request.trigger_price
    return listed.last_price


def _position_use(position: PaperPosition, listed: PaperInstrument) -> Decimal:
    if is_paid_in_full(listed.kind, position.product, is_long=position.quantity >= 0):
        return ZERO
    base = abs(position.cost) if listed.strike is None else abs(position.quantity) * listed.strike
    loss = max(ZERO, -unrealised_pnl(position, listed.last_price))
    return MARGIN_RATE * base + loss


def _key(order: PaperOrder) -> tuple[Instrument, Product, Side]:
    return order.request.instrument, order.request.product, order.request.side


def _text(amount: Decimal) -> str:
    return format(amount.quantize(Decimal("0.01")), "f")
