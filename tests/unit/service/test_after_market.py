"""The day of an after-market order is its session's: what the evening of its placement says of it closes nothing."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from infra.calendar.build import SHIPPED
from order_router.brokers.registry import load_broker
from order_router.domain.exchange_time import exchange_day, is_book_final
from order_router.domain.history import Event
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.market_hours import LONGEST_WAIT
from order_router.domain.order import Order, apply
from order_router.domain.reports import OrderBook
from order_router.domain.trading_calendar import (
    NO_CALENDAR,
    TradingCalendar,
    parse_calendar,
    parse_hours,
)
from order_router.domain.vocabulary import Exchange
from order_router.service.settling import Look, settle
from tests.fakes.orders import a_submitting_order
from tests.fakes.world import World

CALENDAR = parse_calendar(SHIPPED.read_text(encoding="utf-8"))
FRIDAY_EVENING = datetime(2026, 11, 20, 12, 45, tzinfo=UTC)
"""18:15 in Kolkata: a book of that Friday has the last word on Friday's orders."""
MONDAY_HOLIDAY_EVE = datetime(2026, 11, 23, 12, 45, tzinfo=UTC)
"""18:15 on a Monday; Tuesday the 24th is a holiday, Wednesday is not."""
BEFORE_HOURS_THAT_ARE_NOT_KNOWN = datetime(2026, 11, 6, 10, 30, tzinfo=UTC)
"""16:00 on the Friday before Diwali, whose evening session was not announced when the calendar was written."""
HALF_HOUR = timedelta(minutes=30)


def a_world(received_at: datetime, calendar: TradingCalendar = CALENDAR) -> World:
    world = World(calendar=calendar)
    world.clock.advance((received_at - world.clock.now()).total_seconds())
    return world


def kept(world: World, kind: EventKind, *, after_market: bool = True) -> Order:
    """Return an order placed now of which this is the last that is known."""
    at = world.clock.now()
    number = "1990345678901234567" if kind is EventKind.OPENED else None
    wanted: dict[str, Any] = {"after_market": True} if after_market else {}
    order = a_submitting_order(at=at, instrument="NSE:INFY", **wanted)
    order = apply(order, Event(kind=kind, at=at, broker_order_id=number))
    world.store.write(order, replacing=None)
    return order


def state_by_half_hour(world: World, order: Order, until: datetime) -> list[tuple[datetime, Order]]:
    """Look every half hour, until it has ended, at a whole book without the order; return it after each look."""
    seen = []
    while world.clock.now() <= until and not order.state.is_final:
        empty = Look(OrderBook(()), load_broker("paper"), (order,), world.clock.now())
        order = settle(world.desk, empty, order)
        seen.append((world.clock.now(), order))
        world.clock.advance(HALF_HOUR.total_seconds())
    return seen


def first_in(seen: list[tuple[datetime, Order]], state: State) -> datetime | None:
    return next((at for at, order in seen if order.state is state), None)


@pytest.mark.parametrize(
    ("received_at", "closed_on"),
    [
        (FRIDAY_EVENING, datetime(2026, 11, 23, 13, 15, tzinfo=UTC)),
        (MONDAY_HOLIDAY_EVE, datetime(2026, 11, 25, 13, 15, tzinfo=UTC)),
        # after midnight, and in the last minutes before the session
        (datetime(2026, 11, 22, 19, 45, tzinfo=UTC), datetime(2026, 11, 23, 13, 15, tzinfo=UTC)),
        (datetime(2026, 11, 23, 3, 15, tzinfo=UTC), datetime(2026, 11, 23, 13, 15, tzinfo=UTC)),
    ],
)
def test_only_the_last_books_of_its_session_s_evening_close_an_unknown_one(
    received_at: datetime, closed_on: datetime
) -> None:
    world = a_world(received_at)

    seen = state_by_half_hour(world, kept(world, EventKind.OUTCOME_LOST), received_at + timedelta(days=4))

    assert first_in(seen, State.REJECTED) == closed_on
    assert [notice.kind for notice in world.notifier.notices] == ["unknown", "closed"]


def test_an_order_of_the_day_is_closed_in_the_evening_of_its_day_as_ever() -> None:
    world = a_world(FRIDAY_EVENING)

    seen = state_by_half_hour(
        world, kept(world, EventKind.OUTCOME_LOST, after_market=False), FRIDAY_EVENING + timedelta(hours=2)
    )

    assert first_in(seen, State.REJECTED) == FRIDAY_EVENING + HALF_HOUR


@pytest.mark.parametrize("sessions", [("17:45-19:10",), ("09:15-15:30", "17:45-19:10")])
def test_on_an_evening_of_trading_no_book_has_the_last_word_before_that_is_long_over(
    sessions: tuple[str, ...],
) -> None:
    diwali = CALENDAR.changed({date(2026, 11, 8): tuple(parse_hours(hours) for hours in sessions)})
    world = a_world(datetime(2026, 11, 8, 12, 20, tzinfo=UTC), diwali)

    seen = state_by_half_hour(
        world,
        kept(world, EventKind.OUTCOME_LOST, after_market=False),
        datetime(2026, 11, 8, 18, 0, tzinfo=UTC),
    )

    # 21:20 and 21:50 in Kolkata are the first two looks two hours after 19:10
    assert first_in(seen, State.REJECTED) == datetime(2026, 11, 8, 16, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("received_at", "expires_at"),
    [
        (FRIDAY_EVENING, datetime(2026, 11, 23, 18, 30, tzinfo=UTC)),
        (MONDAY_HOLIDAY_EVE, datetime(2026, 11, 25, 18, 30, tzinfo=UTC)),
    ],
)
def test_one_that_rested_ends_unseen_only_once_its_session_s_day_is_over(
    received_at: datetime, expires_at: datetime
) -> None:
    world = a_world(received_at)

    seen = state_by_half_hour(world, kept(world, EventKind.OPENED), received_at + timedelta(days=4))

    first = first_in(seen, State.EXPIRED)
    assert first is not None
    assert first - HALF_HOUR < expires_at <= first


@pytest.mark.parametrize("kind", [EventKind.OUTCOME_LOST, EventKind.OPENED])
def test_where_no_calendar_knows_its_session_nothing_is_closed_before_it_is_certainly_over(
    kind: EventKind,
) -> None:
    world = a_world(FRIDAY_EVENING, NO_CALENDAR)

    seen = state_by_half_hour(world, kept(world, kind), FRIDAY_EVENING + LONGEST_WAIT)

    assert {order.state for _, order in seen} == {seen[0][1].state}
    assert not seen[-1][1].state.is_final


def test_where_no_calendar_knows_its_session_absence_never_closes_it() -> None:
    world = a_world(FRIDAY_EVENING, NO_CALENDAR)

    lost = state_by_half_hour(world, kept(world, EventKind.OUTCOME_LOST), FRIDAY_EVENING + 2 * LONGEST_WAIT)

    assert {order.state for _, order in lost} == {State.UNKNOWN}
    assert not lost[-1][1].has(EventKind.ABSENT_AT_DAY_END)


def test_where_no_calendar_knows_its_session_one_that_rested_ends_unseen_after_the_longest_wait() -> None:
    world = a_world(FRIDAY_EVENING, NO_CALENDAR)

    seen = state_by_half_hour(world, kept(world, EventKind.OPENED), FRIDAY_EVENING + LONGEST_WAIT + HALF_HOUR)

    assert first_in(seen, State.EXPIRED) == FRIDAY_EVENING + LONGEST_WAIT + HALF_HOUR


OUTSIDE = (
    st.integers(0, 330 * 24 * 60)
    .map(lambda minutes: datetime(2026, 1, 5, tzinfo=UTC) + timedelta(minutes=minutes))
    .filter(lambda at: CALENDAR.is_open(Exchange.NSE, at) is False)
)


@given(received_at=OUTSIDE, waits=st.lists(st.integers(1, 2000), min_size=1, max_size=8))
@example(received_at=BEFORE_HOURS_THAT_ARE_NOT_KNOWN, waits=[2000, 2000, 500, 30])
def test_no_book_before_its_session_has_closed_ends_it(received_at: datetime, waits: list[int]) -> None:
    world = a_world(received_at)
    order = kept(world, EventKind.OUTCOME_LOST)
    # None where the next day's hours are not announced yet: then nothing ever ends it
    opens_at = CALENDAR.next_open(Exchange.NSE, received_at)

    for minutes in waits:
        world.clock.advance(minutes * 60)
        now = world.clock.now()
        before = order
        order = settle(world.desk, Look(OrderBook(()), load_broker("paper"), (order,), now), order)

        noted = order.has(EventKind.ABSENT_AT_DAY_END) and not before.has(EventKind.ABSENT_AT_DAY_END)
        if noted or order.state is not State.UNKNOWN:
            assert opens_at is not None
            assert now > opens_at
            assert is_book_final(Exchange.NSE, exchange_day(opens_at), now)
        if order.state is not State.UNKNOWN:
            break
