"""A market order as a limit: on tick, inside the band and the circuit, never on the wrong side of the price."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from order_router.domain.instrument import parse_instrument
from order_router.domain.listing import InstrumentType, Listing
from order_router.domain.protection import PriceUnknown, protect
from order_router.domain.reports import Quote
from order_router.domain.request import OrderRequest, parse_request

INFY = parse_instrument("NSE:INFY")


def listing(tick_size: str = "0.05") -> Listing:
    return Listing(
        instrument=INFY,
        instrument_type=InstrumentType.EQ,
        broker_symbol="INFTEC",
        broker_key="NSE|INFTEC",
        tick_size=Decimal(tick_size),
    )


def quote(last_price: str = "1500.05", **circuit: str) -> Quote:
    limits: dict[str, Any] = {name: Decimal(price) for name, price in circuit.items()}
    return Quote(instrument=INFY, last_price=Decimal(last_price), **limits)


def request(side: str = "BUY", **changes: str) -> OrderRequest:
    fields = {"account": "main", "instrument": "NSE:INFY", "side": side, "quantity": 5, "product": "CNC"}
    return parse_request(fields | {"order_type": "MARKET"} | changes)


def test_a_market_buy_becomes_a_limit_above_the_last_price() -> None:
    found = protect(request(), quote(), listing(), Decimal(1))

    # 1500.05 and one percent are 1515.0505
    assert (found.order_type, found.limit_price) == ("LIMIT", Decimal("1515.05"))


def test_a_market_sell_becomes_a_limit_below_the_last_price() -> None:
    found = protect(request("SELL"), quote(), listing(), Decimal(1))

    # 1500.05 less one percent are 1485.0495
    assert (found.order_type, found.limit_price) == ("LIMIT", Decimal("1485.05"))


def test_a_stop_market_becomes_a_stop_limit_beyond_its_trigger() -> None:
    stop = request("SELL", order_type="SL_M", trigger_price="1490")

    found = protect(stop, quote(), listing(), Decimal(1))

    assert (found.order_type, found.trigger_price, found.limit_price) == (
        "SL",
        Decimal(1490),
        Decimal("1475.1"),
    )


def test_the_rest_of_the_request_stays_as_it_was_asked() -> None:
    found = protect(request(position_effect="CLOSE", strategy="demo"), quote(), listing(), Decimal(1))

    assert (found.account, found.quantity, found.product) == ("main", 5, "CNC")
    assert (found.position_effect, found.strategy) == ("CLOSE", "demo")


def test_a_limit_stays_inside_the_circuit() -> None:
    assert protect(request(), quote(upper_circuit="1510.02"), listing(), Decimal(1)).limit_price == Decimal(
        1510
    )
    assert protect(
        request("SELL"), quote(lower_circuit="1490.02"), listing(), Decimal(1)
    ).limit_price == Decimal("1490.05")


@pytest.mark.parametrize(
    ("side", "circuit"), [("BUY", {"upper_circuit": "1510"}), ("SELL", {"lower_circuit": "1490.05"})]
)
def test_a_limit_may_lie_on_the_circuit_itself(side: str, circuit: dict[str, str]) -> None:
    [edge] = circuit.values()

    assert protect(request(side), quote(**circuit), listing(), Decimal(1)).limit_price == Decimal(edge)


@pytest.mark.parametrize(("side", "limit"), [("BUY", "1515.05"), ("SELL", "1485.05")])
def test_a_circuit_of_zero_is_none(side: str, limit: str) -> None:
    without = quote(lower_circuit="0", upper_circuit="0")

    assert protect(request(side), without, listing(), Decimal(1)).limit_price == Decimal(limit)


def test_a_share_of_less_than_one_stays_inside_its_circuit_too() -> None:
    penny = quote("0.8", lower_circuit="0.75", upper_circuit="0.85")

    assert protect(request(), penny, listing("0.01"), Decimal(10)).limit_price == Decimal("0.85")
    assert protect(request("SELL"), penny, listing("0.01"), Decimal(10)).limit_price == Decimal("0.75")


def test_a_band_narrower_than_a_tick_reaches_one_tick() -> None:
    assert protect(request(), quote("0.1"), listing(), Decimal(1)).limit_price == Decimal("0.15")


@pytest.mark.parametrize("last_price", ["0", "-1"])
def test_without_a_price_there_is_no_limit(last_price: str) -> None:
    with pytest.raises(PriceUnknown):
        protect(request(), quote(last_price), listing(), Decimal(1))


def test_a_sell_at_the_lowest_price_there_is_finds_no_limit() -> None:
    with pytest.raises(PriceUnknown, match="on tick"):
        protect(request("SELL"), quote("0.05"), listing(), Decimal(1))


def test_a_circuit_without_a_tick_inside_it_finds_no_limit() -> None:
    narrow = quote("1500.05", lower_circuit="1500.01", upper_circuit="1500.03")

    with pytest.raises(PriceUnknown):
        protect(request(), narrow, listing(), Decimal(1))


PRICES = st.decimals("0.05", "200000", places=2)


@given(
    side=st.sampled_from(["BUY", "SELL"]),
    price=PRICES,
    band=st.decimals("0.01", "20", places=2),
    tick=st.sampled_from(["0.01", "0.05", "0.1", "1"]),
)
def test_every_limit_is_on_tick_beyond_the_price_and_no_further_than_the_band_or_a_tick(
    side: str, price: Decimal, band: Decimal, tick: str
) -> None:
    try:
        found = protect(request(side), quote(str(price)), listing(tick), band)
    except PriceUnknown:
        assert side == "SELL"
        return

    limit = found.limit_price
    assert limit is not None
    assert limit % Decimal(tick) == 0
    distance = limit - price if side == "BUY" else price - limit
    assert -Decimal(tick) < distance <= max(price * band / 100, Decimal(tick))
