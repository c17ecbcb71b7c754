"""Kite's words, each read as what it is."""

from decimal import Decimal
from typing import Any

import pytest

from order_router.adapter import errors
from order_router.brokers.zerodha import wire
from order_router.brokers.zerodha.refusals import Refusal, read_refusal
from order_router.domain.reports import ReportedState
from order_router.domain.vocabulary import OrderType, Product, Side

OURS = "ORD7K2M4QX5ZB3TDLW6A"
ROW: dict[str, Any] = {
    "order_id": "1990345678901234567",
    "exchange_order_id": "1200000012345678",
    "status": "OPEN",
    "status_message": None,
    "order_timestamp": "2026-11-20 10:02:11",
    "exchange": "NSE",
    "tradingsymbol": "INFY",
    "order_type": "LIMIT",
    "transaction_type": "BUY",
    "validity": "DAY",
    "product": "CNC",
    "quantity": 5,
    "filled_quantity": 0,
    "price": Decimal("1500.05"),
    "trigger_price": 0,
    "average_price": 0,
    "tag": OURS,
    "tags": [OURS],
}


@pytest.mark.parametrize(
    ("tag", "tags", "expected"),
    [
        (OURS, [OURS], OURS),
        (None, ["mktp", "mktp:2.00", OURS], OURS),
        ("mktp", [OURS], OURS),
        ("mine", [], "mine"),
        ("", None, None),
        (None, [None, 7], None),
    ],
)
def test_our_tag_is_found_among_kites_own(
    tag: str | None, tags: list[Any] | None, expected: str | None
) -> None:
    assert wire.read_tag({"tag": tag, "tags": tags}) == expected


@pytest.mark.parametrize(
    ("filled", "expected"),
    [(0, ReportedState.OPEN), (2, ReportedState.PARTIALLY_FILLED), (5, ReportedState.OPEN)],
)
def test_a_working_order_with_a_fill_is_partially_filled(filled: int, expected: ReportedState) -> None:
    assert wire.read_row(ROW | {"filled_quantity": filled}).state is expected


@pytest.mark.parametrize("filled", [-1, 6])
def test_a_fill_beyond_the_quantity_is_not_believed(filled: int) -> None:
    with pytest.raises(errors.OutcomeUnknown):
        wire.read_row(ROW | {"filled_quantity": filled})


def test_prices_are_exact_and_a_zero_is_no_price() -> None:
    report = wire.read_row(ROW | {"price": Decimal("0.10000000000000000001")})

    assert (str(report.limit_price), report.trigger_price) == ("0.10000000000000000001", None)


@pytest.mark.parametrize("exchange", ["MCX", "CDS", "BCD", "NCO"])
def test_an_exchange_that_counts_in_lots_is_not_told_in_units(exchange: str) -> None:
    with pytest.raises(errors.OutcomeUnknown, match=exchange):
        wire.read_row(ROW | {"exchange": exchange})


def test_every_word_that_we_send_is_one_that_we_read() -> None:
    assert set(wire.KITE_ORDER_TYPES) == set(OrderType)
    assert set(wire.SIDES.values()) == set(Side)
    assert set(wire.PRODUCTS.values()) == set(Product)


@pytest.mark.parametrize("status", [200, 302, 408, 500, 502, 503, 504, 520])
@pytest.mark.parametrize(
    "error_type", ["OrderException", "InputException", "MarginException", "TokenException"]
)
def test_only_a_client_error_can_be_a_definite_no(status: int, error_type: str) -> None:
    refusal = Refusal(status, error_type, "Insufficient funds.")

    assert type(read_refusal(refusal, names_an_order=False)) is errors.OutcomeUnknown


@pytest.mark.parametrize("status", [400, 404, 429])
@pytest.mark.parametrize(
    "error_type", ["OrderException", "InputException", "NetworkException", "GeneralException"]
)
def test_words_that_send_one_to_the_order_book_are_never_a_definite_no(status: int, error_type: str) -> None:
    refusal = Refusal(status, error_type, "Order status unknown. Please CHECK THE ORDER BOOK.")

    assert type(read_refusal(refusal, names_an_order=True)) is errors.OutcomeUnknown
