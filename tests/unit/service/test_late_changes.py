"""Changes that are late, too many, or not allowed never leave."""

from datetime import datetime, timedelta

import pytest

from order_router.adapter.http import HttpRequest, HttpResponse, Send
from order_router.domain.account import Account
from order_router.domain.lifecycle import State
from order_router.domain.order import Order
from order_router.service.change import ChangeRefused, cancel_order, modify_order
from order_router.service.desk import AccountDisabled
from order_router.service.timing import API_MAX_AGE
from tests.fakes.world import World


@pytest.fixture
def world() -> World:
    return World()


def resting(world: World, key: str = "k-1") -> Order:
    order = world.place(key, limit_price="1400").order
    assert order.state is State.OPEN
    return order


def test_cancels_share_the_pace_of_placements(world: World) -> None:
    placed_at = world.clock.now()
    orders = [resting(world, str(key)) for key in range(9)]

    cancel_order(world.desk, orders[0].client_order_id)

    assert world.clock.now() - placed_at > timedelta(seconds=1)


def frozen_before_sending(world: World, seconds: float) -> None:
    """Let the worker stand still between the last decision and the write."""
    inner = world.transport.sender

    def sender(endpoint: str, *, not_after: datetime | None) -> Send:
        send = inner(endpoint, not_after=not_after)

        def slow(request: HttpRequest) -> HttpResponse:
            if request.is_write:
                world.clock.advance(seconds)
            return send(request)

        return slow

    world.transport.sender = sender  # type: ignore[method-assign]


def test_a_change_whose_worker_was_frozen_does_not_leave(world: World) -> None:
    order = resting(world)
    sent = world.transport.writes_sent()
    frozen_before_sending(world, API_MAX_AGE.total_seconds() + 0.001)

    with pytest.raises(ChangeRefused) as raised:
        cancel_order(world.desk, order.client_order_id)

    assert raised.value.code == "DEADLINE_PASSED"
    assert world.transport.writes_sent() == sent


def test_no_modify_leaves_from_a_disabled_account(world: World) -> None:
    order = resting(world)
    sent = world.transport.writes_sent()
    world.settings.put_account(Account(name="paper", broker="paper", is_enabled=False))

    with pytest.raises(AccountDisabled):
        modify_order(world.desk, order.client_order_id, {"quantity": 8})

    assert world.transport.writes_sent() == sent
