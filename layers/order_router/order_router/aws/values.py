"""Plain values as DynamoDB attribute values and back: exact, and never a float."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

AttributeValue = dict[str, Any]
Item = dict[str, AttributeValue]


def to_attribute(value: object) -> AttributeValue:
    """Return the attribute value of a plain value; TypeError for a kind that is never stored, such as a float."""
    if isinstance(value, str):
        return {"S": str(value)}
    if value is None:
        return {"NULL": True}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int):
        return {"N": str(value)}
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError("cannot store a number that is not finite")
        return {"N": format(value, "f")}
    return _to_collection(value)


def _to_collection(value: object) -> AttributeValue:
    if isinstance(value, list | tuple):
        return {"L": [to_attribute(one) for one in value]}
    if isinstance(value, Mapping):
        return {"M": to_item(value)}
    raise TypeError(f"cannot store a {type(value).__name__}")


def to_item(fields: Mapping[str, object]) -> Item:
    """Return an item of the fields that are not None."""
    return {name: to_attribute(value) for name, value in fields.items() if value is not None}


def from_attribute(attribute: AttributeValue) -> Any:  # noqa: ANN401 - any of the kinds below
    """Return the plain value; whole numbers as int, others as Decimal; ValueError for a kind that is never written."""
    [(kind, value)] = attribute.items()
    if kind in ("S", "BOOL"):
        return value
    if kind == "N":
        return int(value) if value.isdecimal() else _number(value)
    if kind == "L":
        return [from_attribute(one) for one in value]
    if kind == "M":
        return from_item(value)
    if kind == "NULL":
        return None
    raise ValueError(f"attribute kind {kind} is never written")


def _number(text: str) -> int | Decimal:
    number = Decimal(text)
    return int(number) if number == number.to_integral_value() and "." not in text else number


def from_item(item: Item) -> dict[str, Any]:
    """Return the item's plain fields."""
    return {name: from_attribute(attribute) for name, attribute in item.items()}
