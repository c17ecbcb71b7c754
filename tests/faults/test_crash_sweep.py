"""A worker that dies at any outside call, or at any two: never two orders, never one forgotten, at every broker.

A scenario is one broker, one call (place, modify, cancel) and one outcome of its write. It is run with a death before
and after every outside call of ours, then with every second death that can follow the first. Only the number of looks
after the call bounds it: each look at an order that is not over makes the same calls again. At each commit deaths that
leave the same are run once; SWEEPS=whole runs every one.
"""

import logging
from contextlib import suppress

import pytest

from order_router.brokers.registry import BROKERS
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.order import Order
from order_router.domain.order_news import NEWS
from order_router.service import settling
from tests.depth import IS_WHOLE
from tests.fakes.world import World
from tests.faults.crashes import Crash, Crashes, Point, leaves_the_same, points, sides, sweep
from tests.faults.played_brokers import PLAYED, Call, Outcome
from tests.faults.search.wrong_protocols import told_without_a_write
from tests.faults.staged import STAGED, Scenario

QUIET_ENDS: dict[Call, dict[Outcome, tuple[State, EventKind | None]]] = {
    Call.PLACE: {
        Outcome.ACKNOWLEDGED: (State.FILLED, None),
        Outcome.REFUSED: (State.FILLED, EventKind.NEVER_SENT),
        Outcome.LAPSED: (State.FILLED, EventKind.NEVER_SENT),
        Outcome.REQUEST_LOST: (State.UNKNOWN, EventKind.OUTCOME_LOST),
        Outcome.ANSWER_LOST: (State.FILLED, EventKind.OUTCOME_LOST),
        Outcome.GARBAGE: (State.FILLED, EventKind.OUTCOME_LOST),
        Outcome.REJECTED: (State.REJECTED, EventKind.REJECTED),
        Outcome.REJECTED_AFTER: (State.REJECTED, EventKind.REJECTED),
    },
    Call.MODIFY: {
        Outcome.ACKNOWLEDGED: (State.OPEN, EventKind.MODIFIED),
        Outcome.REFUSED: (State.OPEN, EventKind.MODIFY_REJECTED),
        Outcome.LAPSED: (State.OPEN, EventKind.MODIFY_REJECTED),
        Outcome.REQUEST_LOST: (State.OPEN, EventKind.MODIFY_UNRESOLVED),
        Outcome.ANSWER_LOST: (State.OPEN, EventKind.MODIFY_UNRESOLVED),
        Outcome.GARBAGE: (State.OPEN, EventKind.MODIFY_UNRESOLVED),
        Outcome.REJECTED: (State.OPEN, EventKind.MODIFY_REJECTED),
    },
    Call.CANCEL: {
        Outcome.ACKNOWLEDGED: (State.CANCELLED, None),
        Outcome.REFUSED: (State.OPEN, EventKind.CANCEL_REJECTED),
        Outcome.LAPSED: (State.CANCELLED, EventKind.CANCEL_REJECTED),
        Outcome.REQUEST_LOST: (State.OPEN, EventKind.CANCEL_UNRESOLVED),
        Outcome.ANSWER_LOST: (State.CANCELLED, EventKind.CANCEL_UNRESOLVED),
        Outcome.GARBAGE: (State.CANCELLED, EventKind.CANCEL_UNRESOLVED),
        Outcome.REJECTED: (State.FILLED, EventKind.CANCEL_REJECTED),
        Outcome.REJECTED_AFTER: (State.FILLED, None),
    },
}
"""How an order ends where no worker dies, and what its history tells first of the outcome."""
TOLD_BY_HISTORY = {mark for ends in QUIET_ENDS.values() for _, mark in ends.values()} - {None}


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


def play(broker: str, call: Call, outcome: Outcome, crashes: Crashes) -> Scenario:
    scenario = Scenario(broker, crashes)
    STAGED[call](scenario, call, outcome)
    scenario.look_until_quiet()
    scenario.require_truth()
    return scenario


@pytest.mark.parametrize("outcome", list(Outcome), ids=str)
@pytest.mark.parametrize("call", list(Call), ids=str)
@pytest.mark.parametrize("broker", sorted(BROKERS))
def test_a_death_at_any_one_or_two_outside_calls_does_no_harm(
    broker: str, call: Call, outcome: Outcome
) -> None:
    require_playable(broker, call, outcome)
    require_quiet_end(play(broker, call, outcome, Crashes()).order(), QUIET_ENDS[call][outcome])

    swept = sweep(lambda crashes: play(broker, call, outcome, crashes), is_every=IS_WHOLE)

    print(f"{swept.runs} runs for {swept.met} deaths and pairs")
    assert swept.met > 200
    assert swept.runs > 30


def require_quiet_end(order: Order | None, end: tuple[State, EventKind | None]) -> None:
    """The outcome that was to be played has happened: a sweep of another would prove nothing."""
    assert order is not None
    kinds = (step.event.kind for step in order.history)
    assert (order.state, next((kind for kind in kinds if kind in TOLD_BY_HISTORY), None)) == end


def require_playable(broker: str, call: Call, outcome: Outcome) -> None:
    if broker not in PLAYED:
        pytest.skip(f"nothing plays {broker}'s side yet")
    if not PLAYED[broker](World()).can_play(call, outcome):
        pytest.skip(f"{broker} cannot be played so")


def test_a_notice_that_no_stored_step_stands_for_tells_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "_tell_unknown", told_without_a_write)

    with pytest.raises(AssertionError, match="unknown, and nobody was told"):
        play("zerodha", Call.PLACE, Outcome.REQUEST_LOST, Crashes())


def test_a_stored_step_that_is_no_news_of_the_stream_tells_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(NEWS, EventKind.PERSON_TOLD)

    with pytest.raises(AssertionError, match="unknown, and nobody was told"):
        play("zerodha", Call.PLACE, Outcome.REQUEST_LOST, Crashes())


def test_every_outside_call_is_a_crash_point() -> None:
    quiet = Crashes()

    play("zerodha", Call.PLACE, Outcome.REQUEST_LOST, quiet)

    assert set(quiet.calls) == {
        "settings.prepare",
        "settings.account",
        "breakers.get",
        "breakers.write",
        "store.write",
        "store.list_unsettled",
        "sessions.session",
        "write to broker",
        "read from broker",
        "notifier.tell",
        "reconcile.put",
        "looks.is_coming",
        "looks.expect",
    }


@pytest.mark.parametrize("call", list(Call), ids=str)
@pytest.mark.parametrize("broker", sorted(PLAYED))
def test_a_death_that_is_left_out_leaves_and_ends_as_the_one_that_stands_for_it(
    broker: str, call: Call
) -> None:
    quiet = Crashes()
    play(broker, call, Outcome.ANSWER_LOST, quiet)
    left_and_ended: tuple[object, object] | None = None
    left_out = 0

    for point in sides(quiet.calls):
        if point.is_after and point.call in quiet.raised:
            # nobody dies after a call that ends with an error
            continue
        scenario = play(broker, call, Outcome.ANSWER_LOST, Crashes(frozenset({point})))
        found = scenario.left, scenario.outside()
        if leaves_the_same(quiet, point):
            assert found == left_and_ended, f"{quiet.calls[point.call]}, {point}"
            left_out += 1
        else:
            left_and_ended = found

    assert left_out > 20


def test_a_sweep_meets_every_point_and_every_pair() -> None:
    died: list[frozenset[Point]] = []

    def twice_two_calls(crashes: Crashes) -> None:
        for _ in range(2):
            try:
                crashes.around("first", lambda: None)
                crashes.around("second", lambda: None)
            except Crash:
                pass
        died.append(crashes.points)

    swept = sweep(twice_two_calls)

    # one without a death, eight with one; a death in the first try leaves two calls for the next, in the second none
    assert swept.met == swept.runs == len(died) == len(set(died)) == 1 + 8 + 4 * 4


def test_a_sweep_runs_once_for_deaths_that_leave_the_same() -> None:
    ran: list[frozenset[Point]] = []

    def two_workers_read_write_and_read(crashes: Crashes) -> None:
        for _ in range(2):
            crashes.begin()
            try:
                for name in ("store.get", "store.write", "store.list_day"):
                    crashes.around(name, lambda: None)
            except Crash:
                pass
        ran.append(crashes.points)

    swept = sweep(two_workers_read_write_and_read)

    # each worker's six sides are two points, before its write and after it
    assert swept.runs == len(ran) == len(set(ran)) == 1 + 4 + 2 * 2
    assert swept.met == sweep(two_workers_read_write_and_read, is_every=True).runs


def test_a_death_before_a_call_that_follows_a_failed_write_is_one_of_its_own() -> None:
    crashes = Crashes()
    crashes.begin()

    def fail() -> None:
        raise OSError

    with suppress(OSError):
        crashes.around("store.write", fail)
    crashes.around("store.get", lambda: None)
    with suppress(OSError):
        crashes.around("store.get", fail)
    crashes.around("store.write", lambda: None)

    # after the write that failed nobody dies; a read that failed has changed nothing either
    assert [(point.call, point.is_after) for point in points(crashes)] == [
        (0, False),
        (0, True),
        (1, False),
        (3, True),
    ]


def test_a_worker_that_slept_is_not_where_it_was_before() -> None:
    crashes = Crashes()
    crashes.begin()
    for name in ("store.get", "store.get", "store.get"):
        crashes.around(name, lambda: None)
        crashes.part()

    assert [(point.call, point.is_after) for point in points(crashes)] == [(0, False), (1, False), (2, False)]
