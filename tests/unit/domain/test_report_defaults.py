"""What a report says by leaving something out."""

from decimal import Decimal

import pytest
from pydantic import ValidationError

from order_router.domain.instrument import parse_instrument
from order_router.domain.reports import Holding, OrderBook
from order_router.domain.request import ORDER_REQUEST
from tests.fakes.orders import a_request


def test_a_book_is_complete_unless_something_could_not_be_read() -> None:
    assert OrderBook(()).is_complete


def test_a_holding_is_settled_unless_it_says_otherwise() -> None:
    held = Holding(instrument=parse_instrument("NSE:INFY"), quantity=5, average_price=Decimal(1500))

    assert held.unsettled_quantity == 0


def test_the_largest_quantity_is_ten_million() -> None:
    assert a_request(quantity=10_000_000).quantity == 10_000_000
    with pytest.raises(ValidationError):
        a_request(quantity=10_000_001)


@pytest.mark.parametrize("changes", [{"quantity": "\uff15"}, {"limit_price": "\u0967\u096b\u0966\u0966"}])
def test_digits_of_another_script_are_no_number(changes: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="ASCII"):
        a_request(**changes)


@pytest.mark.parametrize(
    ("price", "is_taken"), [("9999999999.9999", True), ("10000000000", False), ("0.00001", False)]
)
def test_a_price_has_ten_digits_before_its_point_and_four_behind_it(price: str, is_taken: bool) -> None:
    if is_taken:
        assert a_request(limit_price=price).limit_price == Decimal(price)
        return
    with pytest.raises(ValidationError):
        a_request(limit_price=price)


def test_a_request_cannot_be_changed_once_it_is_read() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        a_request().quantity = 6  # type: ignore[misc]


def test_the_document_says_that_a_price_is_above_nothing() -> None:
    prices = [
        fields["limit_price"]
        for model in ORDER_REQUEST.json_schema()["$defs"].values()
        if "limit_price" in (fields := model.get("properties", {}))
    ]

    assert [price["exclusiveMinimum"] for price in prices] == [0, 0]
