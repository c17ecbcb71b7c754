"""What an order must fit of its instrument: just inside, at the line, just outside."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from order_router.domain.instrument import parse_instrument
from order_router.domain.listing import (
    AboveFreezeQuantity,
    InstrumentDenied,
    InstrumentExpired,
    InstrumentType,
    InstrumentUnknown,
    Listing,
    WrongLotSize,
    WrongTickSize,
    require_fitting,
)
from order_router.domain.request import parse_request

LAST_DAY = date(2026, 11, 24)
NIFTY = "NFO:NIFTY26NOV26500CE"


def nifty(**changes: Any) -> Listing:
    usual: dict[str, Any] = {
        "instrument": parse_instrument(NIFTY),
        "instrument_type": InstrumentType.CE,
        "broker_symbol": "NIFTY26NOV26500CE",
        "broker_key": "NFO:NIFTY26NOV26500CE",
        "lot_size": 75,
        "tick_size": Decimal("0.05"),
        "freeze_quantity": 1800,
        "underlying": "NIFTY",
        "expiry": LAST_DAY,
        "strike": Decimal(26500),
    }
    return Listing(**usual | changes)


def refusal(listing: Listing, day: date = LAST_DAY, **changes: Any) -> InstrumentDenied | None:
    fields = {
        "account": "main",
        "instrument": NIFTY,
        "side": "BUY",
        "quantity": 75,
        "product": "NRML",
        "order_type": "SL",
        "limit_price": "102.35",
        "trigger_price": "102.3",
    }
    try:
        require_fitting(parse_request(fields | changes), listing, day)
    except InstrumentDenied as error:
        return error
    return None


def test_an_order_that_fits_passes_on_the_contracts_last_day() -> None:
    assert refusal(nifty()) is None


def test_a_contract_is_refused_the_day_after_its_last() -> None:
    found = refusal(nifty(), date(2026, 11, 25))

    assert isinstance(found, InstrumentExpired)
    assert found.message == "NFO:NIFTY26NOV26500CE expired on 2026-11-24"


@pytest.mark.parametrize("quantity", [74, 76, 100, 149])
def test_a_quantity_off_the_lot_is_refused(quantity: int) -> None:
    found = refusal(nifty(), quantity=quantity)

    assert isinstance(found, WrongLotSize)
    assert found.message == f"quantity must be a multiple of lot_size 75, received {quantity}"


def test_a_disclosed_quantity_off_the_lot_is_refused() -> None:
    assert isinstance(refusal(nifty(), quantity=150, disclosed_quantity=80), WrongLotSize)
    assert refusal(nifty(), quantity=150, disclosed_quantity=75) is None


def test_as_much_as_the_freeze_quantity_passes_and_a_lot_more_does_not() -> None:
    assert refusal(nifty(), quantity=1800) is None
    assert isinstance(refusal(nifty(), quantity=1875), AboveFreezeQuantity)
    assert refusal(nifty(freeze_quantity=None), quantity=1875) is None


@pytest.mark.parametrize("name", ["limit_price", "trigger_price"])
@pytest.mark.parametrize("price", ["102.31", "102.3001", "102.34"])
def test_a_price_off_the_tick_is_refused(name: str, price: str) -> None:
    found = refusal(nifty(), LAST_DAY, **{name: price})

    assert isinstance(found, WrongTickSize)
    assert found.message == f"{name} must be a multiple of tick_size 0.05, received {price}"


def test_a_market_order_has_no_price_to_be_off_the_tick() -> None:
    request = parse_request(
        {
            "account": "main",
            "instrument": NIFTY,
            "side": "SELL",
            "quantity": 75,
            "product": "NRML",
            "order_type": "MARKET",
        }
    )

    require_fitting(request, nifty(), LAST_DAY)


def test_an_index_takes_no_orders() -> None:
    assert isinstance(refusal(nifty(instrument_type=InstrumentType.INDEX)), InstrumentUnknown)


def test_a_share_has_no_last_day() -> None:
    assert refusal(nifty(expiry=None), date(2099, 1, 1)) is None
