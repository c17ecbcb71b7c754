"""Kite's full quotes and the margin of an order (sources and dates: README.md)."""

from collections.abc import Sequence
from itertools import batched

from order_router.adapter.chains import read_listed_chain
from order_router.adapter.decode import read_list, read_object
from order_router.adapter.errors import OutcomeUnknown, Unsupported
from order_router.adapter.http import Send
from order_router.adapter.port import ChainQuery
from order_router.adapter.session import BrokerSession
from order_router.brokers.zerodha import wire
from order_router.brokers.zerodha.profile import profile
from order_router.brokers.zerodha.session import call
from order_router.domain.instrument import Instrument
from order_router.domain.reports import OptionQuote, OrderMargin, Quote
from order_router.domain.request import OrderRequest

QUOTES_A_CALL = 500


def read_quotes(send: Send, session: BrokerSession, instruments: Sequence[Instrument]) -> tuple[Quote, ...]:
    """Read full quotes, in the order asked; one that Kite does not know is missing, as it is from Kite's answer."""
    wanted = {str(_quotable(instrument)): instrument for instrument in instruments}
    batches = batched(wanted, QUOTES_A_CALL, strict=False)
    rows = {name: row for names in batches for name, row in _answered(send, session, names).items()}
    if rows.keys() - wanted.keys():
        raise OutcomeUnknown("Kite quoted an instrument that was not asked for")
    return tuple(wire.read_quote(wanted[name], rows[name]) for name in wanted if name in rows)


def read_option_chain(send: Send, session: BrokerSession, query: ChainQuery) -> tuple[OptionQuote, ...]:
    """Read the quotes of an underlying's listed calls and puts of one expiry, by strike: Kite has no call for it."""
    return read_listed_chain(send, session, query, read_quotes)


def read_order_margin(send: Send, session: BrokerSession, request: OrderRequest) -> OrderMargin:
    """Read what an order would bind, beside the positions and open orders that there are."""
    profile.require(request)
    parameters = [wire.margin_parameters(request)]
    answered = call(send, session, lambda kite: kite.order_margins(parameters), only_asks=True)
    rows = read_list(answered, "the margins")
    if len(rows) != 1:
        raise OutcomeUnknown(f"expected the margin of one order, received {len(rows)}")
    return wire.read_margin(rows[0], request)


def _answered(send: Send, session: BrokerSession, names: Sequence[str]) -> dict[str, object]:
    return read_object(call(send, session, lambda kite: kite.quote(*names)), "the quotes")


def _quotable(instrument: Instrument) -> Instrument:
    if instrument.exchange not in profile.exchanges:
        raise Unsupported(
            f"{profile.title} is not asked for quotes of {instrument.exchange}, which counts in lots"
        )
    return instrument
