"""What a caller may ask for, and what is refused before anything happens."""

from contextlib import nullcontext
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from order_router.domain.identity import CLIENT_ORDER_ID_LENGTH, client_order_id, request_digest
from order_router.domain.request import (
    LimitOrder,
    MarketOrder,
    Reason,
    dump_request,
    parse_request,
    usual_size,
)

LIMIT = {
    "account": "paper",
    "instrument": "NSE:RELIANCE",
    "side": "BUY",
    "quantity": 5,
    "order_type": "LIMIT",
    "limit_price": "1500.05",
    "product": "CNC",
}


def with_fields(**changes: Any) -> dict[str, Any]:
    return LIMIT | changes


def bad_fields(fields: dict[str, Any]) -> set[str]:
    with pytest.raises(ValidationError) as raised:
        parse_request(fields)
    return {str(line["loc"][-1]) if line["loc"] else "order_type" for line in raised.value.errors()}


def test_a_limit_order_is_read_exactly() -> None:
    order = parse_request(LIMIT)

    assert isinstance(order, LimitOrder)
    assert order.limit_price == Decimal("1500.05")
    assert str(order.instrument) == "NSE:RELIANCE"


def test_numbers_may_come_as_text_and_nulls_as_absence() -> None:
    order = parse_request(with_fields(quantity="5", trigger_price=None, strategy=None))

    assert order == parse_request(LIMIT)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"order_type": "MARKET"}, {"limit_price"}),
        ({"order_type": "SL"}, {"trigger_price"}),
        ({"order_type": "SL_M", "trigger_price": "1490"}, {"limit_price"}),
        ({"limit_price": None}, {"limit_price"}),
        ({"limit_price": "0"}, {"limit_price"}),
        ({"limit_price": "-1500.05"}, {"limit_price"}),
        ({"limit_price": "NaN"}, {"limit_price"}),
        ({"limit_price": "1500.00001"}, {"limit_price"}),
        ({"limit_price": 1500.05}, {"limit_price"}),
        ({"quantity": 0}, {"quantity"}),
        ({"quantity": -5}, {"quantity"}),
        ({"quantity": "5.5"}, {"quantity"}),
        ({"quantity": True}, {"quantity"}),
        ({"quantity": "\u0665"}, {"quantity"}),
        ({"quantity": 10_000_001}, {"quantity"}),
        ({"instrument": "RELIANCE"}, {"instrument"}),
        ({"instrument": "LSE:RELIANCE"}, {"instrument"}),
        ({"instrument": "NSE:reliance"}, {"instrument"}),
        ({"instrument": 5}, {"instrument"}),
        ({"side": "buy"}, {"side"}),
        ({"product": "XYZ"}, {"product"}),
        ({"validity": "GTC"}, {"validity"}),
        ({"account": "No Such"}, {"account"}),
        ({"side": "HOLD", "quantity": 0, "product": "?"}, {"side", "quantity", "product"}),
        ({"colour": "red"}, {"colour"}),
    ],
)
def test_every_bad_field_is_named(changes: dict[str, Any], named: set[str]) -> None:
    assert bad_fields(with_fields(**changes)) == named


@pytest.mark.parametrize("field", ["quantity", "disclosed_quantity", "limit_price"])
@pytest.mark.parametrize("number", ["1e19", "-1e19", "0e19", "1e-19", "1e10000000", "1e-10000000"])
def test_a_number_whose_digits_would_take_seconds_to_write_out_is_refused_by_its_size(
    field: str, number: str
) -> None:
    with pytest.raises(ValidationError, match="expected a number of usual size") as raised:
        parse_request(with_fields(**{field: Decimal(number)}))
    assert len(raised.value.errors()) == 1


@pytest.mark.parametrize(
    ("number", "is_usual"), [("9e18", True), ("1e-18", True), ("1e19", False), ("9e-19", False)]
)
def test_a_number_of_usual_size_has_its_first_digit_within_eighteen_places(
    number: str, is_usual: bool
) -> None:
    with nullcontext() if is_usual else pytest.raises(ValueError, match="usual size"):
        assert usual_size(Decimal(number)) == Decimal(number)


@pytest.mark.parametrize(
    ("said", "kept"),
    [("  why  ", "why"), ("why", "why"), ("x" * 200, "x" * 200), (f" {'x' * 200} ", "x" * 200)],
)
def test_a_reason_is_kept_without_blanks_around_it(said: str, kept: str) -> None:
    assert TypeAdapter(Reason).validate_python(said) == kept


@pytest.mark.parametrize("said", ["no", " no ", "x" * 201, "two\nlines"])
def test_what_is_no_reason_in_one_line_is_refused(said: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Reason).validate_python(said)


def test_a_number_of_usual_size_is_taken_however_it_is_written() -> None:
    order = parse_request(with_fields(quantity=Decimal("1e6"), limit_price=Decimal("5e-2")))

    assert (order.quantity, order.limit_price) == (1_000_000, Decimal("0.05"))


@pytest.mark.parametrize("word", ["market", "STOP", "", 7])
def test_an_unknown_order_type_never_becomes_market(word: object) -> None:
    with pytest.raises(ValidationError):
        parse_request(with_fields(order_type=word))


def test_disclosed_quantity_is_within_quantity() -> None:
    with pytest.raises(ValidationError, match="at most quantity 5, received 6"):
        parse_request(with_fields(disclosed_quantity=6))
    assert parse_request(with_fields(disclosed_quantity=5)).disclosed_quantity == 5


def test_an_order_for_after_the_market_cannot_be_one_that_fills_at_once_or_ends() -> None:
    with pytest.raises(ValidationError, match="after_market must not have validity IOC"):
        parse_request(with_fields(after_market=True, validity="IOC"))
    assert parse_request(with_fields(after_market=True, validity="DAY")).after_market


def test_a_request_survives_being_written_and_read() -> None:
    order = parse_request(with_fields(strategy="demo", disclosed_quantity=2, validity="IOC"))

    assert parse_request(dump_request(order)) == order


def test_one_order_written_in_two_ways_has_one_digest() -> None:
    assert request_digest(parse_request(with_fields(limit_price="1500.50"))) == request_digest(
        parse_request(with_fields(limit_price=Decimal("1500.5"), quantity="5"))
    )


@pytest.mark.parametrize(
    "change", [{"quantity": 6}, {"limit_price": "1500.10"}, {"side": "SELL"}, {"strategy": "demo"}]
)
def test_another_order_has_another_digest(change: dict[str, Any]) -> None:
    assert request_digest(parse_request(with_fields(**change))) != request_digest(parse_request(LIMIT))


def test_the_client_order_id_fits_the_shortest_common_tag() -> None:
    made = client_order_id("paper", "k-1")

    assert len(made) == CLIENT_ORDER_ID_LENGTH == 20
    assert made.isalnum()
    assert made.isupper()


@example("a", "bc", "ab", "c")
@example("a", "b,c", "a,b", "c")
@given(st.text(max_size=8), st.text(max_size=8), st.text(max_size=8), st.text(max_size=8))
def test_no_other_account_and_key_make_the_same_id(account: str, key: str, account2: str, key2: str) -> None:
    same = client_order_id(account, key) == client_order_id(account2, key2)

    assert same == ((account, key) == (account2, key2))


def test_a_market_order_has_no_price() -> None:
    order = parse_request(
        {name: value for name, value in LIMIT.items() if name != "limit_price"} | {"order_type": "MARKET"}
    )

    assert isinstance(order, MarketOrder)
    assert (order.limit_price, order.trigger_price) == (None, None)
