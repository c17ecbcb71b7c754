"""Writes: each is prepared from its request, judged against the stored item, and only then done.

Source: Amazon DynamoDB API Reference, "PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems".
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.fakes.dynamodb_errors import ConditionFailed, Invalid, parameters
from tests.fakes.dynamodb_expressions import project
from tests.fakes.dynamodb_requests import Asked, read_expressions
from tests.fakes.dynamodb_table import Primary, Table
from tests.fakes.dynamodb_values import Item, Stored, admit_item, require_room

Change = Callable[[Stored | None], Stored | None]
FindTable = Callable[[str], Table]


@dataclass(frozen=True, slots=True)
class Write:
    """One write to one item, not yet done."""

    table: Table
    primary: Primary
    asked: Asked
    change: Change
    shows_old: bool

    @property
    def target(self) -> tuple[str, Primary]:
        """Which item it is."""
        return self.table.definition.name, self.primary

    def judge(self) -> Stored | None:
        """Return what will be stored; ConditionFailed if the stored item is not as the condition says."""
        stored = self.table.items.get(self.primary)
        condition = self.asked.parts.condition
        if condition is not None and not condition.holds(
            {} if stored is None else stored.item, self.asked.values
        ):
            raise ConditionFailed(stored.copy() if self.shows_old and stored is not None else None)
        return self.change(stored)


def _write(table: Table, primary: Primary, request: Mapping[str, Any], change: Change, asked: Asked) -> Write:
    returned = request.get("ReturnValuesOnConditionCheckFailure", "NONE")
    return Write(table, primary, asked, change, _one_of(returned, "NONE", "ALL_OLD") == "ALL_OLD")


def prepare_put(find: FindTable, request: Mapping[str, Any]) -> Write:
    """Prepare to store an item whole."""
    table, asked = find(request["TableName"]), read_expressions(request)
    item, size = admit_item(request["Item"])
    primary = table.primary_of_item(item)
    if table.indexes:
        table.require_index_keys(item)
    require_room(size)
    stored = Stored(item, size)
    return _write(table, primary, request, lambda _: stored, asked)


def prepare_delete(find: FindTable, request: Mapping[str, Any]) -> Write:
    """Prepare to remove an item."""
    table, asked = find(request["TableName"]), read_expressions(request)
    return _write(table, _primary(table, request), request, lambda _: None, asked)


def prepare_check(find: FindTable, request: Mapping[str, Any]) -> Write:
    """Prepare to look whether a condition holds."""
    table, asked = find(request["TableName"]), read_expressions(request)
    return _write(table, _primary(table, request), request, lambda stored: stored, asked)


def prepare_update(find: FindTable, request: Mapping[str, Any]) -> Write:
    """Prepare to change some attributes of an item; one that is not there begins with its key alone."""
    table, asked = find(request["TableName"]), read_expressions(request)
    key, _ = admit_item(request["Key"])
    primary = table.primary_of_key(key)
    update = asked.parts.update
    for path in update.paths if update is not None else ():
        if path[0] in table.key.wanted:
            raise parameters(f"Cannot update attribute {path[0]}. This attribute is part of the key")

    def change(stored: Stored | None) -> Stored:
        before = key if stored is None else stored.item
        after = before if update is None else update.apply(before, asked.values)
        # what is stored already is checked again, for nesting and size are of the whole
        item, size = admit_item(after)
        table.require_index_keys(item)
        require_room(size)
        return Stored(item, size)

    return _write(table, primary, request, change, asked)


def _primary(table: Table, request: Mapping[str, Any]) -> Primary:
    return table.primary_of_key(admit_item(request["Key"])[0])


def _one_of(value: str, *allowed: str) -> str:
    if value not in allowed:
        raise Invalid(f"1 validation error detected: Value '{value}' failed to satisfy constraint: {allowed}")
    return value


def returned_values(
    write: Write, before: Stored | None, after: Stored | None, wanted: str
) -> dict[str, Item]:
    """Return the attributes that a write's caller asked to see."""
    from_before = wanted in {"ALL_OLD", "UPDATED_OLD"}
    stored = before if from_before else after
    if wanted == "NONE" or stored is None:
        return {}
    item = stored.copy()
    if wanted.startswith("UPDATED"):
        update = write.asked.parts.update
        item = {} if update is None else project(item, update.paths)
        return {"Attributes": item} if item else {}
    return {"Attributes": item}
