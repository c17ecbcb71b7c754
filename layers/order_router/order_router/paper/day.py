"""What happens to an account when a new exchange day begins."""

from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal

from order_router.domain.exchange_time import IST
from order_router.domain.request import MAX_QUANTITY, MarketOrder
from order_router.domain.vocabulary import Product, Side
from order_router.paper.book import ZERO, Book, Change, PaperHolding, PaperPosition, Status
from order_router.paper.engine import Ticket, ended, new_order, trade_of
from order_router.paper.ledger import fill
from order_router.paper.market import Market, find

DAY_ENDS = time(23, 59, 59, tzinfo=IST)


def roll_day(book: Book, market: Market, today: date, *, limit: int) -> Change:
    """Take one step towards the new day.

    Up to `limit` resting orders expire; once none is left, as many intraday positions are squared off;
    then the day begins.
    """
    if book.resting:
        return _expired(book, limit)
    intraday = [one for one in book.positions if one.product is Product.MIS and one.quantity]
    if intraday:
        change = Change(book)
        for position in intraday[:limit]:
            change = _squared_off(change, position, market)
        return change
    return Change(_begun(book, today))


def _expired(book: Book, limit: int) -> Change:
    change = Change(book)
    for order in book.resting[:limit]:
        change = change.with_order(
            ended(order, Status.EXPIRED, "DAY: the trading day is over", _end_of(book.day))
        )
    return change


def _squared_off(change: Change, position: PaperPosition, market: Market) -> Change:
    book, at = change.book, _end_of(change.book.day)
    listed = find(market, position.instrument)
    quantity = min(abs(position.quantity), MAX_QUANTITY)
    request = MarketOrder(
        account=book.account,
        instrument=position.instrument,
        side=Side.SELL if position.quantity > 0 else Side.BUY,
        quantity=quantity,
        product=position.product,
        order_type="MARKET",
    )
    order = new_order(book, Ticket(request, None), at, message="intraday position squared off by the broker")
    trade = trade_of(book, order, quantity=quantity, price=listed.last_price, at=at)
    counted = replace(change, book=replace(book, next_order=book.next_order + 1))
    filled_change, filled = fill(counted, order, trade, listed)
    return filled_change.with_order(replace(filled, status=Status.COMPLETE))


def _begun(book: Book, today: date) -> Book:
    realised = sum((one.realised_pnl for one in book.positions), ZERO)
    for position in book.positions:
        if position.product is Product.CNC and position.quantity:
            book = book.with_holding(_settled(book, position))
    carried = (one for one in book.positions if one.product is not Product.CNC and one.quantity)
    return replace(
        book,
        day=today,
        closed_pnl=book.closed_pnl + realised,
        next_order=1,
        next_trade=1,
        positions=tuple(replace(one, realised_pnl=ZERO, buy_quantity=0, sell_quantity=0) for one in carried),
    )


def _settled(book: Book, position: PaperPosition) -> PaperHolding:
    holding = book.holding(position.instrument)
    quantity: int = holding.quantity + position.quantity
    cost: Decimal = holding.cost + position.cost
    return replace(holding, quantity=quantity, cost=cost)


def _end_of(day: date) -> datetime:
    return datetime.combine(day, DAY_ENDS).astimezone(UTC)
