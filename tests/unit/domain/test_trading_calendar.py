"""When exchanges take orders: just before, at and after each edge, on special days, and where nobody knows."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.calendar.build import SHIPPED
from order_router.domain.exchange_time import IST
from order_router.domain.trading_calendar import (
    NO_CALENDAR,
    CalendarUnreadable,
    Session,
    TradingCalendar,
    in_order,
    parse_calendar,
    parse_hours,
)
from order_router.domain.vocabulary import INDIAN, Exchange

CALENDAR = parse_calendar(SHIPPED.read_text(encoding="utf-8"))
INSTANT = timedelta(microseconds=1)
VENUES = st.sampled_from(sorted(CALENDAR.venues))
KNOWN = st.dates(date(2026, 1, 3), date(2026, 12, 29))
MOMENTS = st.datetimes(datetime(2026, 1, 3), datetime(2026, 12, 29), timezones=st.just(UTC))  # noqa: DTZ001


def india(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=IST).astimezone(UTC)


@given(exchange=VENUES, day=KNOWN)
def test_a_session_takes_orders_from_its_first_instant_on_and_not_at_its_end(
    exchange: Exchange, day: date
) -> None:
    for session in CALENDAR.sessions(exchange, day) or ():
        is_continued = CALENDAR.is_open(exchange, session.closes_at)
        assert CALENDAR.is_open(exchange, session.opens_at) is True
        assert CALENDAR.is_open(exchange, session.closes_at - INSTANT) is True
        if exchange is not Exchange.IDEALPRO:  # its evenings begin as its days end
            assert CALENDAR.is_open(exchange, session.opens_at - INSTANT) is False
            assert is_continued is False


@given(exchange=VENUES, at=MOMENTS)
def test_the_next_opening_is_open_and_nothing_before_it_is(exchange: Exchange, at: datetime) -> None:
    opens_at = CALENDAR.next_open(exchange, at)
    if opens_at is None:
        return

    assert opens_at >= at
    assert CALENDAR.is_open(exchange, opens_at) is True
    if opens_at > at:
        assert CALENDAR.is_open(exchange, at) is False
        middle = at + (opens_at - at) / 2
        assert CALENDAR.is_open(exchange, middle) is False
        assert CALENDAR.is_open(exchange, opens_at - INSTANT) is False


@given(exchange=st.sampled_from(sorted(INDIAN)), day=KNOWN)
def test_a_day_has_a_session_if_and_only_if_some_minute_of_it_is_open(exchange: Exchange, day: date) -> None:
    midnight = datetime(day.year, day.month, day.day, tzinfo=IST)
    open_at = [CALENDAR.is_open(exchange, midnight + timedelta(minutes=15 * step)) for step in range(96)]

    if CALENDAR.sessions(exchange, day) is None:
        assert set(open_at) == {None}
    else:
        assert any(open_at) is bool(CALENDAR.sessions(exchange, day))
        assert None not in open_at


@pytest.mark.parametrize(
    ("exchange", "at", "is_open"),
    [
        (Exchange.NSE, "2026-11-23T08:59:59.999999", False),
        (Exchange.NSE, "2026-11-23T09:00", True),
        (Exchange.NSE, "2026-11-23T15:59:59.999999", True),
        (Exchange.NSE, "2026-11-23T16:00", False),
        (Exchange.NFO, "2026-07-31T15:30", False),
        (Exchange.NFO, "2026-08-03T15:39:59", True),
        (Exchange.BFO, "2026-08-03T15:40", False),
        (Exchange.NSE, "2026-11-24T10:00", False),
        (Exchange.MCX, "2026-11-24T10:00", False),
        (Exchange.MCX, "2026-11-24T17:00", True),
        (Exchange.MCX, "2026-10-30T23:29:59", True),
        (Exchange.MCX, "2026-10-30T23:30", False),
        (Exchange.MCX, "2026-11-02T23:54:59", True),
        (Exchange.CDS, "2026-08-26T10:00", False),
        (Exchange.NSE, "2026-08-26T10:00", True),
        (Exchange.NSE, "2026-01-15T10:00", False),
        (Exchange.NSE, "2026-02-01T10:00", True),
        (Exchange.NSE, "2026-02-08T10:00", False),
        (Exchange.NSE, "2026-11-21T10:00", False),
        # Muhurat trading, whose hours nobody has written down
        (Exchange.NSE, "2026-11-08T18:15", None),
        (Exchange.NSE, "2027-01-04T10:00", None),
        (Exchange.NSE, "2025-12-31T10:00", None),
    ],
)
def test_the_days_that_a_trader_knows(exchange: Exchange, at: str, is_open: bool | None) -> None:
    assert CALENDAR.is_open(exchange, india(at)) is is_open


@pytest.mark.parametrize(
    ("exchange", "at", "is_open"),
    [
        (Exchange.NYSE, "2026-11-23T14:29:59", False),
        (Exchange.NYSE, "2026-11-23T14:30", True),
        (Exchange.NYSE, "2026-11-23T21:00", False),
        (Exchange.NASDAQ, "2026-07-06T13:30", True),  # in summer an hour earlier by UTC
        (Exchange.NASDAQ, "2026-11-26T15:00", False),
        (Exchange.NYSE, "2026-11-27T17:59", True),
        (Exchange.NYSE, "2026-11-27T18:00", False),
        (Exchange.OPRA, "2026-11-23T21:14", True),
        (Exchange.CME, "2026-11-22T22:59", False),
        (Exchange.CME, "2026-11-22T23:00", True),  # Sunday, 17:00 in Chicago
        (Exchange.CME, "2026-11-23T22:30", False),
        (Exchange.CME, "2026-11-23T23:00", True),
        (Exchange.CME, "2026-12-24T23:30", False),
        (Exchange.IDEALPRO, "2026-11-25T22:00", True),
        (Exchange.IDEALPRO, "2026-11-27T22:00", False),
        (Exchange.IDEALPRO, "2026-11-29T22:00", True),
    ],
)
def test_the_hours_of_the_united_states_follow_their_own_clocks(
    exchange: Exchange, at: str, is_open: bool
) -> None:
    assert CALENDAR.is_open(exchange, datetime.fromisoformat(at).replace(tzinfo=UTC)) is is_open


def test_after_a_long_weekend_the_next_opening_is_the_next_trading_day_s() -> None:
    friday_evening = india("2026-11-20T20:00")

    assert CALENDAR.next_open(Exchange.NSE, friday_evening) == india("2026-11-23T09:00")
    assert CALENDAR.next_open(Exchange.NSE, india("2026-11-23T16:00")) == india("2026-11-25T09:00")
    assert CALENDAR.next_open(Exchange.NSE, india("2026-11-25T10:00")) == india("2026-11-25T10:00")


def test_no_opening_is_named_beyond_what_is_known() -> None:
    assert CALENDAR.next_open(Exchange.NSE, india("2026-12-31T16:00")) is None
    assert CALENDAR.next_open(Exchange.NSE, india("2026-11-07T10:00")) is None


def test_at_the_end_of_what_is_known_a_session_that_may_begin_the_evening_before_is_not_ruled_out() -> None:
    assert CALENDAR.is_open(Exchange.CME, datetime(2027, 12, 31, 22, 30, tzinfo=UTC)) is False
    assert CALENDAR.is_open(Exchange.CME, datetime(2027, 12, 31, 23, 30, tzinfo=UTC)) is None


def test_of_an_exchange_without_hours_nothing_is_known() -> None:
    now = india("2026-11-23T10:00")

    assert NO_CALENDAR.is_open(Exchange.NSE, now) is None
    assert NO_CALENDAR.next_open(Exchange.NSE, now) is None
    assert NO_CALENDAR.sessions(Exchange.NSE, now.date()) is None
    assert NO_CALENDAR.ends_within(Exchange.NSE, now, timedelta(days=900)) is None


@pytest.mark.parametrize(
    ("calendar", "day", "trades"),
    [
        (CALENDAR, date(2026, 11, 23), True),
        (CALENDAR, date(2026, 11, 24), False),
        (CALENDAR, date(2026, 11, 28), False),
        (CALENDAR, date(2026, 2, 1), True),
        (CALENDAR, date(2027, 1, 4), True),
        (CALENDAR, date(2027, 1, 2), False),
        (NO_CALENDAR, date(2026, 11, 27), True),
        (NO_CALENDAR, date(2026, 11, 28), False),
        (NO_CALENDAR, date(2026, 11, 24), True),
    ],
)
def test_a_day_that_is_not_known_counts_as_a_trading_day_if_it_is_a_weekday(
    calendar: TradingCalendar, day: date, trades: bool
) -> None:
    assert calendar.is_trading_day(Exchange.NSE, day) is trades


def test_a_sunday_that_is_kept_counts_as_a_trading_day_before_its_hours_are_known() -> None:
    muhurat = date(2026, 11, 8)

    assert CALENDAR.sessions(Exchange.NSE, muhurat) is None
    assert CALENDAR.is_trading_day(Exchange.NSE, muhurat)
    assert not NO_CALENDAR.is_trading_day(Exchange.NSE, muhurat)


def test_it_says_in_time_when_its_days_run_out() -> None:
    now = india("2026-12-10T10:00")

    assert CALENDAR.ends_within(Exchange.NSE, now, timedelta(days=21)) is None
    assert CALENDAR.ends_within(Exchange.NSE, now, timedelta(days=22)) == date(2026, 12, 31)
    assert CALENDAR.ends_within(Exchange.NYSE, now, timedelta(days=22)) is None


def test_hours_that_overlap_are_one_and_others_stay_apart() -> None:
    hours = [parse_hours(text) for text in ("12:30-14:00", "09:30-11:00", "12:00-13:00", "09:00-10:00")]

    assert in_order(hours) == (parse_hours("09:00-11:00"), parse_hours("12:00-14:00"))
    assert in_order([parse_hours("09:00-15:00"), parse_hours("10:00-11:00")]) == (parse_hours("09:00-15:00"),)


def test_a_day_that_the_deployer_names_may_have_two_sessions() -> None:
    drill, hours = date(2027, 3, 6), ("09:15-10:00", "11:30-12:30")
    changed = CALENDAR.changed({drill: tuple(parse_hours(text) for text in hours)})

    open_at = [
        changed.is_open(Exchange.NSE, india(f"2027-03-06T{clock}")) for clock in ("09:30", "10:30", "11:45")
    ]
    assert open_at == [True, False, True]
    assert changed.next_open(Exchange.NSE, india("2027-03-06T10:30")) == india("2027-03-06T11:30")


def test_a_day_that_the_deployer_names_counts_for_shares_and_leaves_the_others_unknown() -> None:
    closed, special = date(2027, 1, 26), date(2026, 11, 8)
    changed = CALENDAR.changed({closed: (), special: (parse_hours("17:45-19:10"),)})

    assert changed.is_open(Exchange.NFO, india("2027-01-26T10:00")) is False
    assert changed.is_open(Exchange.NSE, india("2027-01-27T10:00")) is None
    assert changed.sessions(Exchange.NSE, special) == (
        Session(india("2026-11-08T17:45"), india("2026-11-08T19:10")),
    )
    assert changed.is_open(Exchange.MCX, india("2027-01-26T18:00")) is None
    assert CALENDAR.is_open(Exchange.MCX, india("2026-12-01T18:00")) is True
    assert CALENDAR.changed({date(2026, 12, 1): ()}).is_open(Exchange.MCX, india("2026-12-01T18:00")) is None
    assert CALENDAR.changed({date(2026, 11, 24): ()}).is_open(Exchange.MCX, india("2026-11-24T18:00")) is True
    assert changed.is_open(Exchange.NYSE, datetime(2027, 1, 26, 15, tzinfo=UTC)) is True


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"calendars":[{"exchanges":["NSX"]}]}', '{"calendars":3}'])
def test_a_text_that_is_no_calendar_is_an_error(text: str) -> None:
    with pytest.raises(CalendarUnreadable):
        parse_calendar(text)


@pytest.mark.parametrize("text", ["", "9", "09:15", "15:30-09:15", "09:15-09:15", "09:15-25:00", "x-y"])
def test_words_that_are_no_hours_are_an_error(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whichever part of them is wrong
        parse_hours(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("09:15", "expected hours such as 09:15-15:30, received '09:15'"),
        ("15:30-09:15", "hours must end after they begin, received '15:30-09:15'"),
    ],
)
def test_words_that_are_no_hours_are_shown_beside_ones_that_are(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_hours(text)
