"""Several legs as one instrument, in the vendor's spelling of a combination (sources: README.md)."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from order_router.adapter.decode import read_text
from order_router.adapter.errors import Unsupported
from order_router.adapter.http import Send
from order_router.adapter.session import BrokerSession
from order_router.brokers.ibkr.instruments import read_rules
from order_router.brokers.ibkr.search import Search
from order_router.brokers.ibkr.wire import FUTURES_VENUES, combination_key
from order_router.domain.combination import CombinationRefused
from order_router.domain.exchange_time import venue_day
from order_router.domain.instrument import Instrument
from order_router.domain.listing import InstrumentType, Leg, Listing
from order_router.domain.vocabulary import SIGNS, Exchange

SPREADS = {
    "AUD": "61227077",
    "CAD": "61227082",
    "CHF": "61227087",
    "CNH": "136000441",
    "GBP": "58666491",
    "HKD": "61227072",
    "INR": "136000444",
    "JPY": "61227069",
    "KRW": "136000424",
    "MXN": "136000449",
    "SEK": "136000429",
    "SGD": "426116555",
    "USD": "28812380",
}
"""The contract id that stands for a spread in each currency (Web API reference, Combo / Spread Orders)."""


def combine(send: Send, session: BrokerSession, name: Instrument, legs: Sequence[Leg]) -> Listing:
    """Return a combination of legs that are looked up, all of one currency: its `conidex`, and when the first ends."""
    listings = [session.listing(leg.instrument) for leg in legs]
    for listing in listings:
        _require_tradable(listing, session.around.now())
    _require_one_market(listings)
    searches = (Search(send, session, listing.instrument) for listing in listings)
    conids = [listing.broker_key for listing in listings]
    rules = [read_rules(search, conid) for search, conid in zip(searches, conids, strict=True)]
    ratios = [SIGNS[leg.side] * leg.ratio for leg in legs]
    conidex = f"{_spread({read_text(one, 'currency') for one in rules})}{_routed(listings)};;;" + ",".join(
        f"{conid}/{ratio}" for conid, ratio in zip(conids, ratios, strict=True)
    )
    return Listing(
        instrument=name,
        instrument_type=InstrumentType.COMBO,
        broker_symbol=conidex,
        broker_key=combination_key(conidex),
        # a finer price than the combination takes is for the vendor to refuse
        tick_size=min(listing.tick_size for listing in listings),
        expiry=_first_end(listings),
        legs=tuple(legs),
    )


def _require_tradable(listing: Listing, at: datetime) -> None:
    if listing.expiry is not None and venue_day(listing.instrument.exchange, at) > listing.expiry:
        raise Unsupported(f"{listing.instrument} expired on {listing.expiry}", code=CombinationRefused.code)


def _require_one_market(listings: Iterable[Listing]) -> None:
    """Raise Unsupported for currency pairs, and for futures beside anything but futures of their exchange."""
    exchanges = {listing.instrument.exchange for listing in listings}
    if Exchange.IDEALPRO in exchanges:
        raise Unsupported("Interactive Brokers takes no combinations of currency pairs")
    for mixed in (FUTURES_VENUES, {Exchange.NSE}):
        if exchanges & mixed and len(exchanges) > 1:
            names = ", ".join(sorted(exchanges))
            raise Unsupported(f"Interactive Brokers takes no combination of legs at {names} together")


def _spread(currencies: set[str]) -> str:
    if len(currencies) != 1:
        words = ", ".join(sorted(currency[:10] for currency in currencies))
        raise Unsupported(f"expected legs of one currency, received {words}", code=CombinationRefused.code)
    currency = next(iter(currencies))
    if currency not in SPREADS:
        raise Unsupported(f"Interactive Brokers names no spread in {currency[:10]}")
    return SPREADS[currency]


def _routed(listings: Sequence[Listing]) -> str:
    """Return the exchange as the vendor wants it beside the spread everywhere but in the United States."""
    exchange = listings[0].instrument.exchange
    return f"@{exchange}" if exchange is Exchange.NSE else ""


def _first_end(listings: Iterable[Listing]) -> date | None:
    return min((listing.expiry for listing in listings if listing.expiry is not None), default=None)
