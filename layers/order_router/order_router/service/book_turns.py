"""Turns at what a broker lets one user read seldom, held across workers."""

from datetime import datetime
from typing import Protocol


class BookTurns(Protocol):
    """Marks by name: who has the turn, or nobody, and until when nobody else may take it. May StoreUnavailable."""

    def take(self, name: str, taker: str, at: datetime, *, until: datetime) -> datetime | None:
        """Take the turn until then and return None; where nobody may take it yet, return when somebody may.

        `taker` is a value that no other has: a write that is repeated because its answer was lost recognises itself.
        """

    def rest(self, name: str, until: datetime, *, taker: str | None = None) -> None:
        """Let nobody take the turn before then, in this taker's place; a mark of others that lasts longer stays."""

    def free_at(self, name: str) -> datetime | None:
        """Return when the turn may be taken, None if nobody ever did (a consistent read)."""
