"""A page's end as text that a caller can hand back."""

import base64
import json

from order_router.aws.values import Item
from order_router.domain.errors import CursorInvalid


def write_cursor(key: Item) -> str:
    """Return the key as URL-safe text."""
    plain = {name: value["S"] for name, value in key.items()}
    return base64.urlsafe_b64encode(json.dumps(plain, sort_keys=True).encode()).decode()


def read_cursor(cursor: str, names: frozenset[str], **fixed: str) -> Item:
    """Return the key of a cursor with these names and these fixed parts; CursorInvalid otherwise."""
    try:
        plain = json.loads(base64.urlsafe_b64decode(cursor.encode()))
    except (ValueError, RecursionError):
        plain = None
    if (
        not isinstance(plain, dict)
        or plain.keys() != names
        or not all(isinstance(value, str) and value for value in plain.values())
        or not fixed.items() <= plain.items()
    ):
        raise CursorInvalid
    return {name: {"S": value} for name, value in plain.items()}
