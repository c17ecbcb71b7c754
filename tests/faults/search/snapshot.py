"""Numbers for values: the store's tables as a frozen value and back, and equal values under one number."""

from collections.abc import Hashable
from dataclasses import fields
from typing import Any

from tests.fakes.order_store import Tables

Frozen = tuple[tuple[str, Hashable], ...]


class Numbers[T: Hashable]:
    """Gives equal values one number, small and in the order of their first sight."""

    def __init__(self) -> None:
        self.values: list[T] = []
        self._of: dict[T, int] = {}

    def of(self, value: T) -> int:
        """Return the value's number."""
        found = self._of.get(value)
        if found is None:
            self._of[value] = found = len(self.values)
            self.values.append(value)
        return found

    def __getitem__(self, number: int) -> T:
        return self.values[number]


def freeze(tables: Tables) -> Frozen:
    """Return all that the tables hold, whatever tables there are, as a value."""
    named = ((one.name, getattr(tables, one.name)) for one in fields(tables))
    return tuple((name, _frozen(held)) for name, held in named if isinstance(held, dict | set | list))


def thaw(frozen: Frozen) -> Tables:
    """Return fresh tables that hold this."""
    tables = Tables()
    for name, held in frozen:
        getattr(tables, name).update(_thawed(held))
    return tables


def _frozen(value: Any) -> Hashable:
    if isinstance(value, dict):
        return ("dict", frozenset((key, _frozen(held)) for key, held in value.items()))
    if isinstance(value, set):
        return ("set", frozenset(value))
    if isinstance(value, list):
        return ("list", tuple(value))
    return ("as it is", value)


def _thawed(frozen: Any) -> Any:
    kind, held = frozen
    if kind == "dict":
        return {key: _thawed(inner) for key, inner in held}
    if kind == "set":
        return set(held)
    return list(held) if kind == "list" else held
