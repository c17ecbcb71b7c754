"""A stop's work that its worker died over is asked for again, whoever was answered."""

from datetime import timedelta

import pytest

from order_router.domain.kill_work import Phase
from order_router.domain.lifecycle import State
from order_router.domain.notices import NoticeNotQueued
from order_router.ports import StoreUnavailable
from order_router.service.kill_work import ask_anew, make_pass
from tests.fakes.kill import KillWorld, let_go
from tests.fakes.stopping import PAPER, pass_at, rest, state_of, stop


@pytest.fixture
def kill() -> KillWorld:
    return KillWorld()


def lose_passes(kill: KillWorld) -> None:
    """Let whoever was to ask for the next pass, or to make it, die."""
    kill.queue.asked.clear()


def test_work_whose_first_pass_nobody_asked_for_is_done_all_the_same(kill: KillWorld) -> None:
    order = rest(kill, "k-1")
    stop(kill, cancels_open=True)
    lose_passes(kill)
    kill.world.clock.advance(120)

    assert ask_anew(kill.work_desk) == ("paper",)
    assert kill.queue.asked == [("paper", kill.work().work_id, 0)]
    kill.run_passes()

    assert state_of(kill, order) is State.CANCELLED
    assert kill.work().phase is Phase.DONE
    assert len(kill.told("kill_outcome")) == 1


@pytest.mark.parametrize(
    ("after_s", "is_asked"), [(119, False), (120, True), (3599, True), (3600, False), (86_400, False)]
)
def test_work_is_asked_for_from_two_minutes_after_its_last_pass_for_an_hour(
    kill: KillWorld, after_s: int, *, is_asked: bool
) -> None:
    rest(kill, "k-1")
    stop(kill, cancels_open=True)
    pass_at(kill, 2)
    lose_passes(kill)
    kill.world.clock.advance(after_s)

    assert bool(ask_anew(kill.work_desk)) is is_asked
    assert bool(kill.queue.asked) is is_asked


def test_work_that_is_over_and_told_is_let_be(kill: KillWorld) -> None:
    stop(kill, cancels_open=True)
    kill.run_passes()
    kill.world.clock.advance(300)

    assert ask_anew(kill.work_desk) == ()


def test_an_end_that_could_not_be_told_is_told_later(kill: KillWorld) -> None:
    stop(kill, cancels_open=True)
    kill.run_passes()
    untold = kill.work().model_copy(update={"is_told": False})
    kill.works.write(untold, replacing=kill.work())
    told = len(kill.told("kill_outcome"))
    kill.world.clock.advance(300)

    ask_anew(kill.work_desk)
    kill.run_passes()

    assert len(kill.told("kill_outcome")) == told + 1
    assert kill.work().is_told


def test_an_end_that_cannot_be_queued_brings_its_message_back(kill: KillWorld) -> None:
    work = stop(kill, cancels_open=True)
    kill.world.clock.advance(5)
    kill.world.notifier.fails = 1

    with pytest.raises(NoticeNotQueued):
        make_pass(kill.work_desk, work.name, work.work_id)
    make_pass(kill.work_desk, work.name, work.work_id)

    assert len(kill.told("kill_outcome")) == 1


def test_forgotten_work_of_a_stop_that_was_let_go_since_cancels_nothing_and_says_so(kill: KillWorld) -> None:
    order = rest(kill, "k-1")
    stop(kill, cancels_open=True)
    lose_passes(kill)
    let_go(kill, PAPER, by="k-admin", reason="all is well")
    kill.world.clock.advance(180)

    ask_anew(kill.work_desk)
    kill.run_passes()

    assert state_of(kill, order) is State.OPEN
    assert kill.work().phase is Phase.STOPPED
    assert "the switch was turned off before all was done" in kill.told("kill_outcome")[0]


def test_a_pass_too_many_does_no_harm(kill: KillWorld) -> None:
    order = rest(kill, "k-1")
    work = stop(kill, cancels_open=True)
    kill.world.clock.advance(120)

    ask_anew(kill.work_desk)
    assert len(kill.queue.asked) == 2
    kill.run_passes()
    make_pass(kill.work_desk, work.name, work.work_id)

    assert state_of(kill, order) is State.CANCELLED
    assert len(kill.told("kill_outcome")) == 1


def test_a_queue_that_is_down_is_an_error_and_the_work_is_found_again(kill: KillWorld) -> None:
    stop(kill, cancels_open=True)
    lose_passes(kill)
    kill.world.clock.advance(120)
    kill.queue.is_down = True

    with pytest.raises(StoreUnavailable):
        ask_anew(kill.work_desk)

    kill.queue.is_down = False
    kill.world.clock.advance(timedelta(minutes=1).total_seconds())
    assert ask_anew(kill.work_desk) == ("paper",)
