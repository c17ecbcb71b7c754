"""Rows of a book that cannot be read, and that their own words show to be none of ours."""

import re
from collections.abc import Mapping
from typing import Any

OUR_TAG = re.compile(r"[A-Z2-7]{20}")

NeverSent = Mapping[str, frozenset[str]]
"""By a row's field, the words in small letters that the vendor documents and the adapter never sends."""


def proof_of_another(value: object, never_sent: NeverSent, *, tag: str | None) -> str | None:
    """Return what shows that a row is none of ours, None if nothing does: a tag like ours speaks against it."""
    if not isinstance(value, dict) or (tag is not None and OUR_TAG.fullmatch(tag)):
        return None
    found = (f"{name} {value[name]}" for name, words in never_sent.items() if _word(value, name) in words)
    return next(found, None)


def _word(row: dict[str, Any], name: str) -> str | None:
    word = row.get(name)
    return word.lower() if isinstance(word, str) else None
