"""What an order is worth at the order path: the price that bounds what it trades at, and what it costs to know."""

from decimal import Decimal
from typing import Any

import pytest

from order_router.domain.account import Account
from order_router.domain.errors import RouterError
from order_router.domain.lifecycle import State
from order_router.domain.limits import Limits
from order_router.domain.meter import GROSS, NET, RESERVED
from order_router.domain.order import Order
from order_router.service.change import modify_order
from order_router.service.reconcile import reconcile_account
from tests.fakes.transport import Fault
from tests.fakes.world import World

METER = "meter#account#paper#2026-11-23"
LAST = Decimal("1500.05")
MARKET: dict[str, Any] = {"order_type": "MARKET", "limit_price": None}
SALE: dict[str, Any] = {"side": "SELL", "limit_price": "1"}
"""A sale that fills at the market, whatever it says."""
CODES = (
    ("max_order_value", "ORDER_VALUE_LIMIT"),
    ("max_gross_exposure", "GROSS_EXPOSURE_LIMIT"),
    ("max_instrument_gross_exposure", "INSTRUMENT_GROSS_LIMIT"),
)


def stop(order_type: str, side: str, trigger: str, limit_price: str | None = None) -> dict[str, Any]:
    return {"order_type": order_type, "side": side, "trigger_price": trigger, "limit_price": limit_price}


@pytest.fixture
def world() -> World:
    return World()


def limit(world: World, **limits: Any) -> None:
    world.settings.put_account(Account(name="paper", broker="paper", limits=Limits.model_validate(limits)))


def quotes_asked(world: World) -> int:
    return sum("/quote" in request.url for request in world.transport.sent)


def reserved(world: World) -> Decimal:
    return world.desk.meters.read(METER)[RESERVED]


def code_of(order: Order) -> str | None:
    return None if order.reason is None else order.reason.code


def code_of_change(world: World, order: Order, changes: dict[str, Any]) -> str | None:
    try:
        modify_order(world.desk, order.client_order_id, changes)
    except RouterError as refused:
        return refused.code
    return None


def rest(world: World, **changes: Any) -> Order:
    """Have an order rest: to buy 600 INFY at 1, unless changed."""
    wanted: dict[str, Any] = {"quantity": 600, "limit_price": "1"} | changes
    order = world.place(**wanted).order
    assert order.state.is_working
    return order


# ---- a new order
DEAR = (MARKET, SALE, MARKET | {"side": "SELL"}, stop("SL_M", "BUY", "1"))


@pytest.mark.parametrize("terms", DEAR, ids=["market", "sale", "market-sale", "stop-that-buys"])
@pytest.mark.parametrize(("rule", "code"), CODES)
def test_what_fills_at_the_market_is_held_to_its_limit_at_the_market_s_price(
    world: World, rule: str, code: str, terms: dict[str, Any]
) -> None:
    limit(world, **{rule: 600 * LAST - Decimal("0.01")})
    assert code_of(world.place("over", quantity=600, **terms).order) == code

    limit(world, **{rule: 600 * LAST})
    assert world.place("at", quantity=600, **terms).order.state is State.FILLED
    assert world.desk.meters.read(METER)[GROSS] == 600 * LAST


@pytest.mark.parametrize(
    ("terms", "price"),
    [
        ({"limit_price": "1400"}, "1400"),
        (stop("SL", "BUY", "1600", "1605"), "1605"),
        (stop("SL", "SELL", "1400", "1395"), "1400"),
        (stop("SL_M", "SELL", "1400"), "1400"),
    ],
)
def test_what_its_own_words_bound_is_worth_that_and_asks_no_price(
    world: World, terms: dict[str, Any], price: str
) -> None:
    value = 5 * Decimal(price)
    limit(world, max_order_value=value - Decimal("0.01"), max_gross_exposure="100000")
    assert code_of(world.place("over", **terms).order) == "ORDER_VALUE_LIMIT"

    limit(world, max_order_value=value, max_gross_exposure="100000")
    assert world.place("at", **terms).order.state.is_working
    assert [reserved(world), quotes_asked(world)] == [value, 0]


def test_a_sale_above_the_market_is_worth_its_limit(world: World) -> None:
    limit(world, max_order_value="8000")

    assert code_of(world.place("over", side="SELL", limit_price="1600.05").order) == "ORDER_VALUE_LIMIT"
    assert world.place("at", side="SELL", limit_price="1600").order.state is State.OPEN
    assert [reserved(world), quotes_asked(world)] == [8000, 1]


def test_a_sale_in_its_band_is_worth_its_limit_and_asks_no_price_of_its_own(world: World) -> None:
    limit(world, max_order_value="100000", max_gross_exposure="100000", price_band_percent="5")
    world.place("warm")
    reads = world.desk.prices.reads  # type: ignore[attr-defined]

    sale = world.place("sale", side="SELL", limit_price="1600").order

    assert [sale.counted_price, quotes_asked(world)] == [1600, 1]
    assert world.desk.prices.reads == reads  # type: ignore[attr-defined]
    assert code_of(world.place("far", **SALE).order) == "PRICE_BAND"


@pytest.mark.parametrize("terms", DEAR)
def test_no_price_is_asked_where_no_limit_is_by_what_an_order_is_worth(
    world: World, terms: dict[str, Any]
) -> None:
    limit(world, max_quantity=10, max_open_orders=5)

    assert world.place(**terms).order.state is State.FILLED
    assert quotes_asked(world) == 0


@pytest.mark.parametrize("terms", [MARKET, {"limit_price": "1"}, stop("SL_M", "SELL", "1600")])
def test_what_closes_a_position_asks_no_price_for_its_worth(world: World, terms: dict[str, Any]) -> None:
    world.place("bought")
    limit(world, max_order_value="1", max_gross_exposure="1")

    order = world.place("exit", **{"side": "SELL", "position_effect": "CLOSE"} | terms).order

    assert [order.state, quotes_asked(world)] == [State.FILLED, 0]


# ---- a change
@pytest.mark.parametrize("to", [MARKET, stop("SL_M", "BUY", "1") | {"side": "BUY"}], ids=["market", "stop"])
@pytest.mark.parametrize(("rule", "code"), CODES)
def test_a_change_into_what_fills_at_the_market_is_held_to_that_price(
    world: World, rule: str, code: str, to: dict[str, Any]
) -> None:
    limit(world, **{rule: 600 * LAST - Decimal("0.01")})
    order = rest(world)

    assert code_of_change(world, order, to) == code
    assert world.stored(order) == order
    assert [row.request.order_type for row in world.at_broker()] == ["LIMIT"], "nothing reached the broker"

    limit(world, **{rule: 600 * LAST})
    assert code_of_change(world, order, to) is None
    after = world.stored(order)
    assert [after.state, after.counted_price, after.asked_price] == [State.FILLED, LAST, None]
    now = world.desk.meters.read(METER)
    assert [now[GROSS], now[NET], now[RESERVED]] == [600 * LAST, 600 * LAST, 0]


def test_a_sale_moved_below_the_market_is_held_to_the_last_price(world: World) -> None:
    limit(world, max_gross_exposure="8000")
    order = rest(world, side="SELL", quantity=5, limit_price="1600")

    assert code_of_change(world, order, {"limit_price": "1", "quantity": 6}) == "GROSS_EXPOSURE_LIMIT"
    assert code_of_change(world, order, {"limit_price": "1550"}) is None
    assert [world.stored(order).counted_price, reserved(world)] == [1550, 7750]
    assert code_of_change(world, order, {"limit_price": "1"}) is None
    assert world.desk.meters.read(METER)[GROSS] == 5 * LAST


def test_a_change_waits_for_what_it_is_worth_and_one_that_only_takes_away_needs_no_price(
    world: World,
) -> None:
    limit(world, max_gross_exposure="10000")
    order = rest(world, side="SELL", quantity=5, limit_price="1600")
    world.clock.advance(3600)
    asked = quotes_asked(world)

    world.transport.reads = [Fault.GARBAGE]
    assert code_of_change(world, order, {"limit_price": "1550"}) == "BROKER_NOT_READ"
    assert world.stored(order) == order

    world.transport.reads = []
    assert code_of_change(world, order, {"quantity": 4}) is None
    assert [reserved(world), quotes_asked(world)] == [6400, asked + 1]


@pytest.mark.parametrize(
    "changes", [{"limit_price": "2"}, {"quantity": 700}, stop("SL", "BUY", "1600", "1605") | {"side": "BUY"}]
)
def test_a_change_that_its_own_words_bound_asks_no_price(world: World, changes: dict[str, Any]) -> None:
    limit(world, max_order_value="10000000", max_gross_exposure="10000000")
    order = rest(world)

    assert code_of_change(world, order, changes) is None
    assert quotes_asked(world) == 0


def test_a_change_without_an_answer_counts_at_the_market_s_price_once_the_book_shows_it(world: World) -> None:
    limit(world, max_gross_exposure="10000000")
    order = rest(world)
    world.transport.writes = [Fault.ANSWER_LOST]
    assert not modify_order(world.desk, order.client_order_id, MARKET).is_settled
    assert [world.stored(order).counted_price, world.stored(order).asked_price] == [1, LAST]

    reconcile_account(world.desk, "paper")

    after = world.stored(order)
    assert [after.state, after.counted_price, after.asked_price] == [State.FILLED, LAST, None]
    assert world.desk.meters.read(METER)[GROSS] == 600 * LAST


def test_a_change_to_the_market_where_no_limit_needs_a_price_counts_as_before(world: World) -> None:
    order = rest(world)

    assert code_of_change(world, order, MARKET) is None
    assert [world.stored(order).counted_price, quotes_asked(world)] == [1, 0]
