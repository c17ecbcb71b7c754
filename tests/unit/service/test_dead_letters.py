"""What the queue gave up on: ended, kept, told, and never traded late."""

import runpy
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import pytest

from order_router import wiring
from order_router.domain.lifecycle import State
from order_router.domain.vocabulary import Source
from order_router.ports import Letter, ResumeOrder
from order_router.service.dead_letters import bury_order, bury_unreadable
from order_router.service.place import StillUnsent, place_order
from tests.fakes.queues import MemoryDeadLetters
from tests.fakes.transport import Fault
from tests.fakes.world import World

LETTER = Letter("m-1", "the body")


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def letters() -> MemoryDeadLetters:
    return MemoryDeadLetters()


def states(world: World) -> list[State]:
    return [order.state for order, _ in world.store.tables.orders.values()]


def kinds(world: World) -> list[str]:
    return [notice.kind for notice in world.notifier.notices]


def test_an_order_that_was_never_stored_ends_stale_and_is_told(
    world: World, letters: MemoryDeadLetters
) -> None:
    assert bury_order(world.desk, letters, LETTER, world.command(source=Source.ALERT))

    assert states(world) == [State.STALE]
    assert kinds(world) == ["stale"]
    assert letters.kept == {"m-1": "the body"}


def test_an_order_that_never_left_ends_stale(world: World, letters: MemoryDeadLetters) -> None:
    command = world.command(source=Source.ALERT)
    world.transport.writes = [Fault.REFUSED] * 1000
    with pytest.raises(StillUnsent):
        place_order(world.desk, command)

    bury_order(world.desk, letters, LETTER, command)

    assert states(world) == [State.STALE]
    assert kinds(world) == ["stale"]


@pytest.mark.parametrize("fault", [Fault.NONE, Fault.ANSWER_LOST])
def test_an_order_that_may_have_left_is_left_alone(
    world: World, letters: MemoryDeadLetters, fault: Fault
) -> None:
    command = world.command(source=Source.ALERT)
    world.transport.writes = [fault]
    placed = place_order(world.desk, command).order

    bury_order(world.desk, letters, LETTER, command)

    assert states(world) == [placed.state]
    assert kinds(world) == []


def test_a_buried_order_that_is_driven_again_never_trades(world: World, letters: MemoryDeadLetters) -> None:
    command = world.command(source=Source.ALERT)
    bury_order(world.desk, letters, LETTER, command)

    again = place_order(world.desk, command)

    assert again.order.state is State.STALE
    assert world.at_broker() == []


def test_buried_twice_it_is_told_once(world: World, letters: MemoryDeadLetters) -> None:
    command = world.command(source=Source.ALERT)

    bury_order(world.desk, letters, LETTER, command)
    bury_order(world.desk, letters, LETTER, command)

    assert kinds(world) == ["stale"]


def test_an_order_for_an_account_that_is_gone_is_kept_and_told(
    world: World, letters: MemoryDeadLetters
) -> None:
    bury_order(world.desk, letters, LETTER, world.command(source=Source.ALERT, account="gone"))

    assert letters.kept == {"m-1": "the body"}
    assert kinds(world) == ["unreadable"]


def test_a_message_that_is_no_order_is_kept_and_told(world: World, letters: MemoryDeadLetters) -> None:
    bury_unreadable(world.desk, letters, LETTER)

    assert letters.kept == {"m-1": "the body"}
    assert kinds(world) == ["unreadable"]


@pytest.mark.parametrize("days", [0.003, 1, 3])
def test_a_message_of_another_hour_or_day_never_trades(world: World, days: float) -> None:
    command = world.command(source=Source.ALERT)
    world.clock.advance(days * 24 * 3600)

    order = place_order(world.desk, command).order

    assert order.state is State.STALE
    assert world.transport.sent == []
    assert kinds(world) == ["stale"]


def test_a_held_order_whose_message_was_given_up_ends_stale(world: World, letters: MemoryDeadLetters) -> None:
    world.transport.writes = [Fault.REQUEST_LOST]
    world.place("lost", source=Source.ALERT, strategy="demo")
    held = world.place("entry", source=Source.ALERT, strategy="demo").order

    assert bury_order(world.desk, letters, LETTER, ResumeOrder(held.client_order_id))

    assert states(world) == [State.UNKNOWN, State.STALE]
    assert letters.kept == {"m-1": "the body"}


def test_a_given_up_message_to_go_on_with_an_order_that_nobody_has_is_kept(
    world: World, letters: MemoryDeadLetters
) -> None:
    bury_order(world.desk, letters, LETTER, ResumeOrder("ABCDEFGHIJ234567ABCD"))

    assert (states(world), letters.kept) == ([], {"m-1": "the body"})


def test_a_letter_that_could_not_be_told_comes_again_and_is_told_then(
    world: World, letters: MemoryDeadLetters
) -> None:
    app = Path(__file__).resolve().parents[3] / "functions" / "dead_letters" / "app.py"
    made = SimpleNamespace(record_desk=world.desk, dead_letters=letters)
    with patch.object(wiring, "world", lambda: made):
        handler = runpy.run_path(str(app))["handler"]
    queue_is_down, event = 2, {"Records": [{"messageId": "m-1", "body": "no order"}]}
    world.notifier.fails = queue_is_down

    answers = [handler(event, None)["batchItemFailures"] for _ in range(queue_is_down + 1)]

    assert answers == [[{"itemIdentifier": "m-1"}]] * queue_is_down + [[]]
    assert kinds(world) == ["unreadable"]
    assert letters.kept == {"m-1": "no order"}


def test_a_letter_for_an_account_that_is_gone_says_whether_it_is_told(
    world: World, letters: MemoryDeadLetters
) -> None:
    world.notifier.fails = 1
    command = world.command(account="gone")

    assert [bury_order(world.desk, letters, LETTER, command) for _ in range(2)] == [False, True]
