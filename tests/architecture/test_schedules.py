"""The shipped schedules hold every hour at which a venue of a broker trades, as the kept calendar has it."""

import functools
import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

import pytest

from infra.calendar.build import SHIPPED
from order_router.brokers.registry import BROKERS, load_broker
from order_router.domain.exchange_time import IST
from order_router.domain.trading_calendar import SHARE_MARKET, VenueCalendar, parse_calendar
from order_router.domain.vocabulary import Exchange
from tests.architecture.template import functions, template

MINUTE, DAY, WEEK = timedelta(minutes=1), 24 * 60, 7 * 24 * 60
WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
SOME_MONDAY = datetime(2026, 1, 5, tzinfo=IST)
CRON = re.compile(r"cron\((\S+) (\S+) \? \* (\S+) \*\)")
VENUES = parse_calendar(SHIPPED.read_text(encoding="utf-8")).venues
TRADED = sorted(
    {exchange for name in BROKERS for exchange in load_broker(name).profile.exchanges} & set(VENUES)
)


def _values(field: str, every: int) -> Iterator[int]:
    """The numbers of a field such as * or 8-10,12; a weekday is its number from Monday on."""
    for part in ("0-" + str(every - 1) if field == "*" else field).split(","):
        first, _, last = (_number(one) for one in part.partition("-"))
        yield from range(first, (first if last < 0 else last) + 1)


def _number(word: str) -> int:
    if word in WEEKDAYS:
        return WEEKDAYS.index(word)
    return int(word) if word.isdigit() else -1


@functools.cache
def minutes_of(parameter: str) -> frozenset[int]:
    """The minutes of a week in India, from Monday on, at which a schedule's default calls."""
    found = CRON.fullmatch(template()["Parameters"][parameter]["Default"])
    assert found, "the test reads minutes, hours and weekdays"
    minutes, hours, days = found.groups()
    return frozenset(
        day * DAY + hour * 60 + minute
        for day in _values(days, 7)
        for hour in _values(hours, 24)
        for minute in _values(minutes, 60)
    )


def _sessions(venue: VenueCalendar) -> Iterator[tuple[datetime, datetime]]:
    """From and until when the venue takes orders, day by day; a day whose hours are not known may be all of it."""
    day = venue.first_day
    while day <= venue.last_day:
        known = venue.sessions(day)
        if known is None:
            midnight = datetime.combine(day, time(), tzinfo=IST)
            yield midnight, midnight + timedelta(days=1)
        for session in known or ():
            yield session.opens_at, session.closes_at
        day += timedelta(days=1)


def _minute_of_week(at: datetime) -> int:
    return (at - SOME_MONDAY) // MINUTE % WEEK


@pytest.mark.parametrize("exchange", TRADED)
def test_a_venue_s_open_orders_are_looked_at_each_minute_that_it_trades(exchange: Exchange) -> None:
    spans = {
        (_minute_of_week(opens), (closes - opens) // MINUTE) for opens, closes in _sessions(VENUES[exchange])
    }
    traded = {(start + minute) % WEEK for start, length in spans for minute in range(length)}

    assert traded
    assert not traded - minutes_of("ReconcileInMarketHours")


@pytest.mark.parametrize("function", ["reconcile", "kill_work"])
def test_what_the_minutes_leave_out_is_looked_at_every_ten(function: str) -> None:
    events = functions()[function]["Events"]

    assert events["InMarketHours"]["Properties"]["ScheduleExpression"] == {"Ref": "ReconcileInMarketHours"}
    assert events["InMarketHours"]["Properties"]["ScheduleExpressionTimezone"] == "Asia/Kolkata"
    assert events["Always"]["Properties"]["ScheduleExpression"] == "rate(10 minutes)"


@pytest.mark.parametrize("parameter", ["SessionSchedule", "InstrumentsSchedule", "TouchSchedule"])
def test_before_each_open_of_india_s_shares_the_stack_gets_ready(parameter: str) -> None:
    calls = minutes_of(parameter)
    opens: dict[date, datetime] = {}
    for exchange in SHARE_MARKET:
        for opens_at, _ in _sessions(VENUES[exchange]):
            day = opens_at.astimezone(IST).date()
            # a day whose hours are not known begins no earlier than the others do
            at = max(opens_at, datetime.combine(day, time(9), tzinfo=IST))
            opens[day] = min(opens.get(day, at), at)

    late = {
        day
        for day, at in opens.items()
        if calls.isdisjoint(range(_minute_of_week(datetime.combine(day, time(), tzinfo=IST)), _end(at)))
    }
    assert len(opens) > 240
    assert {date(2026, 2, 1), date(2026, 11, 8)} <= set(opens)
    assert not late


def test_a_look_that_died_is_not_made_again_beside_those_of_the_next_minutes() -> None:
    assert functions()["reconcile"]["EventInvokeConfig"] == {
        "MaximumRetryAttempts": 0,
        "MaximumEventAgeInSeconds": 60,
    }


def test_whoever_else_is_called_without_being_waited_for_is_called_again_after_a_failure() -> None:
    """A dead session that was reported, a list that is to be asked for and a touch come once otherwise."""
    configured = {name for name, entry in functions().items() if "EventInvokeConfig" in entry}

    assert configured == {"reconcile"}


def _end(at: datetime) -> int:
    return _minute_of_week(at.astimezone(UTC))


def test_each_schedule_of_sessions_says_where_the_api_is() -> None:
    schedules = functions()["session"]["Events"]
    addresses = {
        name: json.loads(event["Properties"]["Input"]["Fn::Sub"]).get("address")
        for name, event in schedules.items()
        if event["Type"] == "ScheduleV2"
    }

    assert addresses == dict.fromkeys(
        ("BeforeTheOpen", "KeepAlive"), "https://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}"
    )
