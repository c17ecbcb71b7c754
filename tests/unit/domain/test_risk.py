"""What one order is held to: just under, at and over each limit, for either side."""

from contextlib import nullcontext
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from order_router.domain.instrument import parse_instrument
from order_router.domain.limits import OrderLimits
from order_router.domain.risk import (
    LimitExceeded,
    Ruled,
    is_exit,
    needs_last_price,
    require_legs_allowed,
    require_limit_in_band,
    require_within,
    worth,
)
from order_router.domain.vocabulary import Exchange, Product
from tests.fakes.orders import a_request

PAISA = Decimal("0.01")
TICK = Decimal("0.05")
PRICES = st.integers(100, 10_000_000).map(lambda paise: paise * PAISA)
WHOLE = st.integers(1, 1_000_000).map(Decimal)
QUANTITIES = st.integers(1, 100_000)
BANDS = st.integers(1, 5000).map(lambda hundredths: hundredths * PAISA)


def ruled(**limits: Any) -> Ruled:
    return Ruled("account paper", OrderLimits.model_validate(limits))


def refusal(by: Ruled, request: Any, last: Decimal | None = None) -> str | None:
    """Return the code of the rule that the order breaks by this last price, None if it breaks none."""
    try:
        require_within(by, request, worth(request, last))
        if last is not None:
            require_limit_in_band(by, request, last)
    except LimitExceeded as refused:
        return refused.code
    return None


@given(quantity=QUANTITIES.filter(lambda one: one > 1), is_closing=st.booleans())
def test_a_quantity_at_its_limit_passes_and_one_more_does_not(quantity: int, is_closing: bool) -> None:
    request = a_request(quantity=quantity, position_effect="CLOSE" if is_closing else None)

    assert refusal(ruled(max_quantity=quantity + 1), request) is None
    assert refusal(ruled(max_quantity=quantity), request) is None
    assert refusal(ruled(max_quantity=quantity - 1), request) == "QUANTITY_LIMIT"


@given(quantity=QUANTITIES, price=PRICES, side=st.sampled_from(["BUY", "SELL"]))
def test_a_value_at_its_limit_passes_and_a_paisa_more_does_not(
    quantity: int, price: Decimal, side: str
) -> None:
    request = a_request(quantity=quantity, limit_price=price, side=side)
    value = quantity * price

    assert refusal(ruled(max_order_value=value + PAISA), request) is None
    assert refusal(ruled(max_order_value=value), request) is None
    if value > PAISA:
        assert refusal(ruled(max_order_value=value - PAISA), request) == "ORDER_VALUE_LIMIT"


@given(quantity=QUANTITIES, price=PRICES, side=st.sampled_from(["BUY", "SELL"]))
def test_what_closes_a_position_is_worth_what_it_is(quantity: int, price: Decimal, side: str) -> None:
    exit_order = a_request(quantity=quantity, limit_price=price, side=side, position_effect="CLOSE")

    assert refusal(ruled(max_order_value="0.01"), exit_order) is None
    assert refusal(ruled(max_order_value="0.01"), exit_order, price) is None


@given(quantity=QUANTITIES, price=PRICES)
def test_an_order_that_names_no_price_has_the_value_of_the_last_one(quantity: int, price: Decimal) -> None:
    request = a_request(quantity=quantity, order_type="MARKET", limit_price=None)
    value = quantity * price

    assert refusal(ruled(max_order_value=value), request, price) is None
    if value > PAISA:
        assert refusal(ruled(max_order_value=value - PAISA), request, price) == "ORDER_VALUE_LIMIT"


LIMIT, MARKET, STOP, MARKET_STOP = (
    {"order_type": "LIMIT", "limit_price": "100"},
    {"order_type": "MARKET", "limit_price": None},
    {"order_type": "SL", "trigger_price": "110", "limit_price": "100"},
    {"order_type": "SL_M", "trigger_price": "110", "limit_price": None},
)
WORTH = (
    # side, terms, what bounds it by its own words, and what it is worth below, between and above them
    ("BUY", LIMIT, 100, (100, 100, 100)),
    ("BUY", STOP | {"limit_price": "120"}, 120, (120, 120, 120)),
    ("BUY", STOP, 100, (100, 100, 100)),
    ("BUY", MARKET_STOP, 110, (110, 110, 150)),
    ("BUY", MARKET, None, (50, 105, 150)),
    ("SELL", LIMIT, 100, (100, 105, 150)),
    ("SELL", STOP, 110, (110, 110, 110)),
    ("SELL", STOP | {"limit_price": "120"}, 120, (120, 120, 120)),
    ("SELL", MARKET_STOP, 110, (110, 110, 110)),
    ("SELL", MARKET, None, (50, 105, 150)),
)


@pytest.mark.parametrize(("side", "terms", "named", "by_last"), WORTH)
def test_a_unit_is_worth_what_bounds_what_it_trades_at(
    side: str, terms: dict[str, Any], named: int | None, by_last: tuple[int, ...]
) -> None:
    request = a_request(side=side, **terms)

    assert worth(request, None) == named
    assert tuple(worth(request, Decimal(last)) for last in (50, 105, 150)) == by_last


@pytest.mark.parametrize(("side", "terms", "named", "by_last"), WORTH)
def test_only_what_its_own_words_do_not_bound_needs_the_last_price(
    side: str, terms: dict[str, Any], named: int | None, by_last: tuple[int, ...]
) -> None:
    assert needs_last_price(a_request(side=side, **terms)) == (set(by_last) != {named})


@pytest.mark.parametrize(("side", "terms"), [("SELL", LIMIT), ("BUY", MARKET_STOP)])
@given(quantity=QUANTITIES, last=st.integers(11_000, 10_000_000).map(lambda paise: paise * PAISA))
def test_what_fills_dearer_than_it_says_has_the_value_of_the_last_price(
    side: str, terms: dict[str, Any], quantity: int, last: Decimal
) -> None:
    request, value = a_request(side=side, quantity=quantity, **terms), quantity * last

    assert refusal(ruled(max_order_value=value + PAISA), request, last) is None
    assert refusal(ruled(max_order_value=value), request, last) is None
    assert refusal(ruled(max_order_value=value - PAISA), request, last) == "ORDER_VALUE_LIMIT"


@pytest.mark.parametrize("terms", [STOP, MARKET_STOP])
@given(quantity=QUANTITIES, last=PRICES)
def test_a_stop_that_sells_has_the_value_of_its_trigger(
    terms: dict[str, Any], quantity: int, last: Decimal
) -> None:
    request, value = a_request(side="SELL", quantity=quantity, **terms), quantity * Decimal(110)

    assert refusal(ruled(max_order_value=value), request, last) is None
    assert refusal(ruled(max_order_value=value - PAISA), request, last) == "ORDER_VALUE_LIMIT"


@given(price=WHOLE, band=BANDS)
def test_a_limit_at_the_edge_of_its_band_passes_and_a_tick_beyond_does_not(
    price: Decimal, band: Decimal
) -> None:
    by, reach = ruled(price_band_percent=band), price * band / 100
    edges = {"BUY": price + reach, "SELL": price - reach}

    for side, away in (("BUY", TICK), ("SELL", -TICK)):
        edge = edges[side]
        assert refusal(by, a_request(side=side, limit_price=edge), price) is None
        assert refusal(by, a_request(side=side, limit_price=edge - away), price) is None
        if edge + away > 0:
            assert refusal(by, a_request(side=side, limit_price=edge + away), price) == "PRICE_BAND"


@given(price=PRICES, band=BANDS)
def test_a_limit_on_the_cheap_side_of_the_price_is_as_far_as_it_likes(price: Decimal, band: Decimal) -> None:
    by = ruled(price_band_percent=band)

    assert refusal(by, a_request(side="BUY", limit_price="0.05"), price) is None
    assert refusal(by, a_request(side="SELL", limit_price=price * 100), price) is None


def test_a_stop_s_limit_is_held_to_its_trigger_whatever_the_last_price() -> None:
    by = ruled(price_band_percent="2")
    buy = {"order_type": "SL", "side": "BUY", "trigger_price": "1500"}
    sell = {"order_type": "SL", "side": "SELL", "trigger_price": "1500"}

    assert refusal(by, a_request(**buy, limit_price="1530"), Decimal(1000)) is None
    assert refusal(by, a_request(**buy, limit_price="1530.05"), Decimal(1530)) == "PRICE_BAND"
    assert refusal(by, a_request(**sell, limit_price="1470"), Decimal(2000)) is None
    assert refusal(by, a_request(**sell, limit_price="1469.95")) == "PRICE_BAND"


def test_without_a_last_price_a_limit_is_not_judged_by_it() -> None:
    assert refusal(ruled(price_band_percent="2"), a_request(limit_price="99999")) is None


INFY = "NSE:INFY"
LISTS = (
    ({"denied_instruments": [INFY]}, "INSTRUMENT_DENIED"),
    ({"instruments": ["NSE:RELIANCE"]}, "INSTRUMENT_NOT_ALLOWED"),
    ({"exchanges": [Exchange.BSE]}, "EXCHANGE_NOT_ALLOWED"),
    ({"products": [Product.CNC]}, "PRODUCT_NOT_ALLOWED"),
)


@pytest.mark.parametrize(("limits", "code"), LISTS)
def test_what_is_not_allowed_is_refused_by_its_list(limits: dict[str, Any], code: str) -> None:
    assert refusal(ruled(**limits), a_request()) == code


@pytest.mark.parametrize(("limits", "code"), LISTS)
def test_no_list_keeps_a_position_from_being_closed(limits: dict[str, Any], code: str) -> None:
    assert refusal(ruled(**limits), a_request(position_effect="CLOSE")) is None
    assert refusal(ruled(**limits), a_request(position_effect="OPEN")) == code


def test_what_every_list_names_passes() -> None:
    by = ruled(
        instruments=[INFY],
        denied_instruments=["NSE:RELIANCE"],
        exchanges=[Exchange.NSE],
        products=[Product.MIS, Product.CNC],
    )

    assert refusal(by, a_request()) is None


def test_a_denied_instrument_is_denied_even_where_it_is_allowed() -> None:
    by = ruled(instruments=[INFY], denied_instruments=[INFY])

    assert refusal(by, a_request()) == "INSTRUMENT_DENIED"


@pytest.mark.parametrize(
    ("denied", "effect", "is_refused"),
    [("NSE:INFY", None, True), ("NSE:TCS", None, False), ("NSE:INFY", "CLOSE", False)],
)
def test_a_combination_is_denied_with_any_of_its_legs_unless_it_closes(
    denied: str, effect: str | None, *, is_refused: bool
) -> None:
    request = a_request(instrument="COMBO:PAIR", product="NRML", position_effect=effect)
    legs = [parse_instrument(name) for name in ("NSE:RELIANCE", INFY)]

    with pytest.raises(LimitExceeded, match="INFY in COMBO:PAIR") if is_refused else nullcontext():
        require_legs_allowed(ruled(denied_instruments=[denied]), request, legs)


def test_without_limits_every_order_passes() -> None:
    assert refusal(ruled(), a_request(quantity=1_000_000, limit_price="1000000"), Decimal(1)) is None


def test_a_refusal_names_the_limit_whose_it_is_and_what_was_found() -> None:
    with pytest.raises(LimitExceeded) as caught:
        require_within(ruled(max_order_value="7500"), a_request(), Decimal("1500.05"))

    assert caught.value.message == "max_order_value of account paper is 7500, found 7500.25"


def test_a_refusal_by_the_band_names_how_far_the_limit_is() -> None:
    with pytest.raises(LimitExceeded) as caught:
        require_limit_in_band(ruled(price_band_percent="5"), a_request(limit_price="1600"), Decimal(1500))

    assert caught.value.message == "price_band_percent of account paper is 5, found 1600, 6.67 % beyond 1500"


def test_only_what_says_so_closes_a_position() -> None:
    assert is_exit(a_request(position_effect="CLOSE"))
    assert not is_exit(a_request(position_effect="OPEN"))
    assert not is_exit(a_request(side="SELL"))
    assert parse_instrument(INFY) == a_request().instrument
