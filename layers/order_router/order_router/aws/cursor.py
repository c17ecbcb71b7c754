"""A page's end as text that a caller can hand back."""

import base64
import binascii
import json

from order_router.aws.values import Item
from order_router.domain.errors import RouterError


def write_cursor(key: Item) -> str:
    """Return the key as URL-safe text."""
    plain = {name: value["S"] for name, value in key.items()}
    return base64.urlsafe_b64encode(json.dumps(plain, sort_keys=True).encode()).decode()


def read_cursor(cursor: str) -> Item:
    """Return the key of a cursor; RouterError INVALID_CURSOR if no page gave it."""
    try:
        plain = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        return {str(name): {"S": str(value)} for name, value in plain.items()}
    except (ValueError, binascii.Error, AttributeError) as error:
        raise RouterError("this cursor is not one that a page gave", code="INVALID_CURSOR") from error
