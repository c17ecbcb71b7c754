"""One chain of looks at an account: who stands back, who looks all the same, and when the next one is marked."""

from datetime import timedelta
from typing import Any

import pytest

from order_router.ports import StoreUnavailable
from order_router.service.look_chain import ask_for_the_next, begin_look
from order_router.service.timing import LOOK_OVERDUE, RECONCILE_DELAY_S
from tests.fakes.world import World

DELAY = timedelta(seconds=RECONCILE_DELAY_S)


@pytest.fixture
def world() -> World:
    return World()


def asked(world: World) -> list[tuple[str, int]]:
    return [(account, delay_s) for account, delay_s, *_ in world.reconcile.asked]


def queue_takes(world: World, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    put = world.reconcile.put

    def slow(*arguments: Any, **named: Any) -> None:
        put(*arguments, **named)
        world.clock.advance(seconds)

    monkeypatch.setattr(world.reconcile, "put", slow)


def is_marked(world: World) -> bool:
    return world.looks.is_coming("paper", since=world.clock.now())


def test_where_marks_cannot_be_read_everybody_looks_and_asks_for_the_next(world: World) -> None:
    world.looks.is_down = True

    assert begin_look(world.desk, "paper", "a") is True
    ask_for_the_next(world.desk, "paper")

    assert asked(world) == [("paper", RECONCILE_DELAY_S)]


def test_one_look_is_asked_for_however_many_want_one(world: World) -> None:
    for _ in range(3):
        ask_for_the_next(world.desk, "paper")

    assert asked(world) == [("paper", RECONCILE_DELAY_S)]
    assert begin_look(world.desk, "paper", "another") is False


def test_a_look_that_is_long_overdue_holds_nobody_back(world: World) -> None:
    ask_for_the_next(world.desk, "paper")

    world.clock.advance((DELAY + LOOK_OVERDUE).total_seconds())
    assert begin_look(world.desk, "paper", "another") is False
    world.clock.advance(0.001)
    assert begin_look(world.desk, "paper", "another") is True


@pytest.mark.parametrize(("late_s", "marked"), [(-0.001, True), (0, False)])
def test_who_was_frozen_until_the_look_is_due_marks_it_no_more(
    world: World, monkeypatch: pytest.MonkeyPatch, late_s: float, *, marked: bool
) -> None:
    queue_takes(world, monkeypatch, RECONCILE_DELAY_S + late_s)

    ask_for_the_next(world.desk, "paper")

    assert is_marked(world) is marked


def test_a_look_that_could_not_be_queued_is_not_marked(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise StoreUnavailable("the queue did not answer")

    monkeypatch.setattr(world.reconcile, "put", full)

    ask_for_the_next(world.desk, "paper")

    assert not is_marked(world)
