"""Read a broker's positions row by row: one that cannot be read keeps no other from being known."""

import re
from collections.abc import Callable, Iterable
from typing import Any

from order_router.adapter.decode import read_object, read_optional_text
from order_router.adapter.errors import OutcomeUnknown
from order_router.domain.reports import Position, PositionBook, UnreadablePosition

NAME = re.compile(r"[A-Z0-9][A-Z0-9&._: -]{0,59}")
"""What exchanges and brokers call an instrument; other text of an answer is not shown."""


def read_position_rows(
    rows: Iterable[Any], read: Callable[[dict[str, Any]], Position], named: str
) -> PositionBook:
    """Read every row, those that cannot be read kept apart; `named`: the field that says what a row is of."""
    found = [_position_or_why(row, read, named) for row in rows]
    return PositionBook(
        positions=tuple(one for one in found if isinstance(one, Position)),
        unreadable=tuple(one for one in found if isinstance(one, UnreadablePosition)),
    )


def _position_or_why(
    value: Any,  # noqa: ANN401 - a row is any JSON value until it is read
    read: Callable[[dict[str, Any]], Position],
    named: str,
) -> Position | UnreadablePosition:
    try:
        return read(read_object(value, "a position"))
    except OutcomeUnknown as error:
        return UnreadablePosition(_name_of(value, named), error.message)


def _name_of(value: Any, named: str) -> str | None:  # noqa: ANN401
    try:
        name = read_optional_text(read_object(value, "a position"), named)
    except OutcomeUnknown:
        return None
    return name if name is not None and NAME.fullmatch(name) else None
