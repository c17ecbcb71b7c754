"""What the simulated exchange does with an order and with a price: values in, values out."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from order_router.domain.request import OrderRequest
from order_router.domain.vocabulary import Validity
from order_router.paper.book import Book, Change, PaperOrder, PaperTrade, Status, day_prefix
from order_router.paper.checks import require_room, require_tradable
from order_router.paper.errors import PaperRefusal, RefusalCode
from order_router.paper.ledger import fill
from order_router.paper.margin import require_funds, require_holdings
from order_router.paper.market import Market, PaperInstrument, find
from order_router.paper.matching import fill_quantity, resting_status, wake


@dataclass(frozen=True, slots=True)
class Ticket:
    """A new order as it arrives: what is asked, and the client's tag for it."""

    request: OrderRequest
    client_tag: str | None


@dataclass(frozen=True, slots=True)
class Placed:
    """A change, and the id of the order that it is about."""

    change: Change
    broker_order_id: str


def place(book: Book, market: Market, ticket: Ticket, at: datetime) -> Placed:
    """Take an order in and let it meet the last price; PaperRefusal if it must not trade."""
    listed = find(market, ticket.request.instrument)
    require_tradable(ticket.request, listed)
    require_room(book)
    order = new_order(book, ticket, at)
    require_holdings(book, order)
    counted = replace(book, next_order=book.next_order + 1)
    return Placed(_accepted(counted, order, market, at), order.broker_order_id)


def modify(
    book: Book, market: Market, request: OrderRequest, *, broker_order_id: str, at: datetime
) -> Change:
    """Give a resting order these terms and let it meet the last price; PaperRefusal if it must not."""
    order = _resting(book, broker_order_id)
    if request.quantity <= order.filled_quantity:
        raise PaperRefusal(
            RefusalCode.WRONG_QUANTITY,
            f"quantity must be above the filled {order.filled_quantity}, received {request.quantity}",
        )
    require_tradable(request, find(market, request.instrument))
    keeps_trigger = order.is_triggered and request.trigger_price == order.request.trigger_price
    changed = replace(order, request=request, is_triggered=keeps_trigger, updated_at=at)
    require_holdings(book, changed)
    return _accepted(book, changed, market, at)


def cancel(book: Book, *, broker_order_id: str, at: datetime) -> Change:
    """End a resting order; PaperRefusal if it does not rest."""
    order = _resting(book, broker_order_id)
    return Change(book).with_order(ended(order, Status.CANCELLED, "cancelled by the client", at))


def match(book: Book, market: Market, at: datetime, *, limit: int) -> Change | None:
    """Let up to `limit` resting orders meet the last prices, oldest first; None if there is nothing to do."""
    due = [order for order in book.resting if _is_due(order, find(market, order.request.instrument))]
    change = Change(book)
    for order in due[:limit]:
        change = _met(change, order, find(market, order.request.instrument), at)
    return change if due else None


def new_order(book: Book, ticket: Ticket, at: datetime, message: str | None = None) -> PaperOrder:
    """Return the next order of the book, nothing of it filled yet."""
    return PaperOrder(
        broker_order_id=_numbered(book.day, book.next_order),
        client_tag=ticket.client_tag,
        request=ticket.request,
        placed_at=at,
        updated_at=at,
        message=message,
    )


def ended(order: PaperOrder, status: Status, message: str, at: datetime) -> PaperOrder:
    """Return the order as it ends."""
    return replace(order, status=status, message=message, updated_at=at)


def trade_of(book: Book, order: PaperOrder, *, quantity: int, price: Decimal, at: datetime) -> PaperTrade:
    """Return the next trade of the book, for this order."""
    return PaperTrade(
        trade_id=_numbered(book.day, book.next_trade),
        broker_order_id=order.broker_order_id,
        instrument=order.request.instrument,
        side=order.request.side,
        product=order.request.product,
        quantity=quantity,
        price=price,
        traded_at=at,
    )


def _accepted(book: Book, order: PaperOrder, market: Market, at: datetime) -> Change:
    listed = find(market, order.request.instrument)
    resting = replace(order, status=resting_status(order, is_triggered=order.is_triggered))
    change = Change(book).with_order(resting)
    require_funds(book, change.book, market)
    met = _met(change, resting, listed, at)
    require_funds(book, met.book, market)
    return met


def _met(change: Change, order: PaperOrder, listed: PaperInstrument, at: datetime) -> Change:
    order = wake(order, listed)
    quantity = fill_quantity(order, listed)
    if quantity:
        trade = trade_of(change.book, order, quantity=quantity, price=listed.last_price, at=at)
        change, order = fill(change, order, trade, listed)
        is_complete = order.filled_quantity == order.request.quantity
        order = replace(order, status=Status.COMPLETE if is_complete else Status.PARTIALLY_FILLED)
    if order.request.validity is Validity.IOC and order.status.is_resting:
        order = ended(order, Status.CANCELLED, "IOC: what did not fill at once is cancelled", at)
    return change.with_order(order)


def _is_due(order: PaperOrder, listed: PaperInstrument) -> bool:
    woken = wake(order, listed)
    return woken is not order or fill_quantity(woken, listed) > 0


def _resting(book: Book, broker_order_id: str) -> PaperOrder:
    order = book.resting_order(broker_order_id)
    if order is None:
        raise PaperRefusal(RefusalCode.NO_SUCH_ORDER, f"no order {broker_order_id} rests here")
    return order


def _numbered(day: date, number: int) -> str:
    return f"{day_prefix(day)}{number:06d}"
