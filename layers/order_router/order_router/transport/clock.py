"""The machine's own clock."""

import time
from datetime import UTC, datetime


class SystemClock:
    """Implements `ports.Clock` with the time of this machine."""

    def now(self) -> datetime:
        """Return the present as aware UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)
