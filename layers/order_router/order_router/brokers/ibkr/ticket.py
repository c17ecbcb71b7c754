"""The Web API's order ticket: what a placement, a change and a preview share (sources and dates: README.md)."""

from collections.abc import Collection
from decimal import Decimal
from typing import Any

from order_router.adapter.errors import Unsupported
from order_router.adapter.session import BrokerSession
from order_router.brokers.ibkr.wire import COMBINATION_TYPES, CONID, FUTURES_VENUES
from order_router.domain.instrument import Instrument
from order_router.domain.listing import InstrumentType, Listing
from order_router.domain.request import OrderRequest
from order_router.domain.vocabulary import Exchange, OrderType, Product

TICKET_TYPES = {
    OrderType.MARKET: "MKT",
    OrderType.LIMIT: "LMT",
    OrderType.SL: "STOP_LIMIT",
    OrderType.SL_M: "STP",
}


def order_ticket(
    request: OrderRequest, session: BrokerSession, account: str, *, tag: str | None
) -> dict[str, Any]:
    """Return an order ticket, for a placement, a change or a preview; Unsupported if product and instrument differ."""
    listing = session.listing(request.instrument)
    require_product(request, listing)
    if listing.legs and OrderType(request.order_type) not in COMBINATION_TYPES:
        raise Unsupported(f"Interactive Brokers takes {request.order_type} orders of no combination here")
    fields = {
        "acctId": account,
        **_contract(listing),
        "cOID": tag,
        "orderType": TICKET_TYPES[OrderType(request.order_type)],
        **_prices(request),
        "side": str(request.side),
        "quantity": request.quantity,
        "tif": str(request.validity),
        **operator(venues_of(request.instrument, session), account),
    }
    return {name: value for name, value in fields.items() if value is not None}


def operator(venues: Collection[Exchange], account: str) -> dict[str, Any]:
    """Return who enters an order of CME's exchanges, a machine: their rule 536-B wants it with every such call."""
    if FUTURES_VENUES.isdisjoint(venues):
        return {}
    return {"manualIndicator": False, "extOperator": account}


def venues_of(instrument: Instrument, session: BrokerSession) -> frozenset[Exchange]:
    """Return where an order of the instrument trades: a combination where its legs do."""
    if instrument.exchange is not Exchange.COMBO:
        return frozenset({instrument.exchange})
    return frozenset(leg.instrument.exchange for leg in session.listing(instrument).legs or ())


def require_product(request: OrderRequest, listing: Listing) -> None:
    """Raise Unsupported unless shares are asked for as CNC and all else as NRML: IBKR has no word for products."""
    product = Product.CNC if listing.instrument_type is InstrumentType.EQ else Product.NRML
    if request.product is not product:
        raise Unsupported(
            f"Interactive Brokers takes {request.instrument} as {product}, not as {request.product}"
        )


def _contract(listing: Listing) -> dict[str, Any]:
    """Return the contract: its id alone is routed by the vendor (SMART), with `@` it goes to that exchange."""
    if "@" in listing.broker_symbol or listing.legs:
        return {"conidex": listing.broker_symbol}
    if not CONID.fullmatch(listing.broker_symbol):
        raise Unsupported(
            f"the listing of {listing.instrument} has no contract id", code="INSTRUMENT_UNKNOWN"
        )
    return {"conid": int(listing.broker_symbol)}


def _prices(request: OrderRequest) -> dict[str, Decimal | None]:
    if OrderType(request.order_type) is OrderType.SL_M:
        return {"price": request.trigger_price}
    return {"price": request.limit_price, "auxPrice": request.trigger_price}
