"""What a worker makes, and when."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from order_router import parts
from order_router.adapter.listings import NoListings
from order_router.aws.environment import Environment
from order_router.aws.listings_table import BrokerListings
from order_router.brokers.registry import load_broker
from order_router.domain.account import Account
from order_router.domain.instrument import parse_instrument
from order_router.service.finding import FoundOnUse
from order_router.wiring import World

VARIABLES = {
    "ORDERS_TABLE": "orders",
    "SETTINGS_TABLE": "settings",
    "GATE_TABLE": "gate",
    "RECONCILE_QUEUE_URL": "http://127.0.0.1/queue",
    "SECRETS_PREFIX": "stack/accounts",
}


@pytest.fixture(autouse=True)
def region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-south-1")


def made(world: World) -> set[str]:
    return {name for name in vars(world) if not name.startswith("_")}


def test_a_part_is_made_when_it_is_first_asked_for_and_kept() -> None:
    world = World(Environment(VARIABLES))
    assert made(world) == set()

    desk = world.desk

    assert world.desk is desk
    assert "secretsmanager" not in made(world)
    assert "sqs" not in made(world)


def test_a_snapshot_holds_what_the_first_order_would_have_made() -> None:
    world = World(Environment(VARIABLES))

    world.warm_up()

    assert "secretsmanager" in made(world)


def test_a_function_that_talks_to_no_broker_has_nothing_to_warm() -> None:
    world = World(Environment({"SETTINGS_TABLE": "settings"}))

    world.warm_up()

    assert made(world) == set()


def test_an_accounts_instruments_are_those_that_its_broker_lists_or_finds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = World(Environment(VARIABLES | {"INSTRUMENTS_TABLE": "instruments"}))
    untold = World(Environment(VARIABLES))
    profile = load_broker("paper").profile

    def listings(world: World, **changes: Any) -> object:
        stub = SimpleNamespace(profile=replace(profile, **changes))
        monkeypatch.setattr(parts, "load_broker", lambda _: stub)
        return world.sessions.session(Account(name="main", broker="paper")).around.listings

    assert isinstance(listings(told), NoListings)
    told.sessions.forget(Account(name="main", broker="paper"))
    assert isinstance(listings(told, has_master=True), BrokerListings)
    told.sessions.forget(Account(name="main", broker="paper"))
    assert isinstance(listings(told, finds_listings=True), FoundOnUse)
    assert isinstance(listings(untold, finds_listings=True), NoListings)


def test_an_instrument_is_looked_up_with_its_accounts_own_session(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(Environment(VARIABLES | {"INSTRUMENTS_TABLE": "instruments"}))
    asked: list[object] = []
    finder = SimpleNamespace(find_listing=lambda _, session, instrument: asked.append((session, instrument)))
    stub = SimpleNamespace(profile=replace(load_broker("paper").profile, finds_listings=True))
    monkeypatch.setattr(parts, "load_broker", lambda _: stub)
    monkeypatch.setattr(parts, "load_finder", lambda _: finder)
    session = world.sessions.session(Account(name="main", broker="paper"))
    found = session.around.listings
    assert isinstance(found, FoundOnUse)

    assert found.find(parse_instrument("NSE:INFY")) is None

    assert asked == [(session, parse_instrument("NSE:INFY"))]
