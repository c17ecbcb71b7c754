"""Plain values as DynamoDB attribute values and back: exact, and never a float."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

AttributeValue = dict[str, Any]
Item = dict[str, AttributeValue]


def to_attribute(value: object) -> AttributeValue:
    """Return the attribute value of a plain value; TypeError for a kind that is never stored, such as a float."""
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": str(value)}
        case Decimal() if not value.is_finite():
            raise ValueError("cannot store a number that is not finite")
        case int() | Decimal():
            return {"N": format(value, "f") if isinstance(value, Decimal) else str(value)}
        case list() | tuple():
            return {"L": [to_attribute(one) for one in value]}
        case Mapping():
            return {"M": to_item(value)}
    raise TypeError(f"cannot store a {type(value).__name__}")


def to_item(fields: Mapping[str, object]) -> Item:
    """Return an item of the fields that are not None."""
    return {name: to_attribute(value) for name, value in fields.items() if value is not None}


def from_attribute(attribute: AttributeValue) -> Any:  # noqa: ANN401 - any of the kinds below
    """Return the plain value; whole numbers as int, others as Decimal; ValueError for a kind that is never written."""
    [(kind, value)] = attribute.items()
    match kind:
        case "NULL":
            return None
        case "BOOL" | "S":
            return value
        case "N":
            number = Decimal(value)
            return int(number) if number == number.to_integral_value() and "." not in value else number
        case "L":
            return [from_attribute(one) for one in value]
        case "M":
            return from_item(value)
    raise ValueError(f"attribute kind {kind} is never written")


def from_item(item: Item) -> dict[str, Any]:
    """Return the item's plain fields."""
    return {name: from_attribute(attribute) for name, attribute in item.items()}
