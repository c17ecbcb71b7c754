"""A price that orders are judged by: seen at most two minutes ago, five seconds where it refuses, and never nothing."""

from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import pytest

from order_router.adapter.port import Broker
from order_router.brokers.registry import load_broker
from order_router.domain.account import Account
from order_router.domain.instrument import parse_instrument
from order_router.domain.lifecycle import State
from order_router.domain.limits import Limits
from order_router.domain.order import Order
from order_router.domain.reports import Quote
from order_router.service.pricing import new_price
from tests.fakes.transport import Fault
from tests.fakes.world import World

INFY = parse_instrument("NSE:INFY")
MARKET: dict[str, Any] = {"order_type": "MARKET", "limit_price": None}
TWO_MINUTES, FIVE_SECONDS = 120, 5


@pytest.fixture
def world() -> World:
    return World()


def limit(world: World, **limits: Any) -> None:
    world.settings.put_account(Account(name="paper", broker="paper", limits=Limits.model_validate(limits)))


def quotes_asked(world: World) -> int:
    return sum("/quote" in request.url for request in world.transport.sent)


def refusal(order: Order) -> tuple[str, str]:
    assert order.state is State.REFUSED, order.state
    assert order.reason is not None
    return order.reason.code, order.reason.message


@pytest.mark.parametrize(
    ("limits", "order"), [({"price_band_percent": "5"}, {}), ({"max_order_value": "10000"}, MARKET)]
)
@pytest.mark.parametrize(("age_s", "quotes"), [(TWO_MINUTES, 1), (TWO_MINUTES + 1, 2)])
def test_a_price_serves_for_two_minutes(
    world: World, limits: dict[str, Any], order: dict[str, Any], age_s: int, quotes: int
) -> None:
    limit(world, **limits)
    world.place("first", **order)
    world.clock.advance(age_s)

    assert world.place("second", **order).order.state is State.FILLED
    assert quotes_asked(world) == quotes


@pytest.mark.parametrize(("age_s", "quotes"), [(FIVE_SECONDS, 1), (FIVE_SECONDS + 1, 2)])
def test_a_limit_is_refused_by_a_price_of_the_last_five_seconds_without_another(
    world: World, age_s: int, quotes: int
) -> None:
    limit(world, price_band_percent="5")
    world.place("first")
    world.clock.advance(age_s)

    assert refusal(world.place("far", limit_price="1600").order)[0] == "PRICE_BAND"
    assert quotes_asked(world) == quotes


@pytest.mark.parametrize("age_s", [FIVE_SECONDS + 1, TWO_MINUTES, TWO_MINUTES + 1])
def test_a_limit_where_the_market_has_moved_to_passes_though_the_kept_price_is_far(
    world: World, age_s: int
) -> None:
    limit(world, price_band_percent="5")
    world.place("first")
    world.set_price("NSE:INFY", "1600")
    world.clock.advance(age_s)

    assert world.place("moved", limit_price="1600").order.state is State.FILLED
    assert quotes_asked(world) == 2


def test_an_exit_out_of_its_band_by_an_older_price_leaves_where_nobody_says_a_newer_one(world: World) -> None:
    limit(world, price_band_percent="5")
    world.place("first")
    world.clock.advance(FIVE_SECONDS + 1)
    world.transport.reads = [Fault.REFUSED]

    order = world.place("exit", side="SELL", limit_price="1400", position_effect="CLOSE").order

    assert order.state is State.FILLED


def test_a_market_order_is_valued_by_the_price_that_is_kept(world: World) -> None:
    limit(world, max_order_value="10000")
    world.place("first", **MARKET)
    world.set_price("NSE:INFY", "100")

    order = world.place("second", quantity=7, **MARKET).order

    assert refusal(order) == (
        "ORDER_VALUE_LIMIT",
        "max_order_value of account paper is 10000, found 10500.35",
    )
    assert quotes_asked(world) == 1


def quoting(world: World, last_price: str) -> Broker:
    """Let the broker quote this, and return it."""
    quote = Quote(instrument=INFY, last_price=Decimal(last_price))
    broker = cast(
        "Broker", SimpleNamespace(**vars(load_broker("paper")) | {"read_quotes": lambda *_: (quote,)})
    )
    world.desk = replace(world.desk, broker_of=lambda _: broker)
    return broker


@pytest.mark.parametrize("last_price", ["0", "-0.05"])
def test_a_market_order_of_what_trades_at_nothing_is_refused(world: World, last_price: str) -> None:
    limit(world, max_order_value="10000")
    quoting(world, last_price)

    order = world.place(**MARKET).order

    assert refusal(order) == ("PRICE_UNKNOWN", f"the last price of NSE:INFY is {last_price}")
    assert world.store.tables.prices == {}


@pytest.mark.parametrize("last_price", ["0.05", "1"])
def test_the_smallest_price_is_one(world: World, last_price: str) -> None:
    broker, account = quoting(world, last_price), world.desk.account("paper")

    assert new_price(world.desk, account, broker, INFY) == Decimal(last_price)
