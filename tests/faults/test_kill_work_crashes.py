"""A worker of the kill switch dies before or after any outside call: each position is closed once at most, and told."""

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from order_router.adapter.http import HttpRequest, HttpResponse
from order_router.domain.kill_switch import KillSwitch, StopScope
from order_router.domain.kill_work import Exit, KillWork, Phase
from order_router.domain.lifecycle import State
from order_router.domain.notices import NoticeNotQueued
from order_router.service import kill_exits
from order_router.service.kill_desk import KillWorkDesk
from order_router.service.kill_switch import Engage, engage
from order_router.service.kill_work import make_pass
from tests.fakes.kill import KillWorld

PAPER = KillSwitch(StopScope.ACCOUNT, "paper")
HIDDEN_S = 65
PASSES = 400


class Died(BaseException):
    """The process is gone: nothing in it may catch this."""


class Deaths:
    """Counts outside calls, and dies at one of them, before or after it was made."""

    def __init__(self, at: int, *, is_after: bool) -> None:
        self._at = at
        self._is_after = is_after
        self.calls = 0

    def around(self, holder: Any, name: str) -> None:
        inner: Callable[..., Any] = getattr(holder, name)

        def call(*arguments: Any, **named: Any) -> Any:
            self.calls += 1
            is_now = self.calls == self._at
            if is_now and not self._is_after:
                raise Died
            answer = inner(*arguments, **named)
            if is_now:
                raise Died
            return answer

        setattr(holder, name, call)


class LateBook:
    """A broker whose positions stand still: they show what was held at the stop, whatever has filled since."""

    def __init__(self, handle: Callable[[HttpRequest], HttpResponse]) -> None:
        self._handle = handle
        self._positions: HttpResponse | None = None

    def handle(self, request: HttpRequest) -> HttpResponse:
        answer = self._handle(request)
        if not request.url.endswith("/positions"):
            return answer
        self._positions = self._positions or answer
        return self._positions


CALLS = (("store", ("write", "get", "list_unsettled")), ("works", ("get", "write")), ("queue", ("put",)))


def stopped() -> KillWorld:
    """Return an account with an open order and two positions whose stop has just been asked for."""
    kill = KillWorld()
    market: dict[str, Any] = {"order_type": "MARKET", "limit_price": None}
    kill.world.place("k-1", **market)
    kill.world.place("k-2", instrument="NSE:RELIANCE", side="SELL", quantity=3, **market)
    kill.world.place("k-3", order_type="LIMIT", limit_price="1400")
    kill.world.clock.advance(2)
    engage(kill.desk, Engage(switch=PAPER, by="k-admin", closes_positions=True))
    return kill


def run(at: int, *, is_after: bool, is_late: bool = False) -> tuple[KillWorld, int]:
    """Stop an account with an open order and two positions; its worker dies at this call. Return all calls' number.

    `is_late`: positions show no exit, so that nothing but its key keeps one from leaving twice.
    """
    kill = stopped()
    deaths = Deaths(at, is_after=is_after)
    for holder, names in CALLS:
        for name in names:
            deaths.around(kill.world.store if holder == "store" else getattr(kill, holder), name)
    deaths.around(kill.switches, "get")
    deaths.around(kill.world.notifier, "tell")
    deaths.around(kill.world.exchange, "handle")
    handle = kill.world.exchange.handle
    kill.world.handlers["paper://exchange"] = LateBook(handle).handle if is_late else handle
    _deliver(kill)
    return kill, deaths.calls


def _deliver(kill: KillWorld) -> None:
    for _ in range(PASSES):
        if not kill.queue.asked:
            return
        name, work_id, delay_s = kill.queue.asked.pop(0)
        kill.world.clock.advance(delay_s)
        try:
            make_pass(kill.work_desk, name, work_id)
        except (Died, NoticeNotQueued):
            # the message comes again when its visibility is over
            kill.queue.asked.append((name, work_id, HIDDEN_S))
    pytest.fail("the work did not end")


def faults_of(kill: KillWorld) -> list[str]:
    work = kill.work()
    by_instrument = {"NSE:INFY": ("SELL", 5), "NSE:RELIANCE": ("BUY", 3)}
    exits = [order.request for order in kill.world.at_broker() if order.request.order_type == "MARKET"][2:]
    faults = [] if work.phase is Phase.DONE else [f"ended {work.phase}"]
    if len(work.exits) == 0 and not work.problems:
        faults.append("nothing was closed and nobody was told why")
    for name, wanted in by_instrument.items():
        left = [(str(one.side), one.quantity) for one in exits if str(one.instrument) == name]
        if left not in ([], [wanted]):
            faults.append(f"{name} was closed by {left}")
        if not left and not any(name in words for words in kill.told("kill_outcome")):
            faults.append(f"{name} was left and nobody was told")
    unsettled = [order for order in kill.world.store.list_unsettled("paper") if order.state is State.OPEN]
    told = next((words for words in kill.told("kill_outcome") if "account paper: done" in words), None)
    if told is None:
        return [*faults, "the end was not told"]
    faults += [
        f"{order.client_order_id} rests untold" for order in unsettled if order.client_order_id not in told
    ]
    return faults


@pytest.mark.parametrize("is_late", [False, True], ids=["", "late_positions"])
@pytest.mark.parametrize("is_after", [False, True], ids=["before", "after"])
def test_wherever_its_worker_dies_each_position_is_closed_at_most_once_and_what_is_left_is_told(
    is_after: bool, is_late: bool
) -> None:
    kill, calls = run(0, is_after=is_after, is_late=is_late)
    assert faults_of(kill) == []
    assert [line.state for line in kill.work().exits] == ["filled", "filled"]

    broken = {}
    for at in range(1, calls + 1):
        kill, _ = run(at, is_after=is_after, is_late=is_late)
        found = faults_of(kill)
        if found:
            broken[at] = found

    print(f"{calls} calls, a death at each")
    assert calls > 40
    assert broken == {}


def test_an_exit_that_has_another_key_each_time_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    placed, numbers = kill_exits._placed, count()

    def placed_anew(desk: KillWorkDesk, work: KillWork, line: Exit) -> Exit:
        return placed(desk, work, line.model_copy(update={"key": f"{line.key}:{next(numbers)}"}))

    monkeypatch.setattr(kill_exits, "_placed", placed_anew)

    _, calls = run(0, is_after=True, is_late=True)
    found = [faults_of(run(at, is_after=True, is_late=True)[0]) for at in range(1, calls + 1)]

    assert any("was closed by" in fault for faults in found for fault in faults)


def test_while_its_end_cannot_be_queued_the_message_comes_again_and_only_tells_that() -> None:
    quiet, _ = run(0, is_after=False)
    kill = stopped()
    kill.world.notifier.fails = len(quiet.told("kill_outcome")) + 3
    _deliver(kill)

    *_, end = quiet.told("kill_outcome")
    assert kill.told("kill_outcome") == [end]
    assert [order.request for order in kill.world.at_broker()] == [
        order.request for order in quiet.world.at_broker()
    ]
    assert kill.work().is_told
