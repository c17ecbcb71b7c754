"""What limits may be set to, and what an account at a real broker begins with."""

from decimal import Decimal

import pytest
from pydantic import ValidationError

from order_router.domain.limits import STARTING, Limits, OrderLimits
from order_router.domain.meter import Counted, breach_of, entry_meter
from order_router.domain.request import OrderRequest
from order_router.domain.risk import LimitExceeded, Ruled, require_limit_in_band, require_within
from tests.fakes.clock import MONDAY_MORNING
from tests.fakes.orders import a_request

MONDAY = MONDAY_MORNING.date()
LAST_PRICE = Decimal(100)
MINE = Counted("account", "mine")
IN_MONEY = (
    "max_order_value",
    "max_gross_exposure",
    "max_net_exposure",
    "max_instrument_gross_exposure",
    "max_instrument_net_exposure",
    "max_daily_loss",
)


@pytest.mark.parametrize("rule", IN_MONEY)
@pytest.mark.parametrize(
    ("amount", "is_taken"),
    [
        ("0", False),
        ("-0.01", False),
        ("0.001", False),
        ("0.01", True),
        ("99999999999999.99", True),
        ("100000000000000", False),
        ("NaN", False),
        ("Infinity", False),
    ],
)
def test_a_limit_in_money_is_positive_and_in_whole_hundredths(rule: str, amount: str, is_taken: bool) -> None:
    if is_taken:
        assert getattr(Limits.model_validate({rule: amount}), rule) == Decimal(amount)
        return
    with pytest.raises(ValidationError, match=rule):
        Limits.model_validate({rule: amount})


@pytest.mark.parametrize(
    ("band", "is_taken"), [("0", False), ("-0.5", False), ("0.001", True), ("50", True), ("50.001", False)]
)
def test_a_band_is_more_than_nothing_and_at_most_half_the_price(band: str, is_taken: bool) -> None:
    if is_taken:
        assert Limits.model_validate({"price_band_percent": band}).price_band_percent == Decimal(band)
        return
    with pytest.raises(ValidationError, match="price_band_percent"):
        Limits.model_validate({"price_band_percent": band})


@pytest.mark.parametrize("number", ["1e19", "1e-19", "1e10000000", "1e-10000000"])
@pytest.mark.parametrize(
    "rule", ["max_quantity", "max_orders_per_day", "max_order_value", "price_band_percent"]
)
def test_a_limit_whose_digits_would_take_seconds_to_write_out_is_refused_by_its_size(
    rule: str, number: str
) -> None:
    with pytest.raises(ValidationError, match="expected a number of usual size"):
        OrderLimits.model_validate({rule: Decimal(number)})


@pytest.mark.parametrize("band", ["1e-19", "1e-100000", "1e-2000000"])
def test_a_band_as_text_is_never_rounded_to_none(band: str) -> None:
    with pytest.raises(ValidationError, match="expected a number of usual size"):
        OrderLimits.model_validate({"price_band_percent": band})


@pytest.mark.parametrize("kind", [Limits, OrderLimits])
def test_limits_that_were_read_cannot_be_changed(kind: type[OrderLimits]) -> None:
    limits = kind(max_quantity=5)

    with pytest.raises(ValidationError, match="frozen"):
        limits.max_quantity = 500  # type: ignore[misc]


def stopped_by(request: OrderRequest, counted: dict[str, str]) -> str | None:
    """Return what stops a new order of an account that is as it began, None if nothing does."""
    ruled, price = Ruled("account mine", STARTING), request.limit_price or LAST_PRICE
    try:
        require_within(ruled, request, price)
        require_limit_in_band(ruled, request, LAST_PRICE)
    except LimitExceeded as refused:
        return refused.code
    meter = entry_meter(MINE, STARTING, request, price, MONDAY)
    return breach_of(meter, {name: Decimal(amount) for name, amount in counted.items()})


@pytest.mark.parametrize(
    ("order", "counted", "stop"),
    [
        ({"quantity": 5000, "limit_price": "1"}, {}, None),
        ({"quantity": 5001, "limit_price": "1"}, {}, "QUANTITY_LIMIT"),
        ({"quantity": 2000, "limit_price": "100"}, {}, None),
        ({"quantity": 2000, "limit_price": "100.0005"}, {}, "ORDER_VALUE_LIMIT"),
        ({"limit_price": "105"}, {}, None),
        ({"limit_price": "105.01"}, {}, "PRICE_BAND"),
        ({}, {"orders": "199"}, None),
        ({}, {"orders": "200"}, "orders"),
        ({}, {"open": "19"}, None),
        ({}, {"open": "20"}, "open"),
        ({}, {"gross": "999500"}, None),
        ({}, {"gross": "999500.01"}, "gross"),
        ({}, {"gross@NSE:INFY": "499500"}, None),
        ({}, {"gross@NSE:INFY": "499500.01"}, "gross@NSE:INFY"),
        ({}, {"loss": "20000"}, None),
        ({}, {"loss": "20000.01"}, "loss"),
    ],
)
def test_an_account_at_a_real_broker_begins_with_low_limits(
    order: dict[str, object], counted: dict[str, str], stop: str | None
) -> None:
    # 5 INFY at 100, 500 in all, unless changed
    request = a_request(**{"limit_price": "100", **order})

    assert stopped_by(request, counted) == stop
