"""An order that is changed again and again: refused while its record still has room for its end."""

from typing import Any

import pytest

from order_router.domain.account import Account
from order_router.domain.history import FULL, Event
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.limits import STARTING
from order_router.domain.order import Order, apply
from order_router.service.change import cancel_order, modify_order
from order_router.service.changeable import TooManyChanges
from order_router.service.reconcile import reconcile_account
from tests.fakes.world import World

ENOUGH = 250


@pytest.fixture
def world() -> World:
    world = World()
    world.settings.put_account(Account(name="paper", broker="paper", limits=STARTING))
    world.set_price("NSE:INFY", "1590")
    return world


def modify(world: World, order: Order, number: int) -> Order:
    world.clock.advance(2)
    changes: dict[str, Any] = {"limit_price": ("1540.05", "1540.10")[number % 2]}
    return modify_order(world.desk, order.client_order_id, changes).order


def changed_too_often(world: World) -> Order:
    """Return an order that was modified until it could not be any more."""
    order = world.place(limit_price="1540").order
    for number in range(2 * ENOUGH):
        if not order.has_room_for_changes:
            break
        order = modify(world, order, number)
    with pytest.raises(TooManyChanges, match="cancel it and place another"):
        modify(world, order, 0)
    return order


def test_an_order_may_be_modified_hundreds_of_times_and_then_still_cancelled(world: World) -> None:
    order = changed_too_often(world)
    sent = world.transport.writes_sent()

    cancelled = cancel_order(world.desk, order.client_order_id).order

    assert sum(step.event.kind is EventKind.MODIFIED for step in order.history) > ENOUGH
    assert world.transport.writes_sent() == sent + 1
    assert cancelled.state is State.CANCELLED
    assert [step.event.kind for step in cancelled.history[-2:]] == [
        EventKind.CANCEL_REQUESTED,
        EventKind.CANCELLED,
    ]


def test_an_order_that_was_changed_too_often_is_still_followed_to_its_end(world: World) -> None:
    order = changed_too_often(world)
    world.set_price("NSE:INFY", "1540")

    reconcile_account(world.desk, "paper")

    followed = world.store.get(order.client_order_id)
    assert followed is not None
    assert followed.state is State.FILLED


def full(world: World) -> Order:
    """Return an order whose history has no room left, and has a cancel that was asked for in it."""
    order = before = world.place(limit_price="1540").order
    asked = Event(kind=EventKind.CANCEL_REQUESTED, at=world.clock.now(), note="asked" * 200)
    while FULL not in order.history[-1].event.evidence:
        order = apply(order, asked)
    world.store.write(order, replacing=before)
    return order


def test_what_a_full_history_does_not_list_leaves_what_it_has_as_it_was(world: World) -> None:
    order = full(world)

    cancelled = cancel_order(world.desk, order.client_order_id).order

    assert cancelled.history[:-1] == order.history
    assert cancelled.history[-1].event.kind is EventKind.CANCELLED
