"""Reading bytes strictly: what could be read in two ways is not read at all."""

from decimal import Decimal

import pytest

from order_router.adapter.decode import read_decimal, read_json, read_quantities, strict_json
from order_router.adapter.errors import OutcomeUnknown


@pytest.mark.parametrize("body", ['{"a": 1, "a": 2}', '{"a": 1, "a": 1}', '[{"b": {"c": 1, "c": 1}}]'])
def test_a_key_that_is_named_twice_is_not_believed(body: str) -> None:
    with pytest.raises(ValueError, match="twice"):
        strict_json(body)
    with pytest.raises(OutcomeUnknown):
        read_json(body.encode())


def test_a_fraction_is_exact() -> None:
    assert strict_json("[1500.05, 1e2]") == [Decimal("1500.05"), Decimal("1e2")]
    assert all(type(number) is Decimal for number in strict_json("[1500.05, 1e2]"))


@pytest.mark.parametrize(("ordered", "filled"), [(5, 6), (5, -1), (0, 0), (-1, -1)])
def test_a_fill_that_cannot_be_is_not_believed(ordered: int, filled: int) -> None:
    with pytest.raises(OutcomeUnknown):
        read_quantities({"ordered": ordered, "filled": filled}, "ordered", "filled")


@pytest.mark.parametrize(("ordered", "filled"), [(5, 0), (5, 5), (1, 1)])
def test_a_fill_within_the_quantity_is_believed(ordered: int, filled: int) -> None:
    assert read_quantities({"ordered": ordered, "filled": filled}, "ordered", "filled") == (ordered, filled)


@pytest.mark.parametrize("text", ["1e18", "1000000000000000000"])
def test_a_number_of_the_largest_size_is_read_and_a_larger_one_is_not(text: str) -> None:
    number = strict_json(text)

    assert read_decimal({"n": number}, "n") == Decimal("1e18")
    with pytest.raises(OutcomeUnknown, match="usual size"):
        read_decimal({"n": number * 10}, "n")
