"""The Web API's order ticket: what a placement, a change and a preview share (sources and dates: README.md)."""

from decimal import Decimal
from typing import Any

from order_router.adapter.errors import Unsupported
from order_router.adapter.session import BrokerSession
from order_router.brokers.ibkr.wire import CONID, FUTURES_VENUES
from order_router.domain.instrument import Instrument
from order_router.domain.listing import InstrumentType, Listing
from order_router.domain.request import OrderRequest
from order_router.domain.vocabulary import OrderType, Product

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
    fields = {
        "acctId": account,
        **_contract(listing),
        "cOID": tag,
        "orderType": TICKET_TYPES[OrderType(request.order_type)],
        **_prices(request),
        "side": str(request.side),
        "quantity": request.quantity,
        "tif": str(request.validity),
        **operator(request.instrument, account),
    }
    return {name: value for name, value in fields.items() if value is not None}


def operator(instrument: Instrument, account: str) -> dict[str, Any]:
    """Return who enters an order of CME's exchanges, a machine: their rule 536-B wants it with every such call."""
    if instrument.exchange not in FUTURES_VENUES:
        return {}
    return {"manualIndicator": False, "extOperator": account}


def require_product(request: OrderRequest, listing: Listing) -> None:
    """Raise Unsupported unless shares are asked for as CNC and all else as NRML: IBKR has no word for products."""
    product = Product.CNC if listing.instrument_type is InstrumentType.EQ else Product.NRML
    if request.product is not product:
        raise Unsupported(
            f"Interactive Brokers takes {request.instrument} as {product}, not as {request.product}"
        )


def _contract(listing: Listing) -> dict[str, Any]:
    """Return the contract: its id alone is routed by the vendor (SMART), with `@` it goes to that exchange."""
    if "@" in listing.broker_symbol:
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
