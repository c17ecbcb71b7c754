"""An option chain of a broker's list and its quotes, whoever the broker is."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from order_router.adapter.chains import nearest_strikes, read_listed_chain
from order_router.adapter.errors import OutcomeUnknown, Unsupported
from order_router.adapter.port import ChainQuery
from order_router.adapter.session import BrokerSession, Surroundings
from order_router.brokers.registry import load_broker
from order_router.domain.instrument import Instrument, parse_instrument
from order_router.domain.listing import InstrumentType
from order_router.domain.reports import Quote
from tests.fakes.instruments import EXPIRY, family, share
from tests.fakes.listings import MemoryListings

NIFTY = parse_instrument("NSE:NIFTY 50")
INDEX = share("NIFTY 50", instrument_type=InstrumentType.INDEX, underlying="NIFTY")
RELIANCE = share("RELIANCE")
SESSION = BrokerSession(
    "main",
    "https://broker.example",
    around=Surroundings(listings=MemoryListings([INDEX, RELIANCE, *family(), *family("RELIANCE")])),
)
STRIKES = [Decimal(one) for one in (900, 9500, 26500)]


class Quotes:
    """Quotes everything at one price, but for what is named; `asked` is what was asked for, call by call."""

    def __init__(self, last_price: str = "100", but: Sequence[Instrument] = ()) -> None:
        self._last_price, self._but = Decimal(last_price), but
        self.asked: list[list[str]] = []

    def __call__(self, _send: Any, _session: Any, instruments: Sequence[Instrument]) -> tuple[Quote, ...]:
        self.asked.append([str(one) for one in instruments])
        wanted = (one for one in instruments if one not in self._but)
        return tuple(Quote(instrument=one, last_price=self._last_price) for one in wanted)


def chain(quotes: Quotes, underlying: Instrument = NIFTY, **terms: Any) -> list[tuple[str, str]]:
    query = ChainQuery(underlying=underlying, **{"expiry": EXPIRY, **terms})
    send: Any = None
    return [(str(one.strike), one.right) for one in read_listed_chain(send, SESSION, query, quotes)]


def test_an_index_s_chain_goes_by_the_name_of_its_derivatives_and_is_one_call() -> None:
    quotes = Quotes()

    assert chain(quotes) == [(strike, right) for strike in ("900", "9500", "26500") for right in ("CE", "PE")]
    assert len(quotes.asked) == 1
    assert "NSE:NIFTY 50" not in quotes.asked[0]


def test_a_share_s_chain_goes_by_its_own_name() -> None:
    quotes = Quotes()

    assert len(chain(quotes, RELIANCE.instrument)) == 6
    assert all(name.startswith("NFO:RELIANCE") for name in quotes.asked[0])


@pytest.mark.parametrize(
    ("price", "strike"), [("5199", "900"), ("5200", "900"), ("5201", "9500"), ("30000", "26500")]
)
def test_one_strike_is_the_one_nearest_to_the_money(price: str, strike: str) -> None:
    quotes = Quotes(price)

    assert chain(quotes, strikes=1) == [(strike, "CE"), (strike, "PE")]
    assert len(quotes.asked) == 1


def test_strikes_around_a_price_that_nobody_knows_are_none_at_random() -> None:
    with pytest.raises(OutcomeUnknown, match="no price of NSE:NIFTY 50"):
        chain(Quotes(but=[NIFTY]), strikes=1)


def test_where_no_option_is_listed_nothing_is_asked() -> None:
    quotes = Quotes()

    assert chain(quotes, expiry=date(2026, 12, 29)) == []
    assert quotes.asked == []


def test_a_chain_on_what_has_no_options_here_is_unsupported() -> None:
    with pytest.raises(Unsupported, match="expected an index or a share of NSE, BSE"):
        chain(Quotes(), parse_instrument("MCX:GOLD26DECFUT"))


def test_a_part_of_a_chain_is_unsupported_where_only_the_whole_is_given() -> None:
    ChainQuery(underlying=NIFTY, expiry=EXPIRY).require_whole("Kotak")

    with pytest.raises(Unsupported, match="Kotak gives its whole option chain"):
        ChainQuery(underlying=NIFTY, expiry=EXPIRY, strikes=5).require_whole("Kotak")


@pytest.mark.parametrize("name", ["kotak_neo", "icici_breeze"])
def test_a_broker_that_answers_with_the_whole_chain_is_asked_for_no_part_of_it(name: str) -> None:
    send: Any = None
    query = ChainQuery(underlying=NIFTY, expiry=EXPIRY, strikes=5)

    with pytest.raises(Unsupported, match="gives its whole option chain"):
        load_broker(name).read_option_chain(send, SESSION, query)


def test_more_strikes_than_there_are_is_all_of_them() -> None:
    assert nearest_strikes(STRIKES, Decimal(1), 9) == set(STRIKES)
