"""How a fill moves money, positions and holdings: every rupee is accounted for exactly."""

from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Decimal

from order_router.domain.vocabulary import SIGNS, Product, Side
from order_router.paper.book import ZERO, Book, Change, PaperHolding, PaperOrder, PaperPosition, PaperTrade
from order_router.paper.market import Kind, PaperInstrument

COST_GRID = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class _Closing:
    """What closing part of a stake gives: what remains of its cost, and the profit."""

    cost: Decimal
    pnl: Decimal


def is_paid_in_full(kind: Kind, product: Product, *, is_long: bool) -> bool:
    """Return whether such a position is bought with cash; every other is carried on margin."""
    return product is Product.CNC or (kind is Kind.OPTION and is_long)


def add_trade(book: Book, trade: PaperTrade, listed: PaperInstrument) -> Book:
    """Return the book after a fill: close an opposite position, then deliver from holdings, then open."""
    position = book.position(trade.instrument, trade.product)
    sign = SIGNS[trade.side]
    closing = min(trade.quantity, abs(position.quantity)) if position.quantity * sign < 0 else 0
    book = _close(book, position, quantity=closing, trade=trade, kind=listed.kind) if closing else book
    rest = trade.quantity - closing
    if rest and trade.product is Product.CNC and trade.side is Side.SELL:
        book = _deliver(book, trade, quantity=rest)
    elif rest:
        book = _open(book, trade, quantity=rest, kind=listed.kind)
    return _count(book, trade)


def fill(
    change: Change, order: PaperOrder, trade: PaperTrade, listed: PaperInstrument
) -> tuple[Change, PaperOrder]:
    """Return the change with the trade booked, and its order with the quantity filled."""
    book = add_trade(change.book, trade, listed)
    filled = replace(
        order,
        filled_quantity=order.filled_quantity + trade.quantity,
        filled_value=order.filled_value + trade.quantity * trade.price,
        filled_at_event=listed.price_event,
        updated_at=trade.traded_at,
    )
    return Change(
        replace(book, next_trade=book.next_trade + 1), change.ended, (*change.trades, trade)
    ), filled


def unrealised_pnl(position: PaperPosition | PaperHolding, last_price: Decimal) -> Decimal:
    """Return what closing at this price would give, in rupees."""
    return position.quantity * last_price - position.cost


def _closing(held: PaperPosition | PaperHolding, *, quantity: int, signed_value: Decimal) -> _Closing:
    # the rounded share leaves with the profit and the exact rest stays, so nothing is lost between them
    share = held.cost
    if quantity != abs(held.quantity):
        share = (held.cost * quantity / abs(held.quantity)).quantize(COST_GRID, ROUND_HALF_EVEN)
    return _Closing(cost=held.cost - share, pnl=-signed_value - share)


def _close(book: Book, position: PaperPosition, *, quantity: int, trade: PaperTrade, kind: Kind) -> Book:
    sign = SIGNS[trade.side]
    signed_value = sign * quantity * trade.price
    closing = _closing(position, quantity=quantity, signed_value=signed_value)
    is_paid = is_paid_in_full(kind, position.product, is_long=position.quantity > 0)
    after = replace(
        position,
        quantity=position.quantity + sign * quantity,
        cost=closing.cost,
        realised_pnl=position.realised_pnl + closing.pnl,
    )
    cash = book.cash - signed_value if is_paid else book.cash + closing.pnl
    return replace(book.with_position(after), cash=cash)


def _deliver(book: Book, trade: PaperTrade, *, quantity: int) -> Book:
    holding = book.holding(trade.instrument)
    value = quantity * trade.price
    closing = _closing(holding, quantity=quantity, signed_value=-value)
    position = book.position(trade.instrument, trade.product)
    sold = replace(position, realised_pnl=position.realised_pnl + closing.pnl)
    remaining = replace(holding, quantity=holding.quantity - quantity, cost=closing.cost)
    return replace(book.with_position(sold).with_holding(remaining), cash=book.cash + value)


def _open(book: Book, trade: PaperTrade, *, quantity: int, kind: Kind) -> Book:
    sign = SIGNS[trade.side]
    signed_value = sign * quantity * trade.price
    position = book.position(trade.instrument, trade.product)
    after = replace(position, quantity=position.quantity + sign * quantity, cost=position.cost + signed_value)
    paid = signed_value if is_paid_in_full(kind, trade.product, is_long=sign > 0) else ZERO
    return replace(book.with_position(after), cash=book.cash - paid)


def _count(book: Book, trade: PaperTrade) -> Book:
    position = book.position(trade.instrument, trade.product)
    bought = trade.quantity if trade.side is Side.BUY else 0
    counted = replace(
        position,
        buy_quantity=position.buy_quantity + bought,
        sell_quantity=position.sell_quantity + trade.quantity - bought,
    )
    return book.with_position(counted)
