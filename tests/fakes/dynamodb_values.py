"""Attribute values as DynamoDB keeps them: checked, numbers in one spelling, sizes counted, nothing shared.

Sources: Amazon DynamoDB Developer Guide, "Supported data types and naming rules", "Constraints in Amazon DynamoDB"
and "DynamoDB item sizes and formats".
"""

import marshal
from collections.abc import Callable
from decimal import Context, Decimal, DecimalException
from functools import lru_cache
from typing import Any

from tests.fakes.dynamodb_errors import Invalid, parameters, unsendable

Attribute = dict[str, Any]
Item = dict[str, Attribute]

MAX_ITEM_BYTES = 400 * 1024
MAX_DEPTH = 32
MAX_DIGITS = 38
LARGEST_EXPONENT, SMALLEST_EXPONENT = 125, -130
EXACT = Context(prec=400, Emax=999_999, Emin=-999_999)

Admitted = tuple[Attribute, int]
"""An attribute of our own and its size in bytes."""


class Stored:
    """An item as the table holds it: never changed, only replaced."""

    __slots__ = ("_image", "item", "size")

    def __init__(self, item: Item, size: int) -> None:
        self.item = item
        self.size = size
        self._image: bytes | None = None

    @property
    def image(self) -> bytes:
        """The item as bytes, made once."""
        if self._image is None:
            self._image = marshal.dumps(self.item, 2)
        return self._image

    def copy(self) -> Item:
        """Return the item for somebody else to keep."""
        return _made_from(self.image)


def copy_of(item: Item) -> Item:
    """Return a copy that shares nothing that can change."""
    return _made_from(marshal.dumps(item, 2))


def _made_from(image: bytes) -> Item:
    made: Item = marshal.loads(image)  # noqa: S302 - written a line away, and twice as fast as a walk
    return made


def admit_item(item: Any, depth: int = 0) -> tuple[Item, int]:
    """Return a checked copy of an item (or of a map's inside) and its size in bytes."""
    if type(item) is not dict:
        raise unsendable(f"expected a dict of attributes, received {type(item).__name__}")
    admitted: Item = {}
    size = 0
    for name, attribute in item.items():
        value = attribute.get("S") if len(attribute) == 1 else None
        if type(value) is str:  # most of what is ever stored
            admitted[name] = {"S": value}
            size += len(name) + len(value) if value.isascii() else len(name) + len(value.encode())
            continue
        admitted[name], inner = admit(attribute, depth)
        size += len(name.encode()) + inner
    return admitted, size


def admit(attribute: Any, depth: int = 0) -> Admitted:
    """Return a checked copy of an attribute value and its size in bytes."""
    if type(attribute) is not dict:
        raise unsendable(f"expected a dict with a data type, received {type(attribute).__name__}")
    if len(attribute) != 1:
        raise Invalid(
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported"
            " datatypes"
            if attribute
            else "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
        )
    [(kind, value)] = attribute.items()
    if kind not in ADMIT:
        raise unsendable(f"unknown data type {kind}")
    return ADMIT[kind](value, depth)


def _admit_text(value: Any, _depth: int) -> Admitted:
    text = _of_type(value, str)
    return {"S": text}, len(text.encode())


def _admit_number(value: Any, _depth: int) -> Admitted:
    digits = canonical(_of_type(value, str))
    return {"N": digits}, len(digits) // 2 + 2


def _admit_binary(value: Any, _depth: int) -> Admitted:
    data = bytes(_of_type(value, bytes))
    return {"B": data}, len(data)


def _admit_truth(value: Any, _depth: int) -> Admitted:
    return {"BOOL": _of_type(value, bool)}, 1


def _admit_null(value: Any, _depth: int) -> Admitted:
    if _of_type(value, bool) is not True:
        raise parameters("Null attribute value types must have the value of true")
    return {"NULL": True}, 1


def _admit_map(value: Any, depth: int) -> Admitted:
    inside, size = admit_item(value, _deeper(depth))
    return {"M": inside}, size + 3 + len(inside)


def _admit_list(value: Any, depth: int) -> Admitted:
    below = _deeper(depth)
    admitted = [admit(one, below) for one in _of_type(value, list)]
    return {"L": [one for one, _ in admitted]}, sum(size for _, size in admitted) + 3 + len(admitted)


def _admit_set_of(
    kind: str, member: Callable[[Any], tuple[Any, int]], name: str
) -> Callable[[Any, int], Admitted]:
    def admit_set(value: Any, _depth: int) -> Admitted:
        members = [member(one) for one in _of_type(value, list)]
        if not members:
            raise parameters(f"An {name} set  may not be empty")
        plain = [one for one, _ in members]
        if len(set(plain)) != len(plain):
            raise parameters(f"Input collection {value} contains duplicates.")
        return {kind: in_order(kind, plain)}, sum(size for _, size in members)

    return admit_set


def _text_member(value: Any) -> tuple[str, int]:
    text = _of_type(value, str)
    return text, len(text.encode())


def _number_member(value: Any) -> tuple[str, int]:
    digits = canonical(_of_type(value, str))
    return digits, len(digits) // 2 + 2


def _binary_member(value: Any) -> tuple[bytes, int]:
    data = bytes(_of_type(value, bytes))
    return data, len(data)


ADMIT: dict[str, Callable[[Any, int], Admitted]] = {
    "S": _admit_text,
    "N": _admit_number,
    "B": _admit_binary,
    "BOOL": _admit_truth,
    "NULL": _admit_null,
    "M": _admit_map,
    "L": _admit_list,
    "SS": _admit_set_of("SS", _text_member, "string"),
    "NS": _admit_set_of("NS", _number_member, "number"),
    "BS": _admit_set_of("BS", _binary_member, "binary"),
}


def in_order(kind: str, members: list[Any]) -> list[Any]:
    """Return a set's members in the one order that this fake gives them (AWS promises none)."""
    return sorted(members, key=Decimal) if kind == "NS" else sorted(members)


@lru_cache(maxsize=10_000)
def canonical(text: str) -> str:
    """Return a number in the one spelling that DynamoDB gives back: no exponent, no needless zero."""
    if text.isdecimal() and text.isascii() and len(text) <= MAX_DIGITS and (text[0] != "0" or text == "0"):
        return text
    try:
        number = Decimal(text)
    except DecimalException:
        raise Invalid(f"The parameter cannot be converted to a numeric value: {text}") from None
    if not number.is_finite() or text != text.strip() or "_" in text:
        raise Invalid(f"The parameter cannot be converted to a numeric value: {text}")
    return spelled(number)


def spelled(number: Decimal) -> str:
    """Return the spelling of a number; refused outside 38 digits and the supported magnitude."""
    if not number:
        return "0"
    number = EXACT.normalize(number)
    if len(number.as_tuple().digits) > MAX_DIGITS:
        raise Invalid("Attempting to store more than 38 significant digits in a Number")
    if number.adjusted() > LARGEST_EXPONENT:
        raise Invalid(
            "Number overflow. Attempting to store a number with magnitude larger than supported range"
        )
    if number.adjusted() < SMALLEST_EXPONENT:
        raise Invalid(
            "Number underflow. Attempting to store a number with magnitude smaller than supported range"
        )
    return format(number, "f")


def _of_type[T](value: Any, kind: type[T]) -> T:
    """Return a value of exactly this type: botocore sends no other, and a subclass is made plain."""
    if type(value) is kind:
        return value
    if kind is str and isinstance(value, str):
        plain: Any = str.__str__(value)
        return plain  # type: ignore[no-any-return]
    raise unsendable(f"expected {kind.__name__}, received {type(value).__name__}")


def _deeper(depth: int) -> int:
    if depth >= MAX_DEPTH:
        raise Invalid("Nesting Levels have exceeded supported limits")
    return depth + 1


def require_room(size: int) -> None:
    """Refuse an item of more than 400 KB, names and values counted."""
    if size > MAX_ITEM_BYTES:
        raise Invalid("Item size has exceeded the maximum allowed size")
