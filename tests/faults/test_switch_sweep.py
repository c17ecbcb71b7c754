"""A kill switch that is turned on between any two outside calls of a placement, judged as requests leave.

Whoever passed the gate before may send until its call's life ends, at most `LONGEST_SLOT_LIFE` later, however slow it
is. Nobody takes a call at the gate after, and every order ends, or somebody was told.

SWEEPS=whole pauses for each switch; without it the switch of everything stands for the others, which only fall between
two calls and kill.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from order_router.adapter.http import HttpRequest, Send
from order_router.domain.account import Account
from order_router.domain.request import OrderRequest
from order_router.service import gates
from order_router.service.gates import LONGEST_SLOT_LIFE
from order_router.transport.local import LocalTransport
from tests.depth import IS_WHOLE
from tests.fakes.clock import FakeClock
from tests.fakes.world import World
from tests.faults.crashes import Point, VisitedCrashes
from tests.faults.played_brokers import PLAYED, Call, Outcome
from tests.faults.staged import STAGED, Scenario

STRATEGY = "demo"
SWITCHES = ("kill#global", "kill#account#paper", f"kill#strategy#{STRATEGY}")
# the fake loses a request before its transport has looked at the time
OUTCOMES = [outcome for outcome in Outcome if outcome is not Outcome.REQUEST_LOST]
PAUSES_S = (0, 0.15, 2, 4)
"""How slow a worker is in the call before which the switch is turned: within its call's life, and beyond any."""


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


class DatedRequests(list[HttpRequest]):
    """What has left, and `at`: when each order write did."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self._clock = clock
        self.at: list[datetime] = []

    def append(self, request: HttpRequest) -> None:
        """Keep the request."""
        super().append(request)
        if request.is_write:
            self.at.append(self._clock.now())


@dataclass(frozen=True)
class Stop:
    """Before which outside call which switch is turned on, and how slow that call's worker is, or that it dies."""

    at: int
    switch: str = SWITCHES[0]
    pause_s: float = 0
    is_deadly: bool = False


class Stage:
    """One placement with a stop in it."""

    def __init__(self, broker: str, stop: Stop) -> None:
        points = {Point(stop.at, is_after=False)} if stop.is_deadly else set()
        self.crashes = VisitedCrashes(stop.at, frozenset(points))
        self.crashes.come = self.come
        self.stop = stop
        self.scenario = Scenario(broker, self.crashes)
        self.world = self.scenario.world
        self.left = DatedRequests(self.world.clock)
        self.world.transport.sent = self.left
        self.stopped_at: datetime | None = None

    def come(self) -> None:
        self.stopped_at = self.world.clock.now()
        self.taken_before, self.left_before = self.calls_taken(), len(self.left.at)
        self.world.store.set_switch(self.stop.switch, engaged=True)
        self.world.clock.advance(self.stop.pause_s)

    def calls_taken(self) -> set[datetime]:
        """Return until when each call is good that was taken at the gate."""
        return {until for slots in self.world.store.tables.slots.values() for until in slots}

    def play(self, outcome: Outcome) -> "Stage":
        STAGED[Call.PLACE](self.scenario, Call.PLACE, outcome, strategy=STRATEGY)
        self.require()
        self.scenario.look_until_quiet()
        self.require()
        self.scenario.require_truth()
        return self

    def require(self) -> None:
        if self.stopped_at is None:
            return
        assert self.calls_taken() <= self.taken_before, "passed the gate after the stop"
        late = [at for at in self.left.at if at > self.stopped_at + LONGEST_SLOT_LIFE]
        assert not late, f"left at {late}, stopped at {self.stopped_at}"

    @property
    def left_after(self) -> int:
        """Return how many writes left once the switch was on."""
        return 0 if self.stopped_at is None else len(self.left.at) - self.left_before


def stops(broker: str, outcome: Outcome) -> Iterator[Stop]:
    """Yield every stop between two calls, by each switch."""
    for at in range(len(Stage(broker, Stop(-1)).play(outcome).crashes.calls)):
        for switch in SWITCHES:
            for pause_s in PAUSES_S if IS_WHOLE or switch == SWITCHES[0] else PAUSES_S[:1]:
                yield Stop(at, switch, pause_s)
            yield Stop(at, switch, is_deadly=True)


def play_all(broker: str, outcome: Outcome) -> list[Stage]:
    return [Stage(broker, stop).play(outcome) for stop in stops(broker, outcome)]


@pytest.mark.parametrize("outcome", OUTCOMES, ids=str)
@pytest.mark.parametrize("broker", sorted(PLAYED))
def test_nothing_passes_the_gate_after_a_stop_and_what_passed_leaves_within_its_life(
    broker: str, outcome: Outcome
) -> None:
    if not PLAYED[broker](World()).can_play(Call.PLACE, outcome):
        pytest.skip(f"{broker} cannot be played so")

    played = play_all(broker, outcome)

    left = sum(stage.left_after > 0 for stage in played)
    print(f"{len(played)} runs, in {left} a write left after the stop")
    assert len(played) > 50
    assert left > 0


def timeless(right: Any) -> Any:
    """Return a transport's `sender` that sends however late it is."""

    def sender(self: LocalTransport, endpoint: str, *, not_after: datetime | None) -> Send:
        sent: Send = right(self, endpoint, not_after=None)
        return sent

    return sender


def everything_only(_account: Account, _request: OrderRequest) -> tuple[str, ...]:
    return SWITCHES[:1]


BREAKS: dict[str, tuple[Any, str, Any, str]] = {
    "a call's life is not looked at": (LocalTransport, "sender", timeless(LocalTransport.sender), "left at"),
    "the gate has one switch": (gates, "switches_for", everything_only, "passed the gate after the stop"),
}


@pytest.mark.parametrize("broken", BREAKS)
def test_a_broken_promise_is_noticed(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    holder, name, wrong, rule = BREAKS[broken]
    monkeypatch.setattr(holder, name, wrong)

    with pytest.raises(AssertionError, match=rule):
        play_all("paper", Outcome.ACKNOWLEDGED)
