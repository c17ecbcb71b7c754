"""Read a vendor's bytes strictly: exact numbers, no duplicate keys, no NaN, and only our errors."""

import json
import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from order_router.adapter.errors import OutcomeUnknown
from order_router.domain.exchange_time import IST

MAX_BODY = 32 * 1024 * 1024
MAX_EXPONENT = 18
"""A number with more digits before or after its point than 64 bits hold is no price, amount or quantity."""

_NUMBER = re.compile(r"[+-]?[0-9]{1,40}(\.[0-9]{0,40})?|[+-]?\.[0-9]{1,40}")
_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")


class DuplicateKey(ValueError):
    """A JSON object names one key twice."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise DuplicateKey("a JSON object names a key twice")
    return found


def _no_constant(word: str) -> None:
    raise ValueError(f"{word} is not a JSON number")


def strict_json(body: bytes | str) -> Any:  # noqa: ANN401 - JSON is any value until it is read
    """Parse JSON, fractions as Decimal; ValueError on duplicate keys, NaN, bad UTF-8, too deep or large."""
    if len(body) > MAX_BODY:
        raise ValueError("the body is too large")
    text = body if isinstance(body, str) else body.decode("utf-8")
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_no_constant, object_pairs_hook=_unique)
    except (RecursionError, InvalidOperation) as error:
        raise ValueError("the JSON is nested too deep or a number is out of range") from error


def read_json(body: bytes) -> Any:  # noqa: ANN401
    """Parse a vendor's body; OutcomeUnknown if it is not strict JSON."""
    try:
        return strict_json(body)
    except ValueError as error:
        why = type(error).__name__
    # raised out here: the parser's error holds the whole answer, which may repeat a secret
    raise OutcomeUnknown(f"the broker's answer is not readable JSON ({len(body)} bytes, {why})")


def read_object(value: object, what: str) -> dict[str, Any]:
    """Return the value as a JSON object; OutcomeUnknown otherwise."""
    if not isinstance(value, dict):
        raise OutcomeUnknown(f"expected {what} as a JSON object, received {type(value).__name__}")
    return value


def read_list(value: object, what: str) -> list[Any]:
    """Return the value as a JSON list; OutcomeUnknown otherwise."""
    if not isinstance(value, list):
        raise OutcomeUnknown(f"expected {what} as a JSON list, received {type(value).__name__}")
    return value


def read_text(row: dict[str, Any], name: str) -> str:
    """Return a field that must be text and not empty; a whole number is taken as its digits."""
    value = row.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value:
        raise OutcomeUnknown(f"expected text in {name}, received {type(value).__name__}")
    if _LONE_SURROGATE.search(value):
        raise OutcomeUnknown(f"expected text in {name}, received half of a character")
    return value


def read_optional_text(row: dict[str, Any], name: str) -> str | None:
    """Return a text field, or None where it is absent, null or empty."""
    return None if row.get(name) in (None, "") else read_text(row, name)


def read_decimal(row: dict[str, Any], name: str) -> Decimal:
    """Return a field as an exact number of usual size; OutcomeUnknown otherwise (text: ASCII digits)."""
    value = row.get(name)
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise OutcomeUnknown(f"expected a number in {name}, received {type(value).__name__}")
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        raise OutcomeUnknown(f"expected a number in {name}, received other text")
    number = Decimal(value)
    if abs(number.adjusted()) > MAX_EXPONENT:
        raise OutcomeUnknown(f"expected a number of usual size in {name}")
    return number


def read_integer(row: dict[str, Any], name: str) -> int:
    """Return a field as a whole number; OutcomeUnknown if it has a fraction or is absurdly large."""
    number = read_decimal(row, name)
    if number != number.to_integral_value():
        raise OutcomeUnknown(f"expected a whole number in {name}")
    return int(number)


def read_quantities(row: dict[str, Any], quantity: str, filled: str) -> tuple[int, int]:
    """Return an order's quantity and what of it is filled; OutcomeUnknown if that is more than all."""
    ordered, done = read_integer(row, quantity), read_integer(row, filled)
    if not 0 <= done <= ordered or ordered == 0:
        raise OutcomeUnknown(f"expected {filled} between 0 and {quantity}, received {done} of {ordered}")
    return ordered, done


def read_word[T](words: dict[str, T], row: dict[str, Any], name: str) -> T:
    """Return our word for a vendor's; OutcomeUnknown names a word that the table lacks."""
    word = read_text(row, name)
    if word not in words:
        raise OutcomeUnknown(f"unknown word in {name}: {word[:40]!r}")
    return words[word]


def read_ist_time(row: dict[str, Any], name: str, pattern: str = "%Y-%m-%d %H:%M:%S") -> datetime | None:
    """Return a zoneless exchange time as aware UTC, None where absent; OutcomeUnknown if it does not fit."""
    text = read_optional_text(row, name)
    if text is None:
        return None
    try:
        return datetime.strptime(text, pattern).replace(tzinfo=IST).astimezone(UTC)
    except (ValueError, OverflowError) as error:  # the first day of year 1 is before UTC began
        raise OutcomeUnknown(f"expected a time in {name}") from error
