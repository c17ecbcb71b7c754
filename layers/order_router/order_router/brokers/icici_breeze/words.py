"""Breeze's words, looked up whatever their capitals: it is not consistent in them."""

import re
from collections.abc import Mapping
from typing import Any

from order_router.adapter.decode import read_text
from order_router.adapter.errors import OutcomeUnknown

SHOWN = re.compile(r"[A-Za-z ]{1,40}")
"""Letters and blanks alone are told: other text may be a secret that the vendor repeats."""


def known_word[T](words: Mapping[str, T], row: dict[str, Any], name: str) -> T:
    """Return our word for a vendor's; OutcomeUnknown names a word that the table (in lower case) lacks."""
    word = read_text(row, name)
    if word.casefold() not in words:
        shown = repr(word) if SHOWN.fullmatch(word) else "other text"
        raise OutcomeUnknown(f"unknown word in {name}: {shown}")
    return words[word.casefold()]
