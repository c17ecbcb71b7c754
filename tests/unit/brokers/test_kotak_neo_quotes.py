"""Kotak's quotes come fifty a call; its positions' prices come from amounts."""

import json
from decimal import Decimal
from typing import Any

import pytest

from order_router.adapter.errors import OutcomeUnknown, SessionExpired, Unsupported
from order_router.adapter.http import HttpRequest, HttpResponse
from order_router.adapter.port import OrderTarget
from order_router.adapter.session import BrokerSession, Secret, Surroundings
from order_router.brokers import kotak_neo
from order_router.domain.instrument import parse_instrument
from order_router.domain.listing import InstrumentType, Listing
from order_router.domain.request import parse_request
from tests.fakes.listings import MemoryListings

SHARES = [
    Listing(
        instrument=parse_instrument(f"NSE:SHARE{number}"),
        instrument_type=InstrumentType.EQ,
        broker_symbol=f"SHARE{number}-EQ",
        broker_key=f"nse_cm|{number}",
        tick_size=Decimal("0.05"),
    )
    for number in range(1, 103)
]


class Host:
    """A host that quotes what it is asked for, and shows the positions that it was given."""

    def __init__(self, *positions: dict[str, Any]) -> None:
        self.positions = positions
        self.asked: list[list[str]] = []

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.url.endswith("positions"):
            return answered({"stat": "Ok", "stCode": 200, "data": list(self.positions)})
        keys = request.url.split("/")[-2].split(",")
        self.asked.append(keys)
        return answered([a_quote(key) for key in reversed(keys)])


def answered(content: object) -> HttpResponse:
    return HttpResponse(status=200, body=json.dumps(content).encode())


def a_quote(key: str) -> dict[str, Any]:
    segment, _, token = key.partition("|")
    numbers = dict.fromkeys(("ltp", "last_volume", "open_int", "lstup_time"), "1")
    return {
        "exchange": segment,
        "exchange_token": token,
        "display_symbol": f"SHARE{token}-EQ",
        **numbers,
        "ohlc": {},
        "depth": {"buy": [], "sell": []},
    }


def session(**changes: str) -> BrokerSession:
    texts = {"access_token": "5c1f", "trade_token": "eyJ", "sid": "7d0b"} | changes
    secrets = {name: Secret(text) for name, text in texts.items()}
    around = Surroundings(listings=MemoryListings(SHARES))
    return BrokerSession("main", "https://cis.kotaksecurities.com", secrets, around)


def test_more_than_fifty_instruments_are_asked_for_in_several_calls() -> None:
    host, instruments = Host(), [share.instrument for share in SHARES]

    quotes = kotak_neo.read_quotes(host, session(), instruments)

    assert [len(keys) for keys in host.asked] == [50, 50, 2]
    assert sorted(quote.instrument for quote in quotes) == sorted(instruments)


def test_nothing_is_asked_for_if_one_of_them_is_not_listed() -> None:
    host = Host()

    with pytest.raises(Unsupported, match="NSE:NOWHERE"):
        kotak_neo.read_quotes(host, session(), [SHARES[0].instrument, parse_instrument("NSE:NOWHERE")])

    assert host.asked == []


@pytest.mark.parametrize("nothing", [{}, {"open_int": "", "last_volume": None}])
def test_a_quote_may_lack_its_volume_and_open_interest(nothing: dict[str, Any]) -> None:
    row = a_quote("nse_cm|1")
    row = {name: value for name, value in row.items() if name not in {"open_int", "last_volume"}} | nothing

    (quote,) = kotak_neo.read_quotes(lambda _: answered([row]), session(), [SHARES[0].instrument])

    assert (quote.last_price, quote.volume, quote.open_interest) == (Decimal(1), None, None)


@pytest.mark.parametrize(
    "unreadable",
    [
        a_quote("nse_cm|2") | {"ltp": "--"},
        a_quote("nse_cm|2") | {"open_int": "many"},
        a_quote("nse_cm|2") | {"ohlc": None},
        {"exchange": "nse_cm"},
        None,
    ],
)
def test_a_quote_that_cannot_be_read_is_left_out_and_takes_no_other_with_it(unreadable: Any) -> None:
    asked = [SHARES[0].instrument, SHARES[1].instrument]

    quotes = kotak_neo.read_quotes(lambda _: answered([unreadable, a_quote("nse_cm|1")]), session(), asked)

    assert [quote.instrument for quote in quotes] == asked[:1]
    with pytest.raises(OutcomeUnknown):
        kotak_neo.read_quotes(lambda _: answered([unreadable]), session(), asked)


def test_a_row_may_name_what_it_quotes_by_its_display_name() -> None:
    row = a_quote("nse_cm|26000") | {"display_symbol": "1"}

    (quote,) = kotak_neo.read_quotes(lambda _: answered([row]), session(), [SHARES[0].instrument])

    assert quote.instrument == SHARES[0].instrument


@pytest.mark.parametrize("name", ["access_token", "trade_token", "sid"])
def test_a_stored_secret_that_no_header_can_hold_is_a_dead_session(name: str) -> None:
    with pytest.raises(SessionExpired, match=name):
        kotak_neo.cancel_order(Host(), session(**{name: "two\r\nlines"}), _target())


def a_position(**changes: str) -> dict[str, Any]:
    quantities = dict.fromkeys(("cfBuyQty", "cfSellQty", "flBuyQty", "flSellQty"), "0")
    amounts = dict.fromkeys(("cfBuyAmt", "cfSellAmt", "buyAmt", "sellAmt"), "0.00")
    factors = dict.fromkeys(("multiplier", "genNum", "genDen", "prcNum", "prcDen"), "1")
    names = {"exSeg": "nse_fo", "trdSym": "NIFTY26NOVFUT", "prod": "NRML", "precision": "2"}
    return {**quantities, **amounts, **factors, **names, **changes}


@pytest.mark.parametrize(
    ("changes", "quantity", "average_price"),
    [
        ({"flBuyQty": "3", "buyAmt": "100.00"}, 3, "33.33"),
        ({"cfBuyQty": "1", "cfBuyAmt": "10.00", "flBuyQty": "2", "buyAmt": "80.00"}, 3, "30.00"),
        ({"flSellQty": "3", "sellAmt": "200.00"}, -3, "66.67"),
        ({"flBuyQty": "1", "buyAmt": "9.00", "flSellQty": "4", "sellAmt": "200.00"}, -3, "50.00"),
        ({"flBuyQty": "2", "buyAmt": "9.00", "flSellQty": "2", "sellAmt": "200.00"}, 0, "0"),
        ({"flBuyQty": "2", "buyAmt": "100.00", "multiplier": "5", "genNum": "2", "prcDen": "4"}, 2, "20.00"),
        ({"flBuyQty": "3", "buyAmt": "100.00", "precision": "4"}, 3, "33.3333"),
    ],
)
def test_a_positions_price_is_that_of_its_open_side(
    changes: dict[str, str], quantity: int, average_price: str
) -> None:
    (position,) = kotak_neo.read_positions(Host(a_position(**changes)), session()).positions

    assert (position.quantity, str(position.average_price)) == (quantity, average_price)


@pytest.mark.parametrize(
    ("changes", "realised", "unrealised"),
    [
        ({"flBuyQty": "4", "buyAmt": "400.00", "flSellQty": "1", "sellAmt": "90.00"}, "-10.00", "-30.00"),
        ({"flBuyQty": "1", "buyAmt": "120.00", "flSellQty": "3", "sellAmt": "300.00"}, "-20.00", "20.00"),
        ({"flBuyQty": "3", "buyAmt": "100.00", "flSellQty": "1", "sellAmt": "90.00"}, "56.67", "113.33"),
        ({"flBuyQty": "2", "buyAmt": "200.00", "flSellQty": "2", "sellAmt": "150.50"}, "-49.50", "0.00"),
        ({"cfBuyQty": "2", "cfBuyAmt": "190.00", "flSellQty": "1", "sellAmt": "90.00"}, "-5.00", "-5.00"),
        ({"flBuyQty": "2", "buyAmt": "2000.00", "multiplier": "10"}, "0", "-200.00"),
    ],
)
def test_a_position_s_closed_part_is_realised_and_both_parts_are_the_day_s(
    changes: dict[str, str], realised: str, unrealised: str
) -> None:
    (position,) = kotak_neo.read_positions(Host(a_position(ltp="90.00", **changes)), session()).positions

    assert (position.realised_pnl, position.unrealised_pnl) == (Decimal(realised), Decimal(unrealised))
    assert position.day_pnl == Decimal(realised) + Decimal(unrealised)


@pytest.mark.parametrize("ltp", ["", "0"])
def test_without_a_price_the_realised_part_is_known_and_the_rest_is_not(ltp: str) -> None:
    amounts = {"flBuyQty": "4", "buyAmt": "400.00", "flSellQty": "1", "sellAmt": "90.00"}

    (position,) = kotak_neo.read_positions(Host(a_position(ltp=ltp, **amounts)), session()).positions

    assert (position.realised_pnl, position.unrealised_pnl, position.day_pnl) == (Decimal(-10), None, None)


@pytest.mark.parametrize(
    "changes",
    [{"multiplier": "0"}, {"genDen": "-1"}, {"precision": "9"}, {"precision": "-1"}, {"buyAmt": "--"}],
)
def test_a_position_with_factors_that_are_none_is_not_believed(changes: dict[str, str]) -> None:
    book = kotak_neo.read_positions(Host(a_position(flBuyQty="2", **changes)), session())

    assert book.positions == ()
    assert len(book.unreadable) == 1


def _target() -> OrderTarget:
    fields = {"account": "main", "instrument": "NSE:SHARE1", "side": "BUY", "quantity": 1}
    request = parse_request(fields | {"product": "CNC", "order_type": "MARKET"})
    return OrderTarget(broker_order_id="261120000123456", request=request)
