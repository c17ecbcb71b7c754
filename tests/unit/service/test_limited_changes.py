"""A change of a resting order: what grows needs room, what shrinks does not, and what is counted follows."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import pytest

from order_router.adapter.port import Broker
from order_router.brokers.registry import load_broker
from order_router.domain.account import Account
from order_router.domain.errors import RouterError
from order_router.domain.lifecycle import State
from order_router.domain.limits import Limits, MarginCheck
from order_router.domain.meter import BASED_AT, GROSS, LOSS, NET, OPEN, RESERVED
from order_router.domain.order import Order
from order_router.domain.reports import OrderMargin
from order_router.domain.request import OrderRequest
from order_router.service.change import ChangeRefused, modify_order
from order_router.service.limiting import LimitsUnknown
from tests.fakes.transport import Fault
from tests.fakes.world import World

METER = "meter#account#paper#2026-11-23"


def limit(world: World, **limits: Any) -> None:
    world.settings.put_account(Account(name="paper", broker="paper", limits=Limits.model_validate(limits)))


def counted(world: World) -> Mapping[str, Decimal]:
    return world.desk.meters.read(METER)


@pytest.fixture
def world() -> World:
    return World()


def rest(world: World, **changes: Any) -> Order:
    """Have an order rest: 10 INFY at 1400, 14000 in all, unless changed."""
    wanted: dict[str, Any] = {"quantity": 10, "limit_price": "1400"} | changes
    order = world.place(**wanted).order
    assert order.state.is_working
    return order


def code_of_change(world: World, order: Order, changes: dict[str, Any]) -> str | None:
    try:
        modify_order(world.desk, order.client_order_id, changes)
    except RouterError as refused:
        return refused.code
    return None


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        ({"max_quantity": 10}, "QUANTITY_LIMIT"),
        ({"max_order_value": "14000"}, "ORDER_VALUE_LIMIT"),
        ({"max_gross_exposure": "14000"}, "GROSS_EXPOSURE_LIMIT"),
        ({"max_net_exposure": "14000"}, "NET_EXPOSURE_LIMIT"),
        ({"max_instrument_gross_exposure": "14000"}, "INSTRUMENT_GROSS_LIMIT"),
        ({"max_instrument_net_exposure": "14000"}, "INSTRUMENT_NET_LIMIT"),
    ],
)
def test_an_order_does_not_grow_beyond_a_limit(world: World, limits: dict[str, Any], code: str) -> None:
    limit(world, **limits)
    order = rest(world)

    assert code_of_change(world, order, {"quantity": 11}) == code

    assert world.store.get(order.client_order_id) == order
    assert [row.request.quantity for row in world.at_broker()] == [10]
    assert code_of_change(world, order, {"quantity": 9}) is None


def test_an_order_grows_up_to_the_limit(world: World) -> None:
    limit(world, max_gross_exposure="15400")
    order = rest(world)

    assert code_of_change(world, order, {"quantity": 11}) is None

    assert counted(world)[GROSS] == counted(world)[RESERVED] == 15400


def test_a_dearer_price_is_growth_too(world: World) -> None:
    limit(world, max_gross_exposure="14000")
    order = rest(world)

    assert code_of_change(world, order, {"limit_price": "1400.05"}) == "GROSS_EXPOSURE_LIMIT"
    assert code_of_change(world, order, {"limit_price": "1399.95"}) is None


def test_a_limit_moved_out_of_its_band_is_refused(world: World) -> None:
    limit(world, price_band_percent="5")
    order = rest(world)

    assert code_of_change(world, order, {"limit_price": "1700"}) == "PRICE_BAND"
    assert code_of_change(world, order, {"limit_price": "1410"}) is None


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"quantity": 9}, None),
        ({"validity": "IOC"}, None),
        ({"quantity": 11}, "PRICE_UNKNOWN"),
        ({"quantity": 9, "limit_price": "1399.95"}, "PRICE_UNKNOWN"),
    ],
)
def test_only_a_change_that_asks_for_more_than_rests_needs_a_price_for_its_band(
    world: World, changes: dict[str, Any], code: str | None
) -> None:
    order = rest(world)
    limit(world, price_band_percent="5")
    broker = SimpleNamespace(**vars(load_broker("paper")) | {"read_quotes": lambda *_: ()})
    world.desk = replace(world.desk, broker_of=lambda _: cast("Broker", broker))

    assert code_of_change(world, order, changes) == code


def test_a_change_that_is_judged_by_a_price_nobody_says_is_refused(world: World) -> None:
    order = rest(world)
    limit(world, price_band_percent="5")
    broker = SimpleNamespace(**vars(load_broker("paper")) | {"read_quotes": lambda *_: ()})
    world.desk = replace(world.desk, broker_of=lambda _: cast("Broker", broker))

    assert code_of_change(world, order, {"limit_price": "1410"}) == "PRICE_UNKNOWN"


@pytest.mark.parametrize("fault", [Fault.GARBAGE, Fault.REFUSED, Fault.REQUEST_LOST])
def test_a_change_whose_price_is_not_read_just_now_may_be_asked_for_again(world: World, fault: Fault) -> None:
    order = rest(world)
    limit(world, price_band_percent="5")
    world.transport.reads = [fault]

    assert code_of_change(world, order, {"limit_price": "1410"}) == "BROKER_NOT_READ"

    assert world.store.get(order.client_order_id) == order
    assert code_of_change(world, order, {"limit_price": "1410"}) is None


def test_a_change_whose_price_is_old_as_soon_as_it_is_read_is_refused_and_the_order_stands(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = rest(world)
    limit(world, price_band_percent="5")
    monkeypatch.setattr(world.desk.prices, "keep", lambda *_: None)

    with pytest.raises(LimitsUnknown, match=r"^prices or positions moved faster than they could be read$"):
        modify_order(world.desk, order.client_order_id, {"limit_price": "1410"})

    assert world.store.get(order.client_order_id) == order
    assert sum("/quote" in request.url for request in world.transport.sent) == 3


def test_after_a_day_s_loss_no_order_grows_and_any_may_shrink(world: World) -> None:
    limit(world, max_daily_loss="100")
    order = rest(world)
    world.store.tables.meters[METER][LOSS] = Decimal("100.01")

    assert code_of_change(world, order, {"quantity": 11}) == "DAILY_LOSS_LIMIT"
    assert code_of_change(world, order, {"quantity": 9}) is None


def test_an_order_grows_by_positions_that_are_known_and_shrinks_without(world: World) -> None:
    limit(world, max_gross_exposure="100000")
    order = rest(world)
    world.clock.advance(601)
    world.transport.reads = [Fault.REFUSED]

    assert code_of_change(world, order, {"quantity": 11}) == "BROKER_NOT_READ"
    assert code_of_change(world, order, {"quantity": 9}) is None
    assert code_of_change(world, order, {"quantity": 11}) is None
    assert counted(world)[BASED_AT] == int(world.clock.now().timestamp())


def asking_margin(world: World, check: MarginCheck, **answers: Any) -> list[OrderRequest]:
    """Let the account want its margin asked, and return the orders that the broker is asked for from now on."""
    limit(world, margin=check)
    asked: list[OrderRequest] = []

    def read_order_margin(_send: object, _session: object, request: OrderRequest) -> OrderMargin:
        asked.append(request)
        return OrderMargin(required=request.quantity * Decimal(100), available=Decimal(500))

    reads = {"read_order_margin": read_order_margin} | answers
    broker = SimpleNamespace(**vars(load_broker("paper")) | reads)
    world.desk = replace(world.desk, broker_of=lambda _: cast("Broker", broker))
    return asked


def test_an_order_grows_by_what_its_margin_lets_it(world: World) -> None:
    order = rest(world, disclosed_quantity=10)
    asked = asking_margin(world, MarginCheck.CALCULATOR)

    assert code_of_change(world, order, {"quantity": 16, "limit_price": "1401"}) == "MARGIN_INSUFFICIENT"
    assert world.store.get(order.client_order_id) == order
    assert code_of_change(world, order, {"quantity": 15, "limit_price": "1401"}) is None

    assert [one.quantity for one in asked] == [6, 5]
    assert {one.limit_price for one in asked} == {Decimal(1401)}


@pytest.mark.parametrize(("quantity", "code"), [(12, None), (13, "MARGIN_INSUFFICIENT")])
def test_an_order_grows_by_what_the_account_s_funds_let_it(
    world: World, quantity: int, code: str | None
) -> None:
    order = rest(world)
    funds = replace(load_broker("paper").read_funds(*reading(world))[0], available=Decimal(2800))
    asking_margin(world, MarginCheck.FUNDS, read_funds=lambda *_: (funds,))

    assert code_of_change(world, order, {"quantity": quantity}) == code


def reading(world: World) -> tuple[Any, Any]:
    """Return what a read of the paper broker takes."""
    session = world.sessions.session(world.desk.account("paper"))
    return world.desk.transport.sender(session.endpoint, not_after=None), session


def test_an_order_that_grows_by_one_asks_for_the_margin_of_one(world: World) -> None:
    order = rest(world)
    asked = asking_margin(world, MarginCheck.CALCULATOR)

    assert code_of_change(world, order, {"quantity": 11}) is None
    assert [one.quantity for one in asked] == [1]


@pytest.mark.parametrize("changes", [{"quantity": 10}, {"quantity": 9}, {"limit_price": "1399"}])
def test_a_change_that_adds_no_quantity_asks_no_margin(world: World, changes: dict[str, Any]) -> None:
    order = rest(world)
    asked = asking_margin(world, MarginCheck.CALCULATOR)

    assert code_of_change(world, order, changes) is None
    assert asked == []


def test_a_growing_exit_asks_no_margin(world: World) -> None:
    order = rest(world, side="SELL", limit_price="1600", position_effect="CLOSE")
    asked = asking_margin(world, MarginCheck.CALCULATOR)

    assert code_of_change(world, order, {"quantity": 99}) is None
    assert asked == []


def test_a_growing_exit_is_held_to_its_size_alone(world: World) -> None:
    limit(world, max_gross_exposure="1", max_daily_loss="1", max_quantity=12)
    order = rest(world, side="SELL", limit_price="1600", position_effect="CLOSE")

    assert code_of_change(world, order, {"quantity": 12}) is None
    assert code_of_change(world, order, {"quantity": 13}) == "QUANTITY_LIMIT"


def test_a_change_that_the_broker_refuses_changes_nothing_counted(world: World) -> None:
    order = rest(world)
    before = {name: amount for name, amount in counted(world).items() if name in {GROSS, RESERVED, OPEN}}

    with pytest.raises(ChangeRefused, match="tick"):
        modify_order(world.desk, order.client_order_id, {"limit_price": "1400.01"})

    assert {name: counted(world)[name] for name in before} == before


def test_what_fills_after_a_change_counts_at_the_changed_price(world: World) -> None:
    order = rest(world)
    modify_order(world.desk, order.client_order_id, {"limit_price": "1510", "quantity": 6})

    stored = world.store.get(order.client_order_id)
    assert stored is not None
    assert stored.state is State.FILLED
    now = counted(world)
    assert [now[OPEN], now[RESERVED], now[GROSS], now[NET]] == [0, 0, 6 * 1510, 6 * 1510]


def test_two_changes_at_once_are_checked_against_the_same_room(world: World) -> None:
    """What is known and told: a change finds room before it is made, and takes it once the broker has said yes."""
    limit(world, max_gross_exposure="29400")
    first, second = rest(world), rest(world, key="k-2")

    assert code_of_change(world, first, {"quantity": 11}) is None
    assert code_of_change(world, second, {"quantity": 11}) == "GROSS_EXPOSURE_LIMIT"
