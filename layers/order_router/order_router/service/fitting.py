"""Make an order fit its broker before it is written: what is listed, and a limit where no market order is taken."""

from order_router.adapter.listings import ListingsUnavailable
from order_router.adapter.port import Broker
from order_router.domain.account import Account
from order_router.domain.exchange_time import venue_day
from order_router.domain.history import Event
from order_router.domain.instrument import Instrument
from order_router.domain.lifecycle import EventKind
from order_router.domain.listing import InstrumentUnknown, Leg, Listing, require_fitting
from order_router.domain.market_hours import require_open
from order_router.domain.order import Order, apply
from order_router.domain.protection import PROTECTED_AS, protect
from order_router.domain.request import OrderRequest
from order_router.domain.vocabulary import Exchange, OrderType, Side
from order_router.ports import StoreUnavailable
from order_router.service.desk import Desk
from order_router.service.needed_reads import read_time
from order_router.service.pricing import last_quote


def fit(desk: Desk, order: Order, account: Account, broker: Broker) -> Order:
    """Return the order as its broker takes it.

    Raises Unsupported, MarketClosed, MarketOpen, a child of InstrumentDenied, PriceUnknown, NotReadYet or
    StoreUnavailable: nothing was sent.
    """
    if broker.profile.exchange_closes:
        require_open(order.request, desk.calendar(), desk.clock.now())
    order = _protected(desk, order, account, broker)
    broker.profile.require(order.request)
    require_listed(desk, broker, order.request)
    return order


def require_listed(desk: Desk, broker: Broker, request: OrderRequest) -> None:
    """Raise what does not fit of the listing, where the broker has a list of its instruments or a trader defined it."""
    if broker.profile.has_master or request.instrument.exchange is Exchange.COMBO:
        day = venue_day(request.instrument.exchange, desk.clock.now())
        require_fitting(request, _listing(desk, broker, request.instrument), day)


def legs_of(desk: Desk, broker: Broker, instrument: Instrument) -> tuple[Leg, ...]:
    """Return what buying one of the instrument buys and sells: itself, or the legs of a combination.

    Raises InstrumentUnknown for a combination that nobody defined, or StoreUnavailable.
    """
    if instrument.exchange is not Exchange.COMBO:
        return (Leg(instrument=instrument, side=Side.BUY, ratio=1),)
    return _listing(desk, broker, instrument).legs or ()


def _listing(desk: Desk, broker: Broker, instrument: Instrument) -> Listing:
    try:
        found = desk.listings(broker.profile.name).of(instrument)
    except ListingsUnavailable as error:
        raise StoreUnavailable(error.message) from error
    if found is None:
        raise InstrumentUnknown(
            f"{broker.profile.title} lists no {instrument} among its instruments as last loaded"
        )
    return found


def _protected(desk: Desk, order: Order, account: Account, broker: Broker) -> Order:
    """Return the order with a limit in place of what its broker does not take, if its account wants that."""
    band, asked = account.market_band_percent, OrderType(order.request.order_type)
    if band is None or asked in broker.profile.order_types or asked not in PROTECTED_AS:
        return order
    listing = _listing(desk, broker, order.request.instrument)
    quote = last_quote(desk, account, broker, order.request.instrument, read_time(order))
    request = protect(order.request, quote, listing, band)
    note = f"{asked} as {request.order_type} at {request.limit_price}: last price {quote.last_price}, band {band} %"
    return apply(order, Event(kind=EventKind.PROTECTED, at=desk.clock.now(), request=request, note=note))
