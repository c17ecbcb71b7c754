"""What the watch of limits asks of brokers: while they may be open, and no more of a day's calls than is its share."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import pytest

from infra.calendar.build import SHIPPED
from order_router.adapter.port import Broker
from order_router.brokers.registry import load_broker
from order_router.domain.account import Account
from order_router.domain.instrument import Instrument
from order_router.domain.limits import STARTING, Limits
from order_router.domain.listing import Listing
from order_router.domain.reports import Quote
from order_router.domain.trading_calendar import NO_CALENDAR, TradingCalendar, parse_calendar
from order_router.domain.vocabulary import Exchange
from order_router.service.change import cancel_order
from order_router.service.exposure import watch_account
from tests.fakes.clock import FakeClock
from tests.fakes.listed import a_share
from tests.fakes.world import World
from tests.faults.played_brokers import PlayedIciciBreeze

EIGHT = datetime(2026, 11, 23, 2, 30, tzinfo=UTC)
"""In Kolkata, on a Monday."""

MINUTE_S = 60
CALENDAR = parse_calendar(SHIPPED.read_text(encoding="utf-8"))
SHARES = ("RELIND", "INFTEC", "TCS", "WIPRO", "HDFBAN")
BANDED = Account(name="paper", broker="paper", limits=Limits(price_band_percent=Decimal(5)))


def listed(symbol: str) -> Listing:
    return a_share(f"NSE:{symbol}", broker_key=f"NSE|{symbol}")


def at_breeze(symbols: Iterable[str], limits: Limits = STARTING) -> tuple[World, Account]:
    """A world at eight o'clock, with an order resting at ICICI's simulator in each of these shares."""
    world = World(clock=FakeClock(EIGHT))
    played = PlayedIciciBreeze(world)
    account = Account(name="paper", broker="icici_breeze", limits=limits)
    world.settings.put_account(account)
    for symbol in symbols:
        world.listings["icici_breeze"].put(listed(symbol))
        played._breeze.control({"prices": {f"NSE:{symbol}": "1500"}})
        world.place(symbol, instrument=f"NSE:{symbol}", limit_price="1450", product="CNC")
        world.clock.advance(2)
    world.calendar = CALENDAR
    world.transport.sent.clear()
    return world, account


def paths(world: World) -> list[str]:
    return [request.url.rpartition("/")[2] for request in world.transport.sent]


@pytest.mark.parametrize("shares", [1, 5])
def test_a_day_of_the_watch_leaves_icici_s_calls_to_orders_and_their_book(shares: int) -> None:
    world, account = at_breeze(SHARES[:shares])

    for _ in range(16 * 60):
        watch_account(world.desk, account)
        world.clock.advance(MINUTE_S)

    asked = paths(world)
    assert asked.count("portfoliopositions") == 7 * 60
    assert asked.count("quotes") <= 7 * 40 + shares
    assert len(asked) == asked.count("portfoliopositions") + asked.count("quotes")


def test_a_price_that_can_be_kept_good_is_asked_for_as_often_as_its_share_allows() -> None:
    world, account = at_breeze(SHARES[:1])
    world.clock.advance(2 * 60 * MINUTE_S)

    for _ in range(60):
        watch_account(world.desk, account)
        world.clock.advance(MINUTE_S)

    assert paths(world).count("quotes") == 30, "40 an hour are one in 90 s, and a look is made each minute"


def test_where_more_is_traded_than_can_be_kept_good_each_order_asks_for_itself() -> None:
    world, account = at_breeze(SHARES)
    world.clock.advance(2 * 60 * MINUTE_S)

    watch_account(world.desk, account)
    watched = paths(world)
    world.place("next", instrument="NSE:TCS", limit_price="1450", product="CNC")

    assert watched == ["portfoliopositions"]
    assert paths(world)[1:3] == ["quotes", "order"]


def held_at(world: World, exchanges: Iterable[Exchange], **changes: Any) -> None:
    """Let the paper broker be one of these exchanges, which close."""
    paper = load_broker("paper")
    profile = replace(paper.profile, exchanges=frozenset(exchanges), exchange_closes=True, **changes)
    broker = cast("Broker", SimpleNamespace(**vars(paper) | {"profile": profile}))
    world.desk = replace(world.desk, broker_of=lambda _: broker)


@pytest.mark.parametrize(
    ("exchanges", "calendar", "is_asked"),
    [
        ((Exchange.NSE, Exchange.NFO), CALENDAR, False),
        ((Exchange.NSE, Exchange.MCX), CALENDAR, True),
        ((Exchange.NSE, Exchange.COMBO), CALENDAR, False),
        ((Exchange.NSE,), NO_CALENDAR, True),
    ],
)
def test_a_broker_is_asked_while_one_of_its_venues_may_be_open(
    exchanges: tuple[Exchange, ...], calendar: TradingCalendar, *, is_asked: bool
) -> None:
    world = World()
    world.settings.put_account(BANDED)
    world.place(limit_price="1450")
    held_at(world, exchanges)
    world.calendar = calendar
    # 20:00 in Kolkata
    world.clock.advance(10 * 3600)
    world.transport.sent.clear()

    watch_account(world.desk, BANDED)

    assert bool(world.transport.sent) is is_asked


def test_a_limit_that_is_near_is_told_of_after_the_close_too() -> None:
    world = World()
    account = Account(name="paper", broker="paper", limits=Limits(max_open_orders=1))
    world.settings.put_account(account)
    world.place(limit_price="1400")
    held_at(world, (Exchange.NSE,))
    world.calendar = CALENDAR
    world.clock.advance(10 * 3600)

    watch_account(world.desk, account)

    assert [one.kind for one in world.notifier.notices] == ["limit_near"]


def quoted(world: World) -> list[tuple[str, ...]]:
    """Let the paper broker tell which instruments it is asked the price of, question by question."""
    paper, questions = load_broker("paper"), list[tuple[str, ...]]()

    def read_quotes(send: Any, session: Any, instruments: Sequence[Instrument]) -> tuple[Quote, ...]:
        questions.append(tuple(map(str, instruments)))
        return paper.read_quotes(send, session, instruments)

    broker = cast("Broker", SimpleNamespace(**vars(paper) | {"read_quotes": read_quotes}))
    world.desk = replace(world.desk, broker_of=lambda _: broker)
    return questions


EXPOSED = Account(
    name="paper",
    broker="paper",
    limits=Limits(price_band_percent=Decimal(50), max_gross_exposure=Decimal(1000000)),
)


def test_what_came_with_the_positions_is_not_quoted() -> None:
    world = World()
    world.settings.put_account(EXPOSED)
    world.place("held")
    world.place("rests", instrument="NSE:RELIANCE", limit_price="2000")
    world.clock.advance(MINUTE_S)
    questions = quoted(world)

    watch_account(world.desk, EXPOSED)

    assert questions == [("NSE:RELIANCE",)]


def test_what_is_flat_and_has_no_order_is_not_quoted() -> None:
    world = World()
    world.settings.put_account(EXPOSED)
    gone = world.place("gone", instrument="NSE:RELIANCE", limit_price="2000").order
    world.place("rests", limit_price="1400")
    world.clock.advance(2)
    cancel_order(world.desk, gone.client_order_id)
    world.clock.advance(MINUTE_S)
    questions = quoted(world)

    watch_account(world.desk, EXPOSED)

    assert questions == [("NSE:INFY",)]


def test_a_price_that_an_order_has_just_asked_for_is_not_asked_for_again() -> None:
    world = World()
    world.settings.put_account(BANDED)
    world.place(limit_price="1450")
    questions = quoted(world)

    for age_s in (55, 1):
        world.clock.advance(age_s)
        watch_account(world.desk, BANDED)

    assert len(questions) == 1


def test_a_combination_that_rests_keeps_no_other_instrument_from_its_price() -> None:
    world = World()
    world.settings.put_account(EXPOSED)
    world.place("rests", instrument="NSE:RELIANCE", limit_price="2000")
    name = "meter#account#paper#2026-11-23"
    seen = world.desk.meters.read(name)
    resting = dict.fromkeys(("reserved@COMBO:PAIR", "gross@COMBO:PAIR"), Decimal(500))
    assert world.desk.meters.rebase(name, {**seen, **resting}, seen=seen, at=world.clock.now())
    world.clock.advance(MINUTE_S)
    questions = quoted(world)

    watch_account(world.desk, EXPOSED)

    assert questions == [("NSE:RELIANCE",)]


@pytest.mark.parametrize("beside", [Exchange.COMBO, Exchange.NASDAQ])
@pytest.mark.parametrize(("from_s", "minutes", "asked"), [(-3600, 60, 0), (-60, 61, 1), (3599, 1, 1)])
def test_what_is_carried_into_a_day_is_read_once_in_the_hour_before_it_trades(
    from_s: int, minutes: int, asked: int, beside: Exchange
) -> None:
    world = World(clock=FakeClock(EIGHT))
    account = Account(name="paper", broker="paper", limits=Limits(max_daily_loss=Decimal(20000)))
    world.settings.put_account(account)
    held_at(world, (Exchange.NSE, beside))
    world.calendar = CALENDAR
    world.clock.advance(from_s)

    for _ in range(minutes):
        watch_account(world.desk, account)
        world.clock.advance(MINUTE_S)

    assert len(world.transport.sent) == asked
