"""The rules that one order is held to, and what it may add to what is at risk: pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from order_router.domain.errors import OrderDenied
from order_router.domain.instrument import Instrument
from order_router.domain.limits import OrderLimits
from order_router.domain.request import OrderRequest
from order_router.domain.vocabulary import OrderType, PositionEffect, Side

HUNDRED = Decimal(100)


class LimitExceeded(OrderDenied):
    """An order is beyond a limit that the trader has set: nothing was sent, nothing will be."""

    code = "LIMIT_EXCEEDED"

    def __init__(self, code: str, whose: str, rule: str, limit: object, found: object) -> None:
        super().__init__(f"{rule} of {whose} is {limit}, found {found}", code=code)


@dataclass(frozen=True, slots=True)
class Ruled:
    """The limits of one `whose` (`account paper`, `strategy demo`), as an order of its own is held to them."""

    whose: str
    limits: OrderLimits

    def exceeded(self, code: str, rule: str, found: object, limit: object = None) -> LimitExceeded:
        """Return the refusal of this rule."""
        shown = getattr(self.limits, rule) if limit is None else limit
        return LimitExceeded(code, self.whose, rule, shown, found)


def is_exit(request: OrderRequest) -> bool:
    """Return whether the order says that it closes a position, wholly or in part."""
    return request.position_effect is PositionEffect.CLOSE


MAY_FILL_DEARER = {(OrderType.SL_M, Side.BUY), (OrderType.LIMIT, Side.SELL)}
"""What fills at the market though that is above the price that the order names."""


def needs_last_price(request: OrderRequest) -> bool:
    """Return whether what a unit is worth is not bound by what the order names."""
    order_type = OrderType(request.order_type)
    return order_type is OrderType.MARKET or (order_type, request.side) in MAY_FILL_DEARER


def worth(request: OrderRequest, last: Decimal | None) -> Decimal | None:
    """Return the price by which a unit is valued: the highest that it can trade at; None if nothing says.

    A stop that sells wakes at its trigger or below, so that bounds it. `last`: the last price, None if it is not known
    or need not be.
    """
    named = [price for price in (request.limit_price, request.trigger_price) if price is not None]
    if request.side is Side.BUY:
        named = named[:1]
    if last is not None and needs_last_price(request):
        named.append(last)
    return max(named, default=None)


def require_within(ruled: Ruled, request: OrderRequest, price: Decimal | None) -> None:
    """Raise LimitExceeded for the first rule of one order that it breaks; `price`: its worth, None if not known."""
    if not is_exit(request):
        _require_allowed(ruled, request)
    _require_size(ruled, request, price)
    _require_stop_in_band(ruled, request)


def _require_allowed(ruled: Ruled, request: OrderRequest) -> None:
    """Hold an order to what may be traded: one that closes a position must get out of it whatever the lists say."""
    limits, instrument = ruled.limits, request.instrument
    if instrument in limits.denied_instruments:
        raise ruled.exceeded(
            "INSTRUMENT_DENIED", "denied_instruments", instrument, _words(limits.denied_instruments)
        )
    for code, rule, found in (
        ("INSTRUMENT_NOT_ALLOWED", "instruments", instrument),
        ("EXCHANGE_NOT_ALLOWED", "exchanges", instrument.exchange),
        ("PRODUCT_NOT_ALLOWED", "products", request.product),
    ):
        allowed = getattr(limits, rule)
        if allowed and found not in allowed:
            raise ruled.exceeded(code, rule, found, _words(allowed))


def require_legs_allowed(ruled: Ruled, request: OrderRequest, legs: Iterable[Instrument]) -> None:
    """Raise LimitExceeded for a combination with a leg that must not be traded, unless it closes."""
    denied = ruled.limits.denied_instruments
    found = None if is_exit(request) else next((leg for leg in legs if leg in denied), None)
    if found is not None:
        words = f"{found} in {request.instrument}"
        raise ruled.exceeded("INSTRUMENT_DENIED", "denied_instruments", words, _words(denied))


def _words(values: Any) -> str:  # noqa: ANN401 - a tuple or a set of what has a name
    return ", ".join(sorted(map(str, values)))


def _require_size(ruled: Ruled, request: OrderRequest, price: Decimal | None) -> None:
    """Hold an order to its size: a position that closes may be worth more than any order that made it."""
    limits = ruled.limits
    if limits.max_quantity is not None and request.quantity > limits.max_quantity:
        raise ruled.exceeded("QUANTITY_LIMIT", "max_quantity", request.quantity)
    if limits.max_order_value is None or price is None or is_exit(request):
        return
    value = request.quantity * price
    if value > limits.max_order_value:
        raise ruled.exceeded("ORDER_VALUE_LIMIT", "max_order_value", value)


def _require_stop_in_band(ruled: Ruled, request: OrderRequest) -> None:
    """Hold a stop's limit to its own trigger: that is where the market will be when it wakes."""
    if request.limit_price is not None and request.trigger_price is not None:
        _require_near(ruled, request, request.trigger_price)


def require_limit_in_band(ruled: Ruled, request: OrderRequest, price: Decimal) -> None:
    """Raise LimitExceeded for a limit that is too far on the wrong side of the last price."""
    if request.order_type == OrderType.LIMIT:
        _require_near(ruled, request, price)


def _require_near(ruled: Ruled, request: OrderRequest, price: Decimal) -> None:
    band, limit = ruled.limits.price_band_percent, request.limit_price
    if band is None or limit is None:
        return
    far = limit - price if request.side is Side.BUY else price - limit
    if far * HUNDRED > band * price:
        beyond = (far * HUNDRED / price).quantize(Decimal("0.01"))
        raise ruled.exceeded("PRICE_BAND", "price_band_percent", f"{limit}, {beyond} % beyond {price}")
