"""An option chain, strike by strike: search, strikes, one contract after the other, quotes (sources: README.md)."""

from decimal import Decimal

from order_router.adapter.chains import nearest_strikes
from order_router.adapter.errors import OutcomeUnknown, Unsupported
from order_router.adapter.http import Send
from order_router.adapter.port import ChainQuery
from order_router.adapter.session import BrokerSession
from order_router.brokers.ibkr import wire
from order_router.brokers.ibkr.contracts import RIGHTS, Option, option_symbol
from order_router.brokers.ibkr.profile import profile
from order_router.brokers.ibkr.quotes import quotes_of, read_quotes
from order_router.brokers.ibkr.search import (
    Search,
    find_option,
    month_of,
    option_months,
    read_strikes,
    rows_of,
)
from order_router.domain.instrument import Instrument
from order_router.domain.listing import Listing
from order_router.domain.reports import OptionQuote
from order_router.domain.vocabulary import Exchange

EXCHANGES = frozenset(wire.STOCK_VENUES.values()) - {Exchange.NSE}
STRIKES, MAX_STRIKES = 10, 20
"""How many strikes are read unasked, and at most: each is two requests, of the ten a second that a user has in all."""


def read_option_chain(send: Send, session: BrokerSession, query: ChainQuery) -> tuple[OptionQuote, ...]:
    """Read the calls and puts of one expiry around the last price of a United States share, by strike.

    Ten strikes, or as many as are asked for up to twenty; options without a real-time price are left out. Options of
    another trading class than the share's own (adjusted ones) are not in it.
    """
    count = STRIKES if query.strikes is None else query.strikes
    if query.underlying.exchange not in EXCHANGES:
        names = ", ".join(sorted(EXCHANGES))
        raise Unsupported(
            f"{profile.title} is asked for options on shares of {names}, not on {query.underlying}"
        )
    if count > MAX_STRIKES:
        raise Unsupported(f"{profile.title} is asked for at most {MAX_STRIKES} strikes, received {count}")
    search, listing = Search(send, session, query.underlying), session.listing(query.underlying)
    if not _has_options(search, listing, query):
        return ()
    found = _contracts(search, listing, query, count)
    quotes = {
        one.instrument: one for one in quotes_of(send, session, {conid: _named(one) for conid, one in found})
    }
    return tuple(
        OptionQuote(strike=one.strike, right=RIGHTS[one.right], quote=quotes[_named(one)])
        for _, one in found
        if _named(one) in quotes
    )


def _has_options(search: Search, listing: Listing, query: ChainQuery) -> bool:
    """Return whether the share has options in that month: the vendor wants this asked before the strikes."""
    symbol = query.underlying.tradingsymbol.replace(".", " ")
    rows = rows_of(search.ask("/iserver/secdef/search", symbol=symbol))
    own = (row for row in rows if wire.read_conid(row) == listing.broker_key)
    return any(month_of(query.expiry) in option_months(row) for row in own)


def _contracts(search: Search, listing: Listing, query: ChainQuery, count: int) -> list[tuple[str, Option]]:
    """Return the contract ids of the options around the money, by strike."""
    by_right = read_strikes(search, listing.broker_key, month_of(query.expiry))
    wanted = nearest_strikes(by_right["C"] | by_right["P"], _last_price(search), count)
    options = [
        # an option's class leaves out the point of a class of shares (unconfirmed)
        Option(
            root=query.underlying.tradingsymbol.replace(".", ""),
            expiry=query.expiry,
            right=right,
            strike=strike,
        )
        for strike in sorted(wanted)
        for right in RIGHTS
        if strike in by_right[right]
    ]
    found = ((find_option(search, listing.broker_key, one), one) for one in options)
    return [(conid, one) for conid, one in found if conid is not None]


def _last_price(search: Search) -> Decimal:
    quotes = read_quotes(search.send, search.session, (search.instrument,))
    if not quotes:
        raise OutcomeUnknown(
            f"there is no real-time price of {search.instrument}, around which strikes are read"
        )
    return quotes[0].last_price


def _named(option: Option) -> Instrument:
    return wire.named(Exchange.OPRA, option_symbol(option))
