"""What the library `exchange_calendars` says of the days to come: kept in a file, so that nothing else needs it."""

import json
from datetime import date, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

LIBRARY = Path(__file__).with_name("library.json")
FIRST_DAY = date(2026, 1, 1)
KEPT = {"XNYS": date(2027, 12, 31), "XBOM": date(2026, 12, 31)}
"""The library's calendars and the last day kept of each: of India it knows what the exchanges have published."""


class _Schedule(Protocol):
    """One calendar of the library, as far as it is used here."""

    tz: Any
    sessions: Any
    early_closes: Any

    def session_open(self, session: Any) -> Any:  # noqa: ANN401 - pandas' own type
        """Return when a session opens."""


def read_library() -> dict[str, Any]:
    """Return what is kept."""
    return dict(json.loads(LIBRARY.read_text(encoding="utf-8")))


def refresh_library() -> None:
    """Ask the library anew and keep what it says."""
    library = import_module("exchange_calendars")
    asked = {
        name: _days(library.get_calendar(name, start=str(FIRST_DAY), end=str(last)), last)
        for name, last in KEPT.items()
    }
    said = {"version": library.__version__, "calendars": asked}
    LIBRARY.write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")


def _days(schedule: _Schedule, last_day: date) -> dict[str, Any]:
    trading = {session.date() for session in schedule.sessions}
    days = [FIRST_DAY + timedelta(days=step) for step in range((last_day - FIRST_DAY).days + 1)]
    return {
        "from": str(FIRST_DAY),
        "until": str(last_day),
        "closed": [str(day) for day in days if day.weekday() < 5 and day not in trading],  # noqa: PLR2004
        "weekend": [str(day) for day in sorted(trading) if day.weekday() >= 5],  # noqa: PLR2004
        "early": [str(session.date()) for session in schedule.early_closes],
        "offsets": _offsets(schedule),
    }


def _offsets(schedule: _Schedule) -> dict[str, int]:
    """Return the offset from UTC in minutes, by the first session that has it."""
    offsets: dict[str, int] = {}
    for session in schedule.sessions:
        opens_at = cast("datetime", schedule.session_open(session)).astimezone(schedule.tz)
        minutes = int(cast("timedelta", opens_at.utcoffset()).total_seconds()) // 60
        if not offsets or list(offsets.values())[-1] != minutes:
            offsets[str(session.date())] = minutes
    return offsets
