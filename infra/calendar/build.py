"""The calendar that the layer carries, made from what is kept by hand and what the library said."""

import json
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from infra.calendar.library import read_library
from order_router.domain.trading_calendar import parse_hours

KEPT = Path(__file__).with_name("kept.toml")
SHIPPED = Path(__file__).parents[2] / "layers/order_router/order_router/trading_calendar.json"
WEEKDAYS = [0, 1, 2, 3, 4]
Calendar = dict[str, Any]


def build_calendar() -> str:
    """Return the text of the calendar."""
    kept, library = tomllib.loads(KEPT.read_text(encoding="utf-8"))["calendar"], read_library()["calendars"]
    by_exchange = {name: one for one in kept for name in one["exchanges"]}
    calendars = [
        _of_library(one, library) if "library" in one or "clocks_of" in one else _by_hand(one, by_exchange)
        for one in kept
    ]
    lines = ",\n".join(json.dumps(one, separators=(",", ":")) for one in calendars)
    return f'{{"calendars":[\n{lines}\n]}}\n'


def write_calendar() -> None:
    """Write the calendar into the layer."""
    SHIPPED.write_text(build_calendar(), encoding="utf-8")


def _by_hand(one: Calendar, by_exchange: Mapping[str, Calendar]) -> Calendar:
    days = {**by_exchange[one["days_of"]]["days"], **one["days"]} if "days_of" in one else one["days"]
    return {
        "exchanges": one["exchanges"],
        "from": str(one["from"]),
        "until": str(one["until"]),
        "weeks": [
            {
                "from": str(week["from"]),
                "offset": _minutes(parse_hours(f"00:00-{one['offset'].removeprefix('+')}").closes),
                "weekdays": WEEKDAYS,
                "hours": _hours(week["hours"]),
            }
            for week in one["weeks"]
        ],
        "days": {str(day): None if hours == "unknown" else _hours(hours) for day, hours in days.items()},
    }


def _of_library(one: Calendar, library: Mapping[str, Calendar]) -> Calendar:
    said = library[one.get("library") or one["clocks_of"]]
    own = {str(day): _hours(hours) for day, hours in one.get("days", {}).items()}
    of_library = _days_of(one, said) if "library" in one else {}
    return {
        "exchanges": one["exchanges"],
        "from": said["from"],
        "until": said["until"],
        "weeks": [
            {
                "from": first_day,
                "offset": offset + 60 * one.get("clocks_hours", 0),
                "weekdays": WEEKDAYS,
                "hours": _hours(one["hours"]),
            }
            for first_day, offset in said["offsets"].items()
        ],
        "days": of_library | own,
    }


def _days_of(one: Calendar, said: Calendar) -> dict[str, list[list[int]]]:
    closed: dict[str, list[list[int]]] = {day: [] for day in said["closed"]}
    return dict(sorted((closed | {day: _hours(one["early"]) for day in said["early"]}).items()))


def _hours(texts: Sequence[str]) -> list[list[int]]:
    read = [parse_hours(text) for text in texts]
    return [[_minutes(one.opens), _minutes(one.closes)] for one in read]


def _minutes(since_midnight: Any) -> int:  # noqa: ANN401
    return int(since_midnight.total_seconds()) // 60


def differences(last_day: date | None = None) -> list[str]:
    """Return in what the kept days of India's shares differ from the library's, up to a day if one is given."""
    kept = tomllib.loads(KEPT.read_text(encoding="utf-8"))["calendar"][0]["days"]
    said = read_library()["calendars"]["XBOM"]
    ours = {
        f"{day} {'closed' if hours == [] else 'open'}"
        for day, hours in kept.items()
        if (hours == []) == (date.fromisoformat(day).weekday() in WEEKDAYS)
    }
    theirs = {f"{day} closed" for day in said["closed"]} | {f"{day} open" for day in said["weekend"]}
    until = str(last_day) if last_day is not None else said["until"]
    only = [f"only here: {words}" for words in ours - theirs] + [
        f"only in the library: {w}" for w in theirs - ours
    ]
    return sorted(words for words in only if words.split(": ")[1][:10] <= until)
