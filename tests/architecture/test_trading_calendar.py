"""The calendar that the layer carries is the one that is kept, and its days are those that others name."""

from datetime import date
from itertools import pairwise

import pytest

from infra.calendar.build import SHIPPED, build_calendar, differences
from order_router.domain.trading_calendar import TradingCalendar, parse_calendar
from order_router.domain.vocabulary import Exchange

ONLY_HERE = ["only here: 2026-02-01 open", "only here: 2026-11-08 open"]
"""Two Sundays with a session, which the library does not have: the Union Budget's, and Muhurat trading."""


@pytest.fixture(scope="module")
def calendar() -> TradingCalendar:
    return parse_calendar(SHIPPED.read_text(encoding="utf-8"))


def test_the_layer_carries_what_is_kept() -> None:
    assert SHIPPED.read_text(encoding="utf-8") == build_calendar()


def test_the_kept_holidays_of_indian_shares_are_those_of_the_library_but_for_its_gaps() -> None:
    assert differences() == ONLY_HERE


def test_every_exchange_that_an_order_can_name_has_its_hours(calendar: TradingCalendar) -> None:
    # a combination has the hours of its legs, and none of its own
    assert set(calendar.venues) == set(Exchange) - {Exchange.COMBO}


def test_each_venue_s_weeks_follow_one_another_and_its_days_lie_within_what_is_known(
    calendar: TradingCalendar,
) -> None:
    for venue in calendar.venues.values():
        assert all(one.first_day < other.first_day for one, other in pairwise(venue.weeks))
        assert venue.weeks[0].first_day <= date(2026, 1, 2) <= venue.last_day
        assert all(venue.first_day <= day <= venue.last_day for day in venue.days)
