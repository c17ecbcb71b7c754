"""A request's expressions and the values for them, read and checked together.

Source: Amazon DynamoDB Developer Guide, "Expression attribute names (aliases)" and "Using expression attribute values".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tests.fakes.dynamodb_conditions import Condition, read_condition
from tests.fakes.dynamodb_errors import Invalid
from tests.fakes.dynamodb_expressions import Names, Path, Values, read_projection
from tests.fakes.dynamodb_key_conditions import KeyCondition, read_key_condition
from tests.fakes.dynamodb_updates import Update, read_update
from tests.fakes.dynamodb_values import admit

PARTS = (
    "ConditionExpression",
    "UpdateExpression",
    "KeyConditionExpression",
    "FilterExpression",
    "ProjectionExpression",
)
NAMES, VALUES = "ExpressionAttributeNames", "ExpressionAttributeValues"


@dataclass(frozen=True, slots=True)
class Parts:
    """A request's expressions, read once for all requests that say the same."""

    condition: Condition | None
    update: Update | None
    key_condition: KeyCondition | None
    filter: Condition | None
    projection: tuple[Path, ...]
    names: frozenset[str]
    values: frozenset[str]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request's expressions and the values for them."""

    parts: Parts
    values: Values


@lru_cache(maxsize=4096)
def _read_parts(texts: tuple[str | None, ...], names: Names) -> Parts:
    condition, update, key, kept, shown = texts
    conditions = None if condition is None else read_condition(condition, names)
    updates = None if update is None else read_update(update, names)
    keys = None if key is None else read_key_condition(key, names)
    filters = None if kept is None else read_condition(kept, names, "FilterExpression")
    paths, reader = ([], None) if shown is None else read_projection(shown, names)
    users = [one for one in (conditions, updates, keys, filters, reader) if one is not None]
    return Parts(
        conditions,
        updates,
        keys,
        filters,
        tuple(paths),
        frozenset().union(*(user.names for user in users)),
        frozenset().union(*(user.values for user in users)),
    )


def read_expressions(request: Mapping[str, Any]) -> Asked:
    """Return what a request asks; refused if a placeholder is not given, or given and not used."""
    names, given = request.get(NAMES), request.get(VALUES)
    parts = _read_parts(tuple(map(request.get, PARTS)), () if names is None else tuple(names.items()))
    if names is not None:
        _require_used(NAMES, names, parts.names)
    if given is None and not parts.values:
        return Asked(parts, {})
    if given is not None:
        _require_used(VALUES, given, parts.values)
    for placeholder in parts.values - (given or {}).keys():
        raise Invalid(
            f"Invalid {_expression_of(request, placeholder)}: An expression attribute value used in expression is not"
            f" defined; attribute value: {placeholder}"
        )
    asked = Asked(parts, _admit_values(given or {}))
    for part in (parts.condition, parts.update, parts.filter):
        if part is not None:
            part.check(asked.values)
    return asked


def _require_used(what: str, given: Mapping[str, Any], used: frozenset[str]) -> None:
    if not given:
        raise Invalid(f"{what} must not be empty")
    unused = given.keys() - used
    if unused:
        raise Invalid(
            f"Value provided in {what} unused in expressions: keys: {{{', '.join(sorted(unused))}}}"
        )


def _expression_of(request: Mapping[str, Any], placeholder: str) -> str:
    return next(part for part in PARTS if placeholder in (request.get(part) or ""))


def _admit_values(given: Mapping[str, Any]) -> Values:
    admitted = {}
    for placeholder, attribute in given.items():
        try:
            admitted[placeholder] = admit(attribute)[0]
        except Invalid as error:
            raise Invalid(
                f"ExpressionAttributeValues contains invalid value: {error} for key {placeholder}"
            ) from None
    return admitted
