"""A market order as a limit that is as good: for brokers that take none, once for all of them."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from order_router.domain.errors import OrderDenied
from order_router.domain.listing import Listing
from order_router.domain.reports import Quote
from order_router.domain.request import OrderRequest, dump_request, parse_request
from order_router.domain.vocabulary import OrderType, Side

PROTECTED_AS = {OrderType.MARKET: OrderType.LIMIT, OrderType.SL_M: OrderType.SL}


class PriceUnknown(OrderDenied):
    """No price is known from which a limit could be set."""

    code = "PRICE_UNKNOWN"


def protect(request: OrderRequest, quote: Quote, listing: Listing, band_percent: Decimal) -> OrderRequest:
    """Return a MARKET order as LIMIT, an SL_M as SL: `band_percent` beyond the last price, or beyond the trigger.

    The limit lies on the tick nearest to the band's edge that is inside it, but at least one tick beyond the price,
    and inside the day's circuit. PriceUnknown where the price is not positive or no tick lies inside the circuit.
    """
    base = request.trigger_price or quote.last_price
    if base <= 0:
        raise PriceUnknown(f"the last price of {request.instrument} is {base}")
    tick, is_buy = listing.tick_size, request.side is Side.BUY
    reach = max(base * band_percent / 100, tick)
    edge = base + reach if is_buy else base - reach
    limit = _on_tick(_inside_circuit(edge, quote), tick, ROUND_FLOOR if is_buy else ROUND_CEILING)
    if limit <= 0 or (quote.lower_circuit or 0) > limit or limit > (quote.upper_circuit or limit):
        raise PriceUnknown(
            f"no price of {request.instrument} near {base} is on tick {tick} and inside the circuit"
        )
    order_type = PROTECTED_AS[OrderType(request.order_type)]
    return parse_request(dump_request(request) | {"order_type": order_type, "limit_price": limit})


def _inside_circuit(price: Decimal, quote: Quote) -> Decimal:
    if quote.upper_circuit is not None and quote.upper_circuit > 0:
        price = min(price, quote.upper_circuit)
    return price if quote.lower_circuit is None else max(price, quote.lower_circuit)


def _on_tick(price: Decimal, tick: Decimal, rounding: str) -> Decimal:
    return (price / tick).to_integral_value(rounding=rounding) * tick
