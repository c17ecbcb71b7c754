"""What the simulated exchange refuses at the door."""

from order_router.domain.request import OrderRequest
from order_router.domain.vocabulary import OrderType, Side
from order_router.paper.book import Book
from order_router.paper.errors import PaperRefusal, RefusalCode
from order_router.paper.market import PRODUCTS, PaperInstrument, require_on_tick

MAX_RESTING_ORDERS = 250


def require_room(book: Book) -> None:
    """Raise PaperRefusal if the account has as many resting orders as its book can hold."""
    if len(book.resting) >= MAX_RESTING_ORDERS:
        raise PaperRefusal(
            RefusalCode.TOO_MANY_ORDERS,
            f"an account can have {MAX_RESTING_ORDERS} open orders; cancel some first",
        )


def require_tradable(request: OrderRequest, listed: PaperInstrument) -> None:
    """Raise PaperRefusal unless product, lot, prices and trigger fit the instrument."""
    if request.product not in PRODUCTS[listed.kind]:
        words = " or ".join(sorted(PRODUCTS[listed.kind]))
        raise PaperRefusal(
            RefusalCode.WRONG_PRODUCT, f"{listed.instrument} trades as {words}, received {request.product}"
        )
    if request.quantity % listed.lot_size:
        raise PaperRefusal(
            RefusalCode.WRONG_LOT,
            f"quantity of {listed.instrument} must be a multiple of lot_size {listed.lot_size}, "
            f"received {request.quantity}",
        )
    if request.limit_price is not None:
        require_on_tick(listed, request.limit_price, "limit_price")
    if request.trigger_price is not None:
        require_on_tick(listed, request.trigger_price, "trigger_price")
    if request.order_type == OrderType.SL:
        _require_sensible_trigger(request)


def _require_sensible_trigger(request: OrderRequest) -> None:
    limit_price, trigger_price = request.limit_price, request.trigger_price
    if limit_price is None or trigger_price is None:
        return
    is_buy = request.side is Side.BUY
    if trigger_price > limit_price if is_buy else trigger_price < limit_price:
        raise PaperRefusal(
            RefusalCode.WRONG_TRIGGER,
            f"trigger_price of a {request.side} SL must not be {'above' if is_buy else 'below'} "
            f"limit_price {limit_price}, received {trigger_price}",
        )
