"""The rule of market hours: inside and outside, orders for after the market, and hours that nobody knows."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.calendar.build import SHIPPED
from order_router.domain.exchange_time import IST, exchange_day
from order_router.domain.market_hours import (
    MarketClosed,
    MarketOpen,
    days_in_book,
    has_day_ended,
    require_open,
)
from order_router.domain.trading_calendar import (
    LONGEST_CLOSURE,
    NO_CALENDAR,
    Session,
    TradingCalendar,
    parse_calendar,
)
from order_router.domain.vocabulary import INDIAN, Exchange
from tests.fakes.orders import a_request

CALENDAR = parse_calendar(SHIPPED.read_text(encoding="utf-8"))
EXCHANGES = st.sampled_from(Exchange)
MOMENTS = st.datetimes(datetime(2025, 12, 1), datetime(2028, 2, 1), timezones=st.just(UTC))  # noqa: DTZ001
INSTANT = timedelta(microseconds=1)


def refusal(exchange: Exchange, at: datetime, *, after_market: bool = False) -> str | None:
    request = a_request(instrument=f"{exchange}:INFY", after_market=True if after_market else None)
    try:
        require_open(request, CALENDAR, at)
    except (MarketClosed, MarketOpen) as error:
        return error.code
    return None


@given(exchange=EXCHANGES, at=MOMENTS)
def test_an_order_passes_unless_it_is_known_that_none_are_taken(exchange: Exchange, at: datetime) -> None:
    expected = "MARKET_CLOSED" if CALENDAR.is_open(exchange, at) is False else None

    assert refusal(exchange, at) == expected


@given(exchange=EXCHANGES, at=MOMENTS)
def test_an_order_for_after_the_market_passes_unless_it_is_known_that_orders_are_taken(
    exchange: Exchange, at: datetime
) -> None:
    expected = "MARKET_OPEN" if CALENDAR.is_open(exchange, at) else None

    assert refusal(exchange, at, after_market=True) == expected


@given(exchange=EXCHANGES, day=st.dates(date(2026, 1, 3), date(2026, 12, 29)))
def test_the_rule_turns_at_the_first_instant_and_at_the_end_of_each_session(
    exchange: Exchange, day: date
) -> None:
    for session in CALENDAR.sessions(exchange, day) or ():
        assert refusal(exchange, session.opens_at) is None
        assert refusal(exchange, session.closes_at - INSTANT) is None
        if exchange is not Exchange.IDEALPRO:  # its evenings begin as its days end
            assert refusal(exchange, session.opens_at - INSTANT) == "MARKET_CLOSED"
            assert refusal(exchange, session.closes_at) == "MARKET_CLOSED"


@pytest.mark.parametrize("at", ["2027-01-02T03:00", "2026-11-08T18:15"])
def test_hours_that_nobody_knows_refuse_nothing(at: str) -> None:
    moment = datetime.fromisoformat(at).replace(tzinfo=IST)

    for after_market in (False, True):
        assert refusal(Exchange.NSE, moment, after_market=after_market) is None


def test_without_a_calendar_nothing_is_refused() -> None:
    require_open(a_request(), NO_CALENDAR, datetime(2026, 11, 21, tzinfo=UTC))


def test_a_refusal_says_when_the_exchange_opens_again() -> None:
    with pytest.raises(
        MarketClosed, match=r"NSE takes no orders at Fri 20 Nov 2026 20:00:00 IST; it does again"
    ) as raised:
        require_open(a_request(), CALENDAR, datetime(2026, 11, 20, 14, 30, tzinfo=UTC))

    assert raised.value.message.endswith("from Mon 23 Nov 2026 09:00:00 IST")


def test_a_refusal_names_no_opening_that_is_not_known() -> None:
    with pytest.raises(MarketClosed) as raised:
        require_open(a_request(instrument="NYSE:IBM"), CALENDAR, datetime(2027, 12, 31, 22, tzinfo=UTC))

    assert raised.value.message == "NYSE takes no orders at Fri 31 Dec 2027 22:00:00 UTC"


def test_an_order_for_after_the_market_is_told_that_the_market_is_open() -> None:
    with pytest.raises(MarketOpen, match="leave after_market out"):
        require_open(a_request(after_market=True), CALENDAR, datetime(2026, 11, 23, 4, 30, tzinfo=UTC))


@pytest.mark.parametrize(
    ("after", "has_ended"), [(timedelta(days=20), False), (timedelta(days=20) + INSTANT, True)]
)
def test_an_order_for_a_session_that_nobody_knows_has_twenty_days(after: timedelta, has_ended: bool) -> None:
    received_at = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
    request = a_request(after_market=True)

    assert has_day_ended(request, received_at, NO_CALENDAR, received_at + after) is has_ended


SHARES = frozenset({Exchange.NSE, Exchange.BSE, Exchange.NFO, Exchange.BFO})


@pytest.mark.parametrize(
    ("exchanges", "calendar", "day", "since"),
    [
        (SHARES, CALENDAR, "2026-11-19", "2026-11-18"),
        (SHARES, CALENDAR, "2026-11-23", "2026-11-20"),
        (SHARES, CALENDAR, "2026-11-25", "2026-11-23"),
        (SHARES | {Exchange.MCX}, CALENDAR, "2026-11-25", "2026-11-23"),
        (SHARES, CALENDAR, "2026-11-09", "2026-11-06"),
        (SHARES, CALENDAR, "2027-01-04", "2027-01-01"),
        (frozenset({Exchange.NASDAQ, Exchange.COMBO}), CALENDAR, "2026-11-25", "2026-11-24"),
        (SHARES, NO_CALENDAR, "2026-11-23", "2026-11-20"),
    ],
)
def test_a_book_may_show_orders_received_since_all_of_its_exchanges_traded(
    exchanges: frozenset[Exchange], calendar: TradingCalendar, day: str, since: str
) -> None:
    morning = datetime.fromisoformat(f"{day}T09:30").replace(tzinfo=IST)

    days = days_in_book(exchanges, calendar, morning)

    assert (days[0].isoformat(), days[-1].isoformat()) == (day, since)
    assert [one - other for one, other in pairwise(days)] == [timedelta(days=1)] * (len(days) - 1)


@given(exchange=st.sampled_from(sorted(INDIAN)), received_at=MOMENTS)
def test_the_book_of_an_after_market_order_s_day_may_show_it(
    exchange: Exchange, received_at: datetime
) -> None:
    opens_at = CALENDAR.next_open(exchange, received_at)
    if opens_at is not None:
        assert exchange_day(received_at) in days_in_book(INDIAN, CALENDAR, opens_at)


@given(at=MOMENTS)
def test_no_book_is_asked_of_more_days_than_the_longest_closure(at: datetime) -> None:
    assert 2 <= len(days_in_book(frozenset(Exchange), CALENDAR, at)) <= LONGEST_CLOSURE.days + 1


class NeverOpen(TradingCalendar):
    """Of venues that have long been closed."""

    def sessions(self, exchange: Exchange, day: date) -> tuple[Session, ...] | None:
        return ()


def test_where_nothing_has_traded_for_long_a_book_is_asked_of_the_longest_closure() -> None:
    monday = datetime(2026, 11, 23, 9, 30, tzinfo=IST)

    days = days_in_book(SHARES, NeverOpen({}), monday)

    assert days[0] - days[-1] == LONGEST_CLOSURE
