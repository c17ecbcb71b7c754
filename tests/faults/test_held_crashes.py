"""A worker that dies as it lets a held market order go, once or twice: protected, and sent once."""

import logging
from decimal import Decimal

import pytest

from order_router.domain.lifecycle import State
from order_router.domain.order import Order
from order_router.service.desk import Desk
from order_router.service.place import StillUnsent, resume_order
from order_router.service.reconcile import reconcile_account
from tests.fakes.limits_only import PRICE, LimitsOnly, held_in, let_go, world_of
from tests.fakes.world import World
from tests.faults.crashes import Crash, Crashes, crashing, sweep

DELIVERIES = 4
PAST_A_LEASE_S = 40


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


def is_done(world: World, crashes: Crashes, order: Order) -> bool:
    crashes.begin()
    desk: Desk = crashing(world.desk, crashes)
    try:
        resume_order(desk, order.client_order_id)
    except (Crash, StillUnsent):
        return False
    return True


def let_it_go(crashes: Crashes) -> None:
    world = world_of(LimitsOnly([PRICE] * 20))
    order = held_in(world)
    let_go(world)
    for _ in range(DELIVERIES):
        if is_done(world, crashes, order):
            break
        world.clock.advance(2)
    world.clock.advance(PAST_A_LEASE_S)
    reconcile_account(world.desk, "paper")

    require_truth(world, order)


def require_truth(world: World, order: Order) -> None:
    stored, at_broker = world.store.get(order.client_order_id), world.at_broker()
    assert stored is not None
    assert len(at_broker) <= 1
    if at_broker:
        assert stored.state is State.FILLED
        prices = {stored.request.limit_price, *(order.request.limit_price for order in at_broker)}
        assert prices == {Decimal("1515.05")}
    else:
        told = {(notice.kind, notice.client_order_id) for notice in world.notifier.notices}
        assert (str(stored.state), order.client_order_id) in told


def test_a_death_as_a_held_market_order_is_let_go_does_no_harm() -> None:
    swept = sweep(let_it_go)

    assert swept.met > 50
