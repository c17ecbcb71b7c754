"""Orders outside the exchange's hours: refused before anything is asked of the broker, but for a simulated exchange."""

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from infra.calendar.build import SHIPPED
from order_router.adapter.http import Send
from order_router.adapter.port import Acknowledged, Broker, PlaceIntent
from order_router.adapter.session import BrokerSession
from order_router.brokers.registry import load_broker
from order_router.domain.trading_calendar import parse_calendar
from order_router.domain.vocabulary import Source
from tests.fakes.world import World

NIGHT = timedelta(hours=12).total_seconds()


@pytest.fixture
def world() -> World:
    return World(calendar=parse_calendar(SHIPPED.read_text(encoding="utf-8")))


def at_a_real_exchange(world: World, **changes: Any) -> None:
    """Let the paper broker be one whose exchange closes."""
    paper = load_broker("paper")
    profile = replace(paper.profile, exchange_closes=True, **changes)
    as_broker = cast("Broker", SimpleNamespace(**vars(paper) | {"profile": profile}))
    world.desk = replace(world.desk, broker_of=lambda _: as_broker)


def test_by_day_the_order_goes_through(world: World) -> None:
    at_a_real_exchange(world)

    assert world.place().order.state == "filled"


def test_by_night_it_is_refused_and_kept_and_nothing_is_sent(world: World) -> None:
    at_a_real_exchange(world)
    world.clock.advance(NIGHT)

    order = world.place().order

    assert (order.state, order.reason and order.reason.code) == ("refused", "MARKET_CLOSED")
    assert world.at_broker() == []
    assert world.store.get(order.client_order_id) == order


def test_an_alert_by_night_is_refused_and_told(world: World) -> None:
    at_a_real_exchange(world)
    world.clock.advance(NIGHT)

    order = world.place(source=Source.ALERT).order

    assert order.state == "refused"
    assert [notice.kind for notice in world.notifier.notices] == ["refused"]


def test_the_paper_exchange_never_closes(world: World) -> None:
    world.clock.advance(NIGHT)

    assert world.place().order.state == "filled"


def test_for_after_the_market_needs_a_broker_that_keeps_such_orders(world: World) -> None:
    at_a_real_exchange(world)
    world.clock.advance(NIGHT)

    order = world.place(after_market=True).order

    assert (order.state, order.reason and order.reason.code) == ("refused", "UNSUPPORTED")


def test_for_after_the_market_is_refused_while_there_is_one(world: World) -> None:
    at_a_real_exchange(world, takes_after_market=True)

    order = world.place(after_market=True).order

    assert (order.state, order.reason and order.reason.code) == ("refused", "MARKET_OPEN")
    assert world.at_broker() == []


def test_for_after_the_market_is_sent_by_night_where_the_broker_keeps_it(world: World) -> None:
    sent: list[PlaceIntent] = []

    def place_order(_send: Send, _session: BrokerSession, intent: PlaceIntent) -> Acknowledged:
        sent.append(intent)
        return Acknowledged("1")

    at_a_real_exchange(world, takes_after_market=True)
    as_broker = SimpleNamespace(**vars(world.desk.broker_of("paper")) | {"place_order": place_order})
    world.desk = replace(world.desk, broker_of=lambda _: cast("Broker", as_broker))
    world.clock.advance(NIGHT)

    order = world.place(after_market=True).order

    assert [intent.request.after_market for intent in sent] == [True]
    assert (order.state, order.broker_order_id) == ("open", "1")
