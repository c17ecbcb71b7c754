"""What a report says by leaving something out."""

from decimal import Decimal

import pytest
from pydantic import ValidationError

from order_router.domain.instrument import parse_instrument
from order_router.domain.reports import Holding, OrderBook
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
