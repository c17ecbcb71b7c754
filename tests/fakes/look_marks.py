"""Marks of next looks, in memory."""

from dataclasses import dataclass
from datetime import UTC, datetime

from order_router.ports import StoreUnavailable

BEGUN = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class _Mark:
    look: str | None
    due: datetime = BEGUN


class MemoryLookMarks:
    """Implements `ports.LookMarks`. `is_down`: nothing is read or written."""

    def __init__(self) -> None:
        self._marks: dict[str, _Mark] = {}
        self.is_down = False

    def begin(self, account: str, look: str | None, *, since: datetime) -> bool:
        """Put this look in the mark's place and return True; False, and nothing, if another one is marked."""
        self._require_up()
        if self._is_marked(account, since) and (look is None or self._marks[account].look != look):
            return False
        self._marks[account] = _Mark(look)
        return True

    def is_coming(self, account: str, *, since: datetime) -> bool:
        """Return whether a look is marked."""
        self._require_up()
        return self._is_marked(account, since)

    def expect(self, account: str, look: str, due: datetime, *, since: datetime) -> None:
        """Mark the look as the next one, unless it has begun or another one is marked."""
        self._require_up()
        has_begun = account in self._marks and self._marks[account].look == look
        if not has_begun and not self._is_marked(account, since):
            self._marks[account] = _Mark(look, due)

    def _is_marked(self, account: str, since: datetime) -> bool:
        return account in self._marks and self._marks[account].due >= since

    def _require_up(self) -> None:
        if self.is_down:
            raise StoreUnavailable("the marks did not answer")
