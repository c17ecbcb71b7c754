"""Turns at order books, in memory."""

from datetime import datetime

from order_router.ports import StoreUnavailable


class MemoryBookTurns:
    """Implements `service.book_turns.BookTurns`. `is_down`: nothing is read or written."""

    def __init__(self) -> None:
        self._turns: dict[str, tuple[str | None, datetime]] = {}
        self.is_down = False

    def take(self, name: str, taker: str, at: datetime, *, until: datetime) -> datetime | None:
        """Take the turn until then and return None; where nobody may take it yet, return when somebody may."""
        free_at = self.free_at(name)
        if free_at is not None and free_at > at and self._turns[name][0] != taker:
            return free_at
        self._turns[name] = (taker, until)
        return None

    def rest(self, name: str, until: datetime, *, taker: str | None = None) -> None:
        """Let nobody take the turn before then, in this taker's place; a mark of others that lasts longer stays."""
        free_at = self.free_at(name)
        if free_at is None or free_at < until or (taker is not None and self._turns[name][0] == taker):
            self._turns[name] = (taker, until)

    def free_at(self, name: str) -> datetime | None:
        """Return when the turn may be taken, None if nobody ever did."""
        if self.is_down:
            raise StoreUnavailable("the turns did not answer")
        return self._turns[name][1] if name in self._turns else None
