"""However many orders ask for looks, an account has one chain of them, and no order is left without a look."""

from datetime import timedelta
from typing import Any

import pytest

from order_router.domain.lifecycle import EventKind, State
from order_router.domain.order import Order
from order_router.domain.vocabulary import Source
from order_router.service.follow_up import AT_ONCE
from order_router.service.reconcile import answer_ask
from tests.fakes.transport import Fault
from tests.fakes.world import World
from tests.faults.crashes import Crashes, Point, crashing, sides
from tests.faults.look_queue import HIDDEN_S, LookQueue

MINUTE = 60
CHAIN_S = 120
LOOKS = 3
"""In so many looks of a chain a worker dies."""


def lose(world: World, key: str, **changes: Any) -> Order:
    world.transport.writes = [Fault.REQUEST_LOST]
    lost = world.place(key, **changes).order
    assert lost.state is State.UNKNOWN
    return lost


def has_been_looked_for(world: World, order: Order) -> bool:
    stored = world.store.get(order.client_order_id)
    return stored is not None and stored.has(EventKind.PERSON_TOLD)


@pytest.mark.parametrize("copies", [1, 2])
@pytest.mark.parametrize(("unknown", "held"), [(1, 0), (2, 0), (3, 0), (1, 2), (2, 2), (2, 20)])
def test_the_book_is_read_every_few_seconds_however_many_orders_ask(
    unknown: int, held: int, copies: int
) -> None:
    world = World()
    queue = LookQueue(world, copies=copies)
    for number in range(unknown):
        lose(world, f"lost-{number}", source=Source.ALERT, strategy=f"demo-{number}")
        queue.pass_time(0.1)
    for number in range(held):
        entry = world.place(f"held-{number}", source=Source.ALERT, strategy="demo-0").order
        assert entry.is_held
        queue.pass_time(0.1)

    queue.pass_time(MINUTE)

    assert 11 <= len(queue.looks) <= 13


@pytest.mark.parametrize("gap_tenths", range(0, 120, 7))
def test_an_order_that_is_lost_beside_another_is_looked_for_within_two_steps_of_the_chain(
    gap_tenths: int,
) -> None:
    world = World()
    queue = LookQueue(world)
    lose(world, "first")
    queue.pass_time(gap_tenths / 10)
    second = lose(world, "second")

    queue.pass_time(10)

    assert has_been_looked_for(world, second)


def two_lost_orders(crashes: Crashes, gap_s: float) -> tuple[World, list[Order]]:
    """Lose two orders, let workers of looks die, and let the queue go on until nothing is left in it."""
    world = World()
    queue = LookQueue(world, crashing(world.desk, crashes))
    orders = [lose(world, "first")]
    queue.pass_time(gap_s)
    orders.append(lose(world, "second"))
    queue.pass_time(CHAIN_S)
    queue.pass_time(2 * HIDDEN_S)
    return world, orders


def points_of_the_first_looks() -> list[Point]:
    quiet = Crashes()
    two_lost_orders(quiet, 0)
    begins = [number for number, name in enumerate(quiet.calls) if name == "looks.begin"]
    return sides(quiet.calls[: begins[LOOKS]])


@pytest.mark.parametrize("gap_s", [0, 1, 3, 5, 6, 8])
def test_wherever_a_worker_of_a_look_dies_each_lost_order_is_looked_for(gap_s: float) -> None:
    points = points_of_the_first_looks()

    for point in points:
        world, orders = two_lost_orders(Crashes(frozenset({point})), gap_s)
        assert all(has_been_looked_for(world, order) for order in orders), point

    assert len(points) > 30


def test_a_look_whose_message_is_lost_holds_the_others_back_for_a_moment_only() -> None:
    world = World()
    lose(world, "first")
    assert answer_ask(world.desk, "paper", None) is not None
    world.reconcile.asked.clear()
    second = lose(world, "second")

    world.clock.advance(20)
    assert answer_ask(world.desk, "paper", None) is None, "due 15 s ago, and no more"
    world.clock.advance(0.001)
    assert answer_ask(world.desk, "paper", None) is not None

    assert has_been_looked_for(world, second)
    assert world.reconcile.asked[-1] == ("paper", 5), "the chain goes on"


def test_what_cannot_wait_is_looked_at_at_once_and_begins_no_other_chain() -> None:
    world = World()
    queue = LookQueue(world)
    lost = lose(world, "lost")
    queue.pass_time(6)

    world.reconcile.put("paper", delay_s=0, look=AT_ONCE)
    queue.pass_time(MINUTE)

    at = [(began - lost.received_at) / timedelta(seconds=1) for began in queue.looks]
    assert at[:4] == [5, 6, 10, 15]
    assert len(at) == 14


def test_where_nothing_can_be_marked_every_message_leads_to_a_look() -> None:
    world = World()
    world.looks.is_down = True
    lost = lose(world, "lost")

    assert answer_ask(world.desk, "paper", None) is not None
    assert answer_ask(world.desk, "paper", "named") is not None

    assert has_been_looked_for(world, lost)
    assert world.reconcile.asked == [("paper", 5)] * 3


def test_a_message_that_could_not_be_sent_holds_nobody_back() -> None:
    world = World()
    lose(world, "first")

    world.reconcile.is_down = True
    answer_ask(world.desk, "paper", None)

    assert answer_ask(world.desk, "paper", None) is not None


def test_a_worker_that_was_frozen_until_the_next_look_is_due_holds_nobody_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()
    lose(world, "first")
    put = world.reconcile.put

    def put_and_freeze(account: str, *, delay_s: int, look: str | None = None) -> None:
        put(account, delay_s=delay_s, look=look)
        world.clock.advance(5)

    monkeypatch.setattr(world.reconcile, "put", put_and_freeze)
    answer_ask(world.desk, "paper", None)

    assert answer_ask(world.desk, "paper", None) is not None
