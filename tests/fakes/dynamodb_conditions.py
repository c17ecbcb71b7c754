"""Condition and filter expressions as functions of an item.

Source: Amazon DynamoDB Developer Guide, "Condition and filter expressions, operators, and functions in DynamoDB".
"""

import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any

from tests.fakes.dynamodb_errors import Invalid
from tests.fakes.dynamodb_expressions import KINDS, Names, Path, Reader, Values, read_at
from tests.fakes.dynamodb_values import Attribute, Item

Test = Callable[[Item, Values], bool]
ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
ORDERED = frozenset({"S", "N", "B"})
SETS = {"SS": "S", "NS": "N", "BS": "B"}
COUNTED = frozenset({"S", "B", "SS", "NS", "BS", "L", "M"})
FUNCTIONS = frozenset(
    {"attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains"}
)


@dataclass(frozen=True, slots=True)
class Operand:
    """One side of a comparison; `path` or `placeholder` says what it is, unless it is a size."""

    read: Callable[[Item, Values], Attribute | None]
    path: Path | None = None
    placeholder: str | None = None


@dataclass(frozen=True, slots=True)
class Typed:
    """A value must be of one of these kinds, whatever the item holds."""

    placeholder: str
    kinds: frozenset[str]
    operator: str


@dataclass(slots=True)
class _Reading:
    """What reading a condition collects."""

    reader: Reader
    typed: list[Typed] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition that was read once; the placeholders it uses."""

    holds: Test
    typed: tuple[Typed, ...]
    kind: str
    names: frozenset[str]
    values: frozenset[str]

    def check(self, values: Values) -> None:
        """Refuse values that its operators do not take."""
        for typed in self.typed:
            [kind] = values[typed.placeholder]
            if kind not in typed.kinds:
                raise Invalid(
                    f"Invalid {self.kind}: Incorrect operand type for operator or function;"
                    f" operator or function: {typed.operator}, operand type: {KINDS[kind]}"
                )


@lru_cache(maxsize=4096)
def read_condition(expression: str, names: Names, kind: str = "ConditionExpression") -> Condition:
    """Return the condition of an expression."""
    reading = _Reading(Reader(kind, expression, names))
    test, _ = _either(reading)
    reader = reading.reader
    reader.end()
    return Condition(test, tuple(reading.typed), kind, frozenset(reader.names), frozenset(reader.values))


def _either(reading: _Reading) -> tuple[Test, bool]:
    test, in_parentheses = _both(reading)
    while reading.reader.take_if("OR"):
        test, in_parentheses = _or(test, _both(reading)[0]), False
    return test, in_parentheses


def _both(reading: _Reading) -> tuple[Test, bool]:
    test, in_parentheses = _negated(reading)
    while reading.reader.take_if("AND"):
        test, in_parentheses = _and(test, _negated(reading)[0]), False
    return test, in_parentheses


def _or(left: Test, right: Test) -> Test:
    return lambda item, values: left(item, values) or right(item, values)


def _and(left: Test, right: Test) -> Test:
    return lambda item, values: left(item, values) and right(item, values)


def _negated(reading: _Reading) -> tuple[Test, bool]:
    reader = reading.reader
    if reader.take_if("NOT"):
        test, _ = _negated(reading)
        return (lambda item, values: not test(item, values)), False
    if reader.take_if("("):
        test, is_redundant = _either(reading)
        reader.require(")")
        if is_redundant:
            raise reader.fail("The expression has redundant parentheses;")
        return test, True
    return _claim(reading), False


def _claim(reading: _Reading) -> Test:
    reader = reading.reader
    if reader.next_is_call() and not reader.next_is("SIZE"):
        return _call(reading)
    left = _operand(reading)
    if reader.take_if("BETWEEN"):
        return _between(reading, left)
    if reader.take_if("IN"):
        return _among(reading, left)
    symbol = reader.take()
    right = _operand(reading)
    if left.path is not None and left.path == right.path:
        raise reader.fail(
            "The first operand must be distinct from the remaining operands for this operator or function;"
            f" operator: {symbol}"
        )
    return _comparison(reading, symbol, left, right)


def _comparison(reading: _Reading, symbol: str, left: Operand, right: Operand) -> Test:
    read_left, read_right = left.read, right.read
    if symbol == "=":
        return lambda item, values: _are_equal(read_left(item, values), read_right(item, values))
    if symbol == "<>":
        return lambda item, values: not _are_equal(read_left(item, values), read_right(item, values))
    if symbol not in ORDER:
        raise reading.reader.fail(f'Syntax error; token: "{symbol}"')
    for side in (left, right):
        _expect(reading, side, ORDERED, symbol)
    relation = ORDER[symbol]
    return lambda item, values: compare(relation, read_left(item, values), read_right(item, values))


def _between(reading: _Reading, middle: Operand) -> Test:
    low = _operand(reading)
    reading.reader.require("AND")
    high = _operand(reading)
    for side in (middle, low, high):
        _expect(reading, side, ORDERED, "BETWEEN")

    def holds(item: Item, values: Values) -> bool:
        bottom, top = low.read(item, values), high.read(item, values)
        if low.placeholder and high.placeholder and not compare(operator.le, bottom, top):
            raise reading.reader.fail(
                "The BETWEEN operator requires upper bound to be greater than or equal to lower bound;"
            )
        found = middle.read(item, values)
        return compare(operator.ge, found, bottom) and compare(operator.le, found, top)

    return holds


def _among(reading: _Reading, wanted: Operand) -> Test:
    reading.reader.require("(")
    choices = [_operand(reading)]
    while reading.reader.take_if(","):
        choices.append(_operand(reading))
    reading.reader.require(")")

    def holds(item: Item, values: Values) -> bool:
        found = wanted.read(item, values)
        return any(_are_equal(found, choice.read(item, values)) for choice in choices)

    return holds


def _operand(reading: _Reading) -> Operand:
    reader = reading.reader
    if reader.next_is_value():
        placeholder = reader.value()
        return Operand(lambda _, values: values[placeholder], placeholder=placeholder)
    if not reader.next_is_call():
        path = reader.path()
        return Operand(_reading_at(path), path=path)
    name = reader.take()
    if name != "size":
        raise reader.fail(
            f"The function is not allowed to be used this way in an expression; function: {name}"
        )
    reader.require("(")
    measured = _operand(reading)
    reader.require(")")
    return Operand(lambda item, values: _size(measured.read(item, values)))


def _reading_at(path: Path) -> Callable[[Item, Values], Attribute | None]:
    if len(path) > 1:
        return lambda item, _: read_at(item, path)
    name = str(path[0])
    return lambda item, _: item.get(name)


def _expect(reading: _Reading, operand: Operand, kinds: frozenset[str], symbol: str) -> None:
    if operand.placeholder is not None:
        reading.typed.append(Typed(operand.placeholder, kinds, symbol))


def _call(reading: _Reading) -> Test:
    reader = reading.reader
    name = reader.take()
    if name not in FUNCTIONS:
        raise reader.fail(f"Invalid function name; function: {name}")
    reader.require("(")
    subject = _operand(reading)
    if subject.path is None and name.startswith("attribute_"):
        raise reader.fail(f"Operator or function requires a document path; operator or function: {name}")
    if name == "attribute_exists":
        reader.require(")")
        return lambda item, values: subject.read(item, values) is not None
    if name == "attribute_not_exists":
        reader.require(")")
        return lambda item, values: subject.read(item, values) is None
    reader.require(",")
    argument = _operand(reading)
    reader.require(")")
    return _two_sided(reading, name, subject, argument)


def _two_sided(reading: _Reading, name: str, subject: Operand, argument: Operand) -> Test:
    read_subject, read_argument = subject.read, argument.read
    if name == "contains":
        return lambda item, values: _contains(read_subject(item, values), read_argument(item, values))
    if name == "begins_with":
        _expect(reading, argument, frozenset({"S", "B"}), name)
        return lambda item, values: begins(read_subject(item, values), read_argument(item, values))
    _expect(reading, argument, frozenset({"S"}), name)
    return lambda item, values: _is_kind(read_subject(item, values), read_argument(item, values))


def _are_equal(one: Attribute | None, other: Attribute | None) -> bool:
    return one is not None and one == other


def compare(relation: Callable[[Any, Any], bool], one: Attribute | None, other: Attribute | None) -> bool:
    if one is None or other is None:
        return False
    [(kind, left)], [(other_kind, right)] = one.items(), other.items()
    if kind != other_kind or kind not in ORDERED:
        return False
    return relation(Decimal(left), Decimal(right)) if kind == "N" else relation(left, right)


def _size(attribute: Attribute | None) -> Attribute | None:
    if attribute is None:
        return None
    [(kind, value)] = attribute.items()
    return {"N": str(len(value))} if kind in COUNTED else None


def _contains(whole: Attribute | None, part: Attribute | None) -> bool:
    if whole is None or part is None:
        return False
    [(kind, within)], [(part_kind, wanted)] = whole.items(), part.items()
    if kind == "L":
        return part in within
    if kind in SETS:
        return SETS[kind] == part_kind and wanted in within
    return kind in {"S", "B"} and kind == part_kind and wanted in within


def begins(whole: Attribute | None, start: Attribute | None) -> bool:
    if whole is None or start is None:
        return False
    [(kind, value)], [(start_kind, prefix)] = whole.items(), start.items()
    return kind == start_kind and kind in {"S", "B"} and value.startswith(prefix)


def _is_kind(attribute: Attribute | None, kind: Attribute | None) -> bool:
    return attribute is not None and kind is not None and kind.get("S") in attribute
