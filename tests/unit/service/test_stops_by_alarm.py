"""A change of an alarm stops once: what comes again tells again, and stops nothing that a person has let go since."""

import pytest

from order_router.domain.kill_switch import EVERYTHING
from order_router.service.kill_switch import Engage, engage, engage_once
from tests.fakes.kill import KillWorld, let_go

ALARM = Engage(switch=EVERYTHING, by="alarm dead-letters", reason="a letter came")


@pytest.fixture
def kill() -> KillWorld:
    return KillWorld()


def test_a_change_stops_and_its_reason_names_it(kill: KillWorld) -> None:
    assert engage_once(kill.desk, ALARM, "change 1")

    state = kill.switches.get(EVERYTHING)
    assert (state.is_on, state.by, state.reason) == (True, "alarm dead-letters", "a letter came (change 1)")
    assert len(kill.told("kill_on")) == 1


def test_a_change_without_words_is_its_own_reason(kill: KillWorld) -> None:
    engage_once(kill.desk, Engage(switch=EVERYTHING, by="alarm"), "change 1")

    assert kill.switches.get(EVERYTHING).reason == "(change 1)"


def test_a_change_that_comes_again_only_tells_again(kill: KillWorld) -> None:
    for _ in range(2):
        assert engage_once(kill.desk, ALARM, "change 1")

    assert kill.switches.get(EVERYTHING).version == 1
    assert len(kill.told("kill_on")) == 2


def test_a_change_that_comes_again_stops_nothing_that_a_person_has_let_go(kill: KillWorld) -> None:
    engage_once(kill.desk, ALARM, "change 1")
    let_go(kill, EVERYTHING, by="laptop", reason="mended")

    assert engage_once(kill.desk, ALARM, "change 1")

    assert not kill.switches.get(EVERYTHING).is_on
    assert len(kill.told("kill_on")) == 1


def test_another_change_stops_anew(kill: KillWorld) -> None:
    engage_once(kill.desk, ALARM, "change 1")
    let_go(kill, EVERYTHING, by="laptop", reason="mended")

    engage_once(kill.desk, ALARM, "change 2")

    state = kill.switches.get(EVERYTHING)
    assert (state.is_on, state.reason) == (True, "a letter came (change 2)")


def test_a_stop_by_a_person_is_not_the_alarm_s(kill: KillWorld) -> None:
    engage(kill.desk, Engage(switch=EVERYTHING, by="laptop", reason="lunch"))
    let_go(kill, EVERYTHING, by="laptop", reason="back")

    engage_once(kill.desk, ALARM, "change 1")

    assert kill.switches.get(EVERYTHING).is_on


@pytest.mark.parametrize(("turns", "is_remembered"), [(19, True), (20, False)])
def test_a_change_is_looked_for_among_the_last_twenty_turns(
    kill: KillWorld, turns: int, *, is_remembered: bool
) -> None:
    engage_once(kill.desk, ALARM, "change 1")
    for turn in range(turns):
        if turn % 2:
            engage(kill.desk, Engage(switch=EVERYTHING, by="laptop", reason="lunch"))
        else:
            let_go(kill, EVERYTHING, by="laptop", reason="back")
    before = kill.switches.get(EVERYTHING)

    engage_once(kill.desk, ALARM, "change 1")

    assert (kill.switches.get(EVERYTHING) == before) is is_remembered


def test_a_change_that_cannot_be_told_says_so(kill: KillWorld) -> None:
    kill.world.notifier.fails = 2

    assert [engage_once(kill.desk, ALARM, "change 1") for _ in range(3)] == [False, False, True]
