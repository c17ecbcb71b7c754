"""A clock that moves only when a test says so, or when the code under test sleeps."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Lock

MONDAY_MORNING = datetime(2026, 11, 23, 4, 30, tzinfo=UTC)
"""10:00 in Kolkata on a trading day."""


class FakeClock:
    """Implements `ports.Clock`; `slept` lists every wait in seconds."""

    def __init__(self, at: datetime = MONDAY_MORNING) -> None:
        self._at = at
        self._lock = Lock()
        self.slept: list[float] = []
        self.on_sleep: Callable[[], None] = lambda: None

    def now(self) -> datetime:
        """Return the present as aware UTC."""
        with self._lock:
            return self._at

    def sleep(self, seconds: float) -> None:
        """Move on by this many seconds, and remember it."""
        self.slept.append(seconds)
        self.on_sleep()
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Move on by this many seconds."""
        with self._lock:
            self._at += timedelta(seconds=seconds)
