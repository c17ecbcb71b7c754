"""Find the turns of kill switches that a day saw, however many there were before and since."""

from bisect import bisect_left
from datetime import date
from typing import TYPE_CHECKING

from order_router.domain.exchange_time import exchange_day
from order_router.domain.kill_switch import KillSwitch, SwitchState
from order_router.ports import StoreUnavailable

if TYPE_CHECKING:
    from order_router.service.kill_desk import KillSwitches


def turns_on(switches: "KillSwitches", switch: KillSwitch, day: date) -> tuple[SwitchState, ...]:
    """Return the turns of a day at the Indian exchanges, oldest first; StoreUnavailable rather than one too few.

    They are numbered as they happened, so that a year of them costs a few reads and not all.
    """
    numbers = range(1, switches.get(switch).version + 1)
    first = bisect_left(numbers, day, key=lambda number: _day(switches.turned(switch, number)))
    found: list[SwitchState] = []
    for number in numbers[first:]:
        turn = switches.turned(switch, number)
        if _day(turn) != day:
            break
        found.append(turn)
    return tuple(found)


def _day(turn: SwitchState) -> date:
    if turn.at is None:
        raise StoreUnavailable(f"turn {turn.version} of the kill switch of {turn.switch} says no time")
    return exchange_day(turn.at)
