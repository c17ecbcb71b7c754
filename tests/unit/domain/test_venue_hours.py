"""Hours of invented venues: where a day's clock, its evening or its end is unlike those of the exchanges we know."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from order_router.domain.trading_calendar import CalendarUnreadable, TradingCalendar, parse_calendar
from order_router.domain.vocabulary import Exchange

NYSE = Exchange.NYSE
EVERY_DAY = [0, 1, 2, 3, 4, 5, 6]


def week(**changes: Any) -> dict[str, Any]:
    """Return a week that trades on each day from 09:00 to 16:00 UTC."""
    return {"from": "2026-06-01", "offset": 0, "weekdays": EVERY_DAY, "hours": [[540, 960]]} | changes


def text(**changes: Any) -> str:
    """Return the text of a calendar of one venue, whose days are known in June."""
    usual = {
        "exchanges": ["NYSE"],
        "from": "2026-06-01",
        "until": "2026-06-30",
        "weeks": [week()],
        "days": {},
    }
    return json.dumps({"calendars": [usual | changes]})


def venue(**changes: Any) -> TradingCalendar:
    return parse_calendar(text(**changes))


def at(moment: str) -> datetime:
    return datetime.fromisoformat(moment).replace(tzinfo=UTC)


def closed_until(day: int) -> dict[str, Any]:
    """Return the days of a venue that closes on the 1st and opens on this day."""
    return {f"2026-06-{number:02}": [] for number in range(2, day)}


def test_hours_are_those_that_the_text_says() -> None:
    known = venue()

    assert known.is_open(NYSE, at("2026-06-10T08:59:59.999999")) is False
    assert known.is_open(NYSE, at("2026-06-10T09:00")) is True
    assert known.is_open(NYSE, at("2026-06-10T15:59:59.999999")) is True
    assert known.is_open(NYSE, at("2026-06-10T16:00")) is False


@pytest.mark.parametrize(("moment", "is_open"), [("2026-06-01T09:00", True), ("2026-06-30T15:59", True)])
def test_the_first_and_the_last_day_that_are_known_are_known(moment: str, is_open: bool) -> None:
    assert venue().is_open(NYSE, at(moment)) is is_open


@pytest.mark.parametrize(("opens_on", "is_found"), [(16, True), (17, False)])
def test_an_opening_is_looked_for_over_fifteen_days(opens_on: int, *, is_found: bool) -> None:
    known = venue(days=closed_until(opens_on))
    opens_at = at(f"2026-06-{opens_on}T09:00")

    assert known.next_open(NYSE, at("2026-06-01T16:00")) == (opens_at if is_found else None)
    assert known.next_open(NYSE, at("2026-06-02T00:00")) == opens_at


def test_a_day_whose_hours_are_unknown_hides_no_opening_once_it_is_over() -> None:
    known = venue(days={"2026-06-10": None})

    assert known.next_open(NYSE, at("2026-06-10T23:59:59.999999")) is None
    assert known.next_open(NYSE, at("2026-06-11T00:00")) == at("2026-06-11T09:00")


def test_a_session_far_west_goes_on_into_the_next_day_of_utc() -> None:
    far_west = venue(weeks=[week(offset=-600)], days={"2026-06-11": []})

    assert far_west.is_open(NYSE, at("2026-06-11T01:59:59")) is True  # 15:59:59 on the 10th there
    assert far_west.is_open(NYSE, at("2026-06-11T02:00")) is False
    assert far_west.next_open(NYSE, at("2026-06-11T01:00")) == at("2026-06-11T01:00")


def test_what_comes_before_all_that_is_known_goes_by_the_first_clock() -> None:
    moved = venue(weeks=[week(), week(**{"from": "2026-06-15", "offset": 60})])

    assert moved.is_open(NYSE, at("2026-05-31T23:59:59")) is None
    assert moved.is_open(NYSE, at("2026-06-01T00:00")) is False


def test_on_a_day_of_unknown_hours_the_earliest_evening_session_is_not_ruled_out() -> None:
    twice = venue(weeks=[week(hours=[[-120, 480], [540, 960]])], days={"2026-06-10": None})

    assert twice.is_open(NYSE, at("2026-06-09T21:59:59")) is False
    assert twice.is_open(NYSE, at("2026-06-09T22:00")) is None


def test_a_venue_without_usual_hours_has_days_of_unknown_hours_too() -> None:
    special = venue(weeks=[week(hours=[])], days={"2026-06-10": None, "2026-06-12": [[600, 660]]})

    assert special.is_open(NYSE, at("2026-06-10T00:00")) is None
    assert special.is_open(NYSE, at("2026-06-09T23:59")) is False
    assert special.next_open(NYSE, at("2026-06-11T00:00")) == at("2026-06-12T10:00")


@pytest.mark.parametrize(
    "changes",
    [
        {"weeks": []},
        {"weeks": {}},
        {"weeks": {"2026-06-01": week()}},
        {"days": []},
        {"days": None},
        {"days": {"2026-06-10": {}}},
        {"days": {"2026-06-10": [[540]]}},
        {"weeks": [week(offset=330.5)]},
        {"weeks": [week(offset="330")]},
        {"weeks": [week(weekdays={"0": True})]},
        {"weeks": [week(weekdays="01234")]},
        {"weeks": [week(hours={})]},
        {"weeks": [week(hours=None)]},
        {"weeks": [week(hours="")]},
        {"weeks": [week(), {}]},
        {"from": "2026-06-31"},
    ],
)
def test_a_text_of_another_shape_is_no_calendar(changes: dict[str, Any]) -> None:
    with pytest.raises(CalendarUnreadable, match="the calendar cannot be read"):
        parse_calendar(text(**changes))
