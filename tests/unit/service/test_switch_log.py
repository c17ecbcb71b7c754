"""The turns of a day, found among those of years."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from order_router.domain.exchange_time import exchange_day
from order_router.domain.kill_switch import KillSwitch, StopScope, SwitchState, Turn
from order_router.ports import StoreUnavailable
from order_router.service.switch_log import turns_on
from tests.fakes.clock import MONDAY_MORNING, FakeClock
from tests.fakes.kill import MemoryKillSwitches
from tests.fakes.order_store import MemoryOrderStore

PAPER = KillSwitch(StopScope.ACCOUNT, "paper")


class Counted(MemoryKillSwitches):
    """Counts the turns that are read; `lost` names those whose record is gone."""

    def __init__(self) -> None:
        super().__init__(MemoryOrderStore(FakeClock()))
        self.read = 0
        self.lost: set[int] = set()

    def turned(self, switch: KillSwitch, number: int) -> SwitchState:
        self.read += 1
        if number in self.lost:
            raise StoreUnavailable("it is gone")
        return super().turned(switch, number)


def turned_at(moments: Iterable[datetime]) -> Counted:
    switches = Counted()
    for number, at in enumerate(moments):
        before = switches.get(PAPER)
        turn = Turn(at=at, by="laptop", reason=f"{number}")
        after = before.turned_off(turn) if before.is_on else before.turned_on(turn, lets_exits=False)
        switches.turn(after, before=before)
    return switches


@given(st.lists(st.integers(0, 12 * 24), max_size=40), st.integers(-1, 13))
def test_a_day_has_exactly_its_turns_oldest_first(hours: list[int], asked: int) -> None:
    moments = [MONDAY_MORNING + timedelta(hours=hour) for hour in sorted(hours)]
    day = exchange_day(MONDAY_MORNING) + timedelta(days=asked)

    found = turns_on(turned_at(moments), PAPER, day)

    assert [turn.at for turn in found] == [at for at in moments if exchange_day(at) == day]


def test_a_day_ends_at_midnight_in_india() -> None:
    last, first = (datetime(2026, 11, 23, 18, minute, tzinfo=UTC) for minute in (29, 30))
    switches = turned_at([last, first])

    assert [turn.at for turn in turns_on(switches, PAPER, date(2026, 11, 23))] == [last]
    assert [turn.at for turn in turns_on(switches, PAPER, date(2026, 11, 24))] == [first]


def test_a_day_among_a_thousand_turns_costs_a_few_reads() -> None:
    switches = turned_at(MONDAY_MORNING + timedelta(hours=hour) for hour in range(0, 24_000, 24))

    assert len(turns_on(switches, PAPER, exchange_day(MONDAY_MORNING) + timedelta(days=700))) == 1
    assert switches.read <= 13


def test_a_turn_whose_record_is_gone_is_never_left_out_in_silence() -> None:
    switches = turned_at([MONDAY_MORNING, MONDAY_MORNING, MONDAY_MORNING])
    switches.lost = {2}

    with pytest.raises(StoreUnavailable):
        turns_on(switches, PAPER, exchange_day(MONDAY_MORNING))


def test_a_turn_that_says_no_time_is_of_no_day_that_anybody_knows() -> None:
    switches = Counted()
    switches.turn(SwitchState(switch=PAPER, is_on=True, version=1), before=switches.get(PAPER))

    with pytest.raises(StoreUnavailable, match="turn 1 of the kill switch of account paper says no time"):
        turns_on(switches, PAPER, exchange_day(MONDAY_MORNING))
