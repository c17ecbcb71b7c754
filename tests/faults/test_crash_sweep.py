"""A worker that dies at any outside call, once or twice: never two orders, never one forgotten."""

from collections.abc import Callable

import pytest

from order_router.domain.errors import RouterError
from order_router.domain.lifecycle import State
from order_router.domain.order import Order
from order_router.domain.vocabulary import Source
from order_router.paper.book import PaperOrder, Status
from order_router.ports import PlaceOrder
from order_router.service.change import cancel_order, modify_order
from order_router.service.desk import Desk
from order_router.service.place import StillUnsent, place_order
from order_router.service.reconcile import reconcile_account
from tests.fakes.transport import Fault
from tests.fakes.world import World
from tests.faults.crashes import Crash, Crashes, crashing, points, singles_and_pairs

DELIVERIES = 6
LOOKS = 12
STATE_AT_BROKER = {
    Status.COMPLETE: State.FILLED,
    Status.CANCELLED: State.CANCELLED,
    Status.OPEN: State.OPEN,
    Status.PARTIALLY_FILLED: State.PARTIALLY_FILLED,
}
FAULTS = [Fault.NONE, Fault.REFUSED, Fault.REQUEST_LOST, Fault.ANSWER_LOST]

Step = Callable[[Desk], object]


def survive(crashes: Crashes, world: World, step: Step) -> bool:
    """Run a step as a worker that may die; tell whether it lived."""
    try:
        step(crashing(world.desk, crashes))
    except Crash:
        return False
    except StillUnsent:
        return False
    return True


def deliver(crashes: Crashes, world: World, command: PlaceOrder) -> None:
    """Bring a message again and again until a worker is done with it, as the queue does."""
    for _ in range(DELIVERIES):
        if survive(crashes, world, lambda desk: place_order(desk, command)):
            return
        world.clock.advance(2)


def look_until_quiet(crashes: Crashes, world: World) -> None:
    """Let the schedule look again and again, long enough for every lease and deadline to end."""
    for _ in range(LOOKS):
        survive(crashes, world, lambda desk: reconcile_account(desk, "paper"))
        world.clock.advance(10)


def require_truth(world: World, order: Order | None, at_broker: list[PaperOrder]) -> None:
    """What we say is what the broker holds; where it holds nothing, it ended or somebody was told."""
    assert len(at_broker) <= 1, "two orders for one intent"
    assert order is not None, "an accepted intent was forgotten"
    if at_broker:
        assert order.state is STATE_AT_BROKER[at_broker[0].status]
        assert order.filled_quantity == at_broker[0].filled_quantity
        assert order.broker_order_id == at_broker[0].broker_order_id
    elif order.state is State.UNKNOWN:
        assert [notice.kind for notice in world.notifier.notices].count("unknown") >= 1
    else:
        assert order.state in {State.STALE, State.REFUSED, State.REJECTED}


def placed_through(crashes: Crashes, fault: Fault) -> None:
    world = World()
    world.transport.writes = [fault]
    command = world.command(source=Source.ALERT)

    deliver(crashes, world, command)
    look_until_quiet(crashes, world)

    stored = [order for order, _ in world.store.tables.orders.values()]
    require_truth(world, stored[0] if stored else None, world.at_broker())


@pytest.mark.parametrize("fault", FAULTS)
def test_placing_survives_a_death_at_any_one_or_two_calls(fault: Fault) -> None:
    quiet = Crashes()
    placed_through(quiet, fault)
    swept = 0

    for chosen in singles_and_pairs(min(len(quiet.calls), 16)):
        placed_through(Crashes(chosen), fault)
        swept += 1

    assert swept > 200


def changed_through(crashes: Crashes, fault: Fault, change: Callable[[Desk, str], object]) -> World:
    world = World()
    order = world.place(limit_price="1400").order
    world.transport.writes = [fault]

    survive(crashes, world, lambda desk: _tolerant(change, desk, order.client_order_id))
    look_until_quiet(crashes, world)

    require_truth(world, world.store.get(order.client_order_id), world.at_broker())
    return world


def _tolerant(change: Callable[[Desk, str], object], desk: Desk, client_order_id: str) -> None:
    try:
        change(desk, client_order_id)
    except RouterError:
        return


@pytest.mark.parametrize("fault", FAULTS)
def test_cancelling_survives_a_death_at_any_one_or_two_calls(fault: Fault) -> None:
    quiet = Crashes()
    changed_through(quiet, fault, cancel_order)

    for chosen in singles_and_pairs(min(len(quiet.calls), 16)):
        changed_through(Crashes(chosen), fault, cancel_order)


def modify(desk: Desk, client_order_id: str) -> object:
    return modify_order(desk, client_order_id, {"quantity": 8, "limit_price": "1401"})


@pytest.mark.parametrize("fault", FAULTS)
def test_modifying_survives_a_death_at_any_one_or_two_calls(fault: Fault) -> None:
    quiet = Crashes()
    changed_through(quiet, fault, modify)

    for chosen in singles_and_pairs(min(len(quiet.calls), 16)):
        world = changed_through(Crashes(chosen), fault, modify)
        held, ours = world.at_broker()[0].request, next(iter(world.store.tables.orders.values()))[0].request
        assert (held.quantity, held.limit_price) == (ours.quantity, ours.limit_price)


def test_every_outside_call_is_a_crash_point() -> None:
    quiet = Crashes()

    placed_through(quiet, Fault.ANSWER_LOST)

    assert {"store.write", "sessions.session", "write to broker", "reconcile.put", "read from broker"} <= set(
        quiet.calls
    )
    assert len(points(3)) == 6
