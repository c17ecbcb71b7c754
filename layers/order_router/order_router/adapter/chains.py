"""An option chain of what a broker lists: for brokers that have a list of instruments and no call for a chain."""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal

from order_router.adapter.errors import OutcomeUnknown, Unsupported
from order_router.adapter.http import Send
from order_router.adapter.port import ChainQuery
from order_router.adapter.session import BrokerSession
from order_router.domain.instrument import Instrument
from order_router.domain.listing import Listing
from order_router.domain.reports import OptionQuote, Quote
from order_router.domain.vocabulary import Exchange

DERIVATIVES_OF = {Exchange.NSE: Exchange.NFO, Exchange.BSE: Exchange.BFO}
"""Where the options on what an exchange trades are."""

ReadQuotes = Callable[[Send, BrokerSession, Sequence[Instrument]], tuple[Quote, ...]]


def read_listed_chain(
    send: Send, session: BrokerSession, query: ChainQuery, read_quotes: ReadQuotes
) -> tuple[OptionQuote, ...]:
    """Read the quotes of the listed calls and puts of one expiry, by strike; an option without a quote is left out.

    An index whose derivatives go by another name says so as its listing's `underlying`.
    """
    exchange = DERIVATIVES_OF.get(query.underlying.exchange)
    if exchange is None:
        raise Unsupported(
            f"expected an index or a share of {', '.join(DERIVATIVES_OF)}, received {query.underlying}"
        )
    name = session.listing(query.underlying).underlying or query.underlying.tradingsymbol
    options = session.around.listings.chain(exchange, name, query.expiry)
    if not options:
        return ()
    more = () if query.strikes is None else (query.underlying,)
    asked = (*more, *(one.instrument for one in options))
    quotes = {quote.instrument: quote for quote in read_quotes(send, session, asked)}
    wanted = _wanted_strikes(query, options, quotes.get(query.underlying))
    return tuple(
        OptionQuote(strike=one.strike, right=one.instrument_type, quote=quotes[one.instrument])
        for one in options
        if one.strike is not None and one.strike in wanted and one.instrument in quotes
    )


def nearest_strikes(strikes: Iterable[Decimal], price: Decimal, count: int) -> frozenset[Decimal]:
    """Return so many of the strikes, those nearest to the price; of two as near the lower."""
    return frozenset(sorted(set(strikes), key=lambda strike: (abs(strike - price), strike))[:count])


def _wanted_strikes(query: ChainQuery, options: Iterable[Listing], quote: Quote | None) -> frozenset[Decimal]:
    strikes = {one.strike for one in options if one.strike is not None}
    if query.strikes is None:
        return frozenset(strikes)
    if quote is None:
        raise OutcomeUnknown(f"there is no price of {query.underlying}, around which strikes were asked for")
    return nearest_strikes(strikes, quote.last_price, query.strikes)
