"""Values in DynamoDB's form: exact both ways, and nothing that cannot be exact."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from order_router.aws.values import from_attribute, from_item, to_attribute, to_item

NUMBERS = st.integers(-(10**37), 10**37) | st.decimals(
    allow_nan=False, allow_infinity=False, min_value=-(10**14), max_value=10**14, places=10
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.text() | NUMBERS,
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text(min_size=1), inner.filter(lambda one: one is not None))
    ),
    max_leaves=10,
)


@given(VALUES)
def test_every_value_comes_back_equal(value: object) -> None:
    assert from_attribute(to_attribute(value)) == value


def test_an_item_leaves_out_what_is_none() -> None:
    item = to_item({"a": "x", "b": None, "c": Decimal("1500.05"), "d": True, "e": 7})

    assert item == {"a": {"S": "x"}, "c": {"N": "1500.05"}, "d": {"BOOL": True}, "e": {"N": "7"}}
    assert from_item(item) == {"a": "x", "c": Decimal("1500.05"), "d": True, "e": 7}


def test_a_number_is_never_written_with_an_exponent() -> None:
    assert to_attribute(Decimal("1E+3")) == {"N": "1000"}


@pytest.mark.parametrize("value", [1.5, b"x", {1, 2}, object()])
def test_what_cannot_be_exact_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        to_attribute(value)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity"])
def test_a_number_that_is_not_finite_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="finite"):
        to_attribute(Decimal(text))


@pytest.mark.parametrize("attribute", [{"B": b"x"}, {"SS": ["a"]}, {}, {"S": "a", "N": "1"}])
def test_a_kind_that_is_never_written_is_refused(attribute: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"never written|unpack"):
        from_attribute(attribute)
