"""Update expressions as functions of an item.

Source: Amazon DynamoDB Developer Guide, "Using update expressions in DynamoDB".
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any

from tests.fakes.dynamodb_errors import Invalid
from tests.fakes.dynamodb_expressions import KINDS, Names, Path, Reader, Values, read_at, require_apart
from tests.fakes.dynamodb_values import EXACT, Attribute, Item, in_order, spelled

Source = Callable[[Item, Values], Attribute | None]
"""What an action writes, read from the item as it was; None removes."""

CLAUSES = ("SET", "REMOVE", "ADD", "DELETE")
SETS = frozenset({"SS", "NS", "BS"})
WRONG_TYPE = "An operand in the update expression has an incorrect data type"
NO_SUCH_PATH = "The document path provided in the update expression is invalid for update"


@dataclass(frozen=True, slots=True)
class Action:
    """One path and what will stand there."""

    path: Path
    source: Source


@dataclass(frozen=True, slots=True)
class Update:
    """An update that was read once; the placeholders it uses."""

    writes: tuple[Action, ...]
    removals: tuple[Action, ...]
    typed: tuple[tuple[str, str], ...]
    names: frozenset[str]
    values: frozenset[str]

    @property
    def paths(self) -> list[Path]:
        """The paths that it touches."""
        return [action.path for action in (*self.writes, *self.removals)]

    def check(self, values: Values) -> None:
        """Refuse values that its clauses do not take."""
        for placeholder, clause in self.typed:
            [kind] = values[placeholder]
            if kind not in SETS and (clause == "DELETE" or kind != "N"):
                raise Invalid(
                    "Invalid UpdateExpression: Incorrect operand type for operator or function;"
                    f" operator: {clause}, operand type: {KINDS[kind]}"
                )

    def apply(self, item: Item, values: Values) -> Item:
        """Return the item as it is afterwards; the one given is left alone."""
        results = [(action.path, action.source(item, values)) for action in self.writes]
        changed = dict(item)
        for path, attribute in results:
            _write(changed, path, attribute)
        for removal in self.removals:
            _write(changed, removal.path, None)
        return changed


@dataclass(slots=True)
class _Reading:
    """What reading an update collects."""

    reader: Reader
    writes: list[Action] = field(default_factory=list)
    removals: list[Action] = field(default_factory=list)
    typed: list[tuple[str, str]] = field(default_factory=list)


@lru_cache(maxsize=1024)
def read_update(expression: str, names: Names) -> Update:
    """Return the update of an expression."""
    reading = _Reading(Reader("UpdateExpression", expression, names))
    reader = reading.reader
    seen: set[str] = set()
    while reader.next_is(*CLAUSES):
        clause = reader.take().upper()
        if clause in seen:
            raise reader.fail(f'The "{clause}" section can only be used once in an update expression;')
        seen.add(clause)
        _actions(reading, clause)
    reader.end()
    # a list's elements are taken out from its end, for each has the number that it had before
    removals = sorted(reading.removals, key=lambda one: _place(one.path), reverse=True)
    require_apart(reader, [action.path for action in (*reading.writes, *removals)])
    return Update(
        tuple(reading.writes),
        tuple(removals),
        tuple(reading.typed),
        frozenset(reader.names),
        frozenset(reader.values),
    )


def _place(path: Path) -> list[tuple[bool, Any]]:
    return [(isinstance(step, int), step) for step in path]


def _actions(reading: _Reading, clause: str) -> None:
    read = {"SET": _set, "REMOVE": _remove, "ADD": _add_or_delete, "DELETE": _add_or_delete}[clause]
    read(reading, clause)
    while reading.reader.take_if(","):
        read(reading, clause)


def _set(reading: _Reading, _: str) -> None:
    reader = reading.reader
    path = reader.path()
    reader.require("=")
    left = _value(reader)
    sign = reader.take() if reader.next_is("+", "-") else ""
    reading.writes.append(Action(path, _sum(left, _value(reader), sign) if sign else left))


def _remove(reading: _Reading, _: str) -> None:
    reading.removals.append(Action(reading.reader.path(), lambda _item, _values: None))


def _add_or_delete(reading: _Reading, clause: str) -> None:
    path, placeholder = reading.reader.path(), reading.reader.value()
    combine = _added if clause == "ADD" else _deleted
    reading.typed.append((placeholder, clause))
    reading.writes.append(
        Action(path, lambda item, values: combine(read_at(item, path), values[placeholder]))
    )


def _value(reader: Reader) -> Source:
    if reader.next_is_value():
        placeholder = reader.value()
        return lambda _, values: values[placeholder]
    if not reader.next_is_call():
        path = reader.path()
        return lambda item, _: _existing(read_at(item, path))
    name = reader.take()
    reader.require("(")
    found = _if_not_exists(reader) if name == "if_not_exists" else _list_append(reader, name)
    reader.require(")")
    return found


def _if_not_exists(reader: Reader) -> Source:
    path = reader.path()
    reader.require(",")
    otherwise = _value(reader)

    def source(item: Item, values: Values) -> Attribute | None:
        found = read_at(item, path)
        return otherwise(item, values) if found is None else found

    return source


def _list_append(reader: Reader, name: str) -> Source:
    if name != "list_append":
        raise reader.fail(f"Invalid function name; function: {name}")
    first = _value(reader)
    reader.require(",")
    second = _value(reader)

    def source(item: Item, values: Values) -> Attribute | None:
        lists = [_existing(part(item, values)).get("L") for part in (first, second)]
        if lists[0] is None or lists[1] is None:
            raise Invalid(WRONG_TYPE)
        return {"L": [*lists[0], *lists[1]]}

    return source


def _existing(attribute: Attribute | None) -> Attribute:
    if attribute is None:
        raise Invalid("The provided expression refers to an attribute that does not exist in the item")
    return attribute


def _sum(left: Source, right: Source, sign: str) -> Source:
    def source(item: Item, values: Values) -> Attribute | None:
        one, other = _number(left(item, values)), _number(right(item, values))
        return _total(one, other if sign == "+" else -other)

    return source


def _number(attribute: Attribute | None) -> Decimal:
    digits = _existing(attribute).get("N")
    if digits is None:
        raise Invalid(WRONG_TYPE)
    return Decimal(digits)


def _total(one: Decimal, other: Decimal) -> Attribute:
    return {"N": spelled(EXACT.add(one, other))}


def _added(current: Attribute | None, more: Attribute) -> Attribute:
    [(kind, value)] = more.items()
    if current is None:
        return more
    if kind not in current:
        raise Invalid(WRONG_TYPE)
    if kind == "N":
        return _total(Decimal(current["N"]), Decimal(value))
    return {kind: in_order(kind, list({*current[kind], *value}))}


def _deleted(current: Attribute | None, less: Attribute) -> Attribute | None:
    [(kind, value)] = less.items()
    if current is None:
        return None
    if kind not in current:
        raise Invalid(WRONG_TYPE)
    left = [one for one in current[kind] if one not in value]
    return {kind: left} if left else None


def _write(item: Item, path: Path, attribute: Attribute | None) -> None:
    """Put an attribute at a path of an item whose first level is ours; deeper levels are replaced, not changed."""
    name = str(path[0])
    if len(path) > 1:
        item[name] = _replaced(item.get(name), path[1:], attribute)
    elif attribute is None:
        item.pop(name, None)
    else:
        item[name] = attribute


def _replaced(within: Attribute | None, path: Path, attribute: Attribute | None) -> Attribute:
    step = path[0]
    if within is None or ("M" if isinstance(step, str) else "L") not in within:
        raise Invalid(NO_SUCH_PATH)
    if isinstance(step, str):
        inside = dict(within["M"])
        _write(inside, path, attribute)
        return {"M": inside}
    elements = list(within["L"])
    if len(path) > 1:
        elements[step : step + 1] = [
            _replaced(elements[step] if step < len(elements) else None, path[1:], attribute)
        ]
    else:
        elements[step : step + 1] = [] if attribute is None else [attribute]
    return {"L": elements}
