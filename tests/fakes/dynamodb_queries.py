"""Queries: one partition of a table or an index, in the order of its sort key, page by page.

Source: Amazon DynamoDB Developer Guide, "Querying tables in DynamoDB"; API Reference, "Query".
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.fakes.dynamodb_errors import Invalid
from tests.fakes.dynamodb_expressions import Values, project
from tests.fakes.dynamodb_key_conditions import KeyCondition, KeyTerm, key_test
from tests.fakes.dynamodb_requests import Asked, read_expressions
from tests.fakes.dynamodb_table import Table, View, is_after, plain_value, position_of
from tests.fakes.dynamodb_values import Attribute, Item, Stored, admit_item, copy_of

PAGE_BYTES = 1024 * 1024
EXPRESSIONS = frozenset(
    {
        "IndexName",
        "ConsistentRead",
        "ExclusiveStartKey",
        "ExpressionAttributeNames",
        "ExpressionAttributeValues",
        "FilterExpression",
        "Limit",
        "ProjectionExpression",
        "ScanIndexForward",
        "Select",
    }
)


@dataclass(frozen=True, slots=True)
class _Walk:
    """What a query walks over: a partition of a view, and which sort keys of it."""

    view: View
    partition: Attribute
    is_wanted: Callable[[Item], bool]
    is_forward: bool

    def stretch(self, table: Table, start: Any) -> list[Stored]:
        """Return all that is wanted behind the start, in order."""
        placed = self.view.walk(plain_value(self.partition), is_forward=self.is_forward)
        if start is not None:
            item, _ = admit_item(start)
            is_behind = is_after(position_of(self.view, table, item), is_forward=self.is_forward)
            self._require_inside(item)
            placed = [pair for pair in placed if is_behind(pair[0])]
        return [stored for _, stored in placed if self.is_wanted(stored.item)]

    def _require_inside(self, start: Item) -> None:
        if start[self.view.key.names[0]] != self.partition or not self.is_wanted(start):
            raise Invalid(
                "The provided starting key is outside query boundaries based on provided conditions"
            )


def run_query(table: Table, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return a page: its items, how many, and where to go on if it ended before the partition did."""
    asked = read_expressions(request)
    index = request.get("IndexName")
    if index is not None and request.get("ConsistentRead"):
        raise Invalid("Consistent reads are not supported on global secondary indexes")
    view = table.view(index)
    limit = request.get("Limit")
    if limit is not None and limit < 1:
        raise Invalid(f"1 validation error detected: Value '{limit}' at 'limit' failed to satisfy constraint")
    partition, is_wanted = _keys_wanted(view, asked)
    walk = _Walk(view, partition, is_wanted, is_forward=request.get("ScanIndexForward", True))
    stretch = walk.stretch(table, request.get("ExclusiveStartKey"))
    read, is_cut = _page(stretch, limit)
    last = {"LastEvaluatedKey": _keys_of(read[-1].item, view, table)} if is_cut else {}
    return {**_shown(read, asked, request.get("Select")), "ScannedCount": len(read), **last}


def _keys_wanted(view: View, asked: Asked) -> tuple[Attribute, Callable[[Item], bool]]:
    condition = asked.parts.key_condition
    assert condition is not None
    names = view.key.names
    terms = {term.name: term for term in condition.terms}
    if len(terms) != len(condition.terms):
        raise Invalid("KeyConditionExpressions must only contain one condition per key")
    if names[0] not in terms:
        raise Invalid(f"Query condition missed key schema element: {names[0]}")
    if not terms.keys() <= set(names):
        raise Invalid(
            f"Query condition missed key schema element: {names[1] if len(names) > 1 else names[0]}"
        )
    if terms[names[0]].symbol != "=":
        raise Invalid("Query key condition not supported")
    _require_types(view, condition, asked.values)
    partition = asked.values[terms[names[0]].placeholders[0]]
    return partition, _sort_key_test(terms.get(names[1]) if len(names) > 1 else None, asked.values)


def _sort_key_test(term: KeyTerm | None, values: Values) -> Callable[[Item], bool]:
    if term is None:
        return lambda _: True
    test, name = key_test(term, values), term.name
    return lambda item: test(item[name])


def _require_types(view: View, condition: KeyCondition, values: Values) -> None:
    types = dict(zip(view.key.names, view.key.types, strict=True))
    for term in condition.terms:
        for placeholder in term.placeholders:
            value = values[placeholder]
            if types[term.name] not in value:
                raise Invalid(
                    "One or more parameter values were invalid: Condition parameter type does not match schema type"
                )
            if value in ({"S": ""}, {"B": b""}) and term.symbol == "=":
                raise Invalid(
                    "One or more parameter values are not valid. The AttributeValue for a key attribute cannot"
                    f" contain an empty string value. Key: {term.name}"
                )


def _page(stretch: list[Stored], limit: int | None) -> tuple[list[Stored], bool]:
    """Return the items of a page, and whether it ended because it was full (then there may be no more, too)."""
    size = 0
    for count, stored in enumerate(stretch):
        if count == limit or (count and size + stored.size > PAGE_BYTES):
            return stretch[:count], True
        size += stored.size
    return stretch, limit is not None and len(stretch) == limit


def _keys_of(item: Item, view: View, table: Table) -> Item:
    return copy_of({name: item[name] for name in (*table.key.names, *view.key.names)})


def _shown(read: list[Stored], asked: Asked, select: str | None) -> dict[str, Any]:
    kept = read
    if asked.parts.filter is not None:
        kept = [stored for stored in read if asked.parts.filter.holds(stored.item, asked.values)]
    if select == "COUNT":
        return {"Count": len(kept)}
    if select not in {None, "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES", "SPECIFIC_ATTRIBUTES"}:
        raise Invalid(f"1 validation error detected: Value '{select}' at 'select' failed")
    items = [stored.copy() for stored in kept]
    if asked.parts.projection:
        items = [project(item, asked.parts.projection) for item in items]
    return {"Items": items, "Count": len(items)}
