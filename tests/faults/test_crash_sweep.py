"""A worker that dies at any outside call, or at any two: never two orders, never one forgotten, at every broker.

A scenario is one broker, one call (place, modify, cancel) and one outcome of its write. It is run with a death before
and after every outside call of ours, then with every second death that can follow the first. Only the number of looks
after the call bounds it: each look at an order that is not over makes the same calls again.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from order_router.brokers.registry import BROKERS
from order_router.domain.errors import RouterError
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.order import Order
from order_router.domain.order_news import NEWS
from order_router.domain.vocabulary import Source
from order_router.service import settling
from order_router.service.change import cancel_order, modify_order
from order_router.service.desk import Desk
from order_router.service.follow_up import tell
from order_router.service.place import StillUnsent, place_order
from order_router.service.reconcile import reconcile_account
from tests.fakes.told import told_by
from tests.fakes.world import World
from tests.faults.crashes import Crash, Crashes, Point, crashing, is_between_reads, sides, sweep
from tests.faults.floor import usual_product
from tests.faults.played_brokers import ON_THE_WIRE, PLAYED, Call, HeldOrder, Outcome

DELIVERIES = 6
LOOKS = 4
BETWEEN_LOOKS_S = 40
"""Longer than a lease: whatever a dead worker owned is free at the next look."""
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


@dataclass
class Scenario:
    """One world, one broker's side of it, and the deaths to come."""

    broker: str
    crashes: Crashes
    world: World = field(default_factory=World)
    left: list[object] = field(default_factory=list)
    outcome: Outcome = Outcome.ACKNOWLEDGED

    def __post_init__(self) -> None:
        self.played = PLAYED[self.broker](self.world)

    def expect(self, call: Call, outcome: Outcome) -> None:
        self.outcome = outcome
        if outcome in ON_THE_WIRE:
            self.world.transport.writes = [ON_THE_WIRE[outcome]]
        elif outcome is not Outcome.ACKNOWLEDGED:
            self.played.play(call, outcome)

    def survive(self, step: Callable[[Desk], object]) -> bool:
        """Run a step as a worker that may die; tell whether it is done."""
        self.crashes.begin()
        try:
            step(crashing(self.world.desk, self.crashes))
        except Crash:
            self.left.append(self.outside())
            return False
        except StillUnsent:
            return False
        return True

    def outside(self) -> list[object]:
        """Return all that stays when a worker is gone."""
        world, tables = self.world, self.world.store.tables
        asked = (
            world.notifier.notices,
            world.reconcile.asked,
            world.looks._marks,
            world.renewer.reported,
            world.sessions.forgotten,
        )
        kept = tables.holds, tables.counts, tables.slots, tables.meters, world.breakers._stored
        return [world.clock.now(), self.order(), self.played.held(), *map(repr, (*asked, *kept))]

    def look_until_quiet(self) -> None:
        for _ in range(LOOKS):
            self.survive(lambda desk: reconcile_account(desk, "paper"))
            self.world.clock.advance(BETWEEN_LOOKS_S)

    def order(self) -> Order | None:
        stored = [order for order, _ in self.world.store.tables.orders.values()]
        assert len(stored) <= 1
        return stored[0] if stored else None

    def ends_unseen(self) -> set[State]:
        """Return how an order may end that the broker does not hold: what left and was lost proves nothing."""
        said_no = {State.REJECTED} if self.outcome is Outcome.REJECTED else set()
        return said_no | (set() if self.world.transport.writes_sent() else {State.STALE, State.REFUSED})

    def require_truth(self) -> None:
        """What we say is what the broker holds; where it holds nothing, it ended or somebody was told."""
        order, held = self.order(), self.played.held()
        assert order is not None, "an accepted intent was forgotten"
        assert len(held) <= 1, "two orders for one intent"
        if held:
            assert as_held(order) == held[0]
        elif order.state is State.UNKNOWN:
            assert "unknown" in {notice.kind for notice in told_by([order])}, "unknown, and nobody was told"
        else:
            assert order.state in self.ends_unseen(), f"{order.state} here, and the broker never said so"


def as_held(order: Order) -> HeldOrder:
    assert order.broker_order_id is not None
    return HeldOrder(
        broker_order_id=order.broker_order_id,
        state=order.state,
        quantity=order.request.quantity,
        filled_quantity=order.filled_quantity,
        limit_price=getattr(order.request, "limit_price", None),
    )


def place(broker: str, call: Call, outcome: Outcome, crashes: Crashes) -> Scenario:
    """Bring an alert's order again and again until a worker is done with it, as the queue does."""
    scenario = Scenario(broker, crashes)
    scenario.expect(call, outcome)
    command = scenario.world.command(source=Source.ALERT, product=usual_product(broker))
    for _ in range(DELIVERIES):
        if scenario.survive(lambda desk: place_order(desk, command)):
            break
        scenario.world.clock.advance(2)
    assert scenario.world.transport.writes_sent() <= 1, "sent twice"
    return scenario


def change(broker: str, call: Call, outcome: Outcome, crashes: Crashes) -> Scenario:
    """Change an order that rests, once: nobody repeats a caller's change."""
    scenario = Scenario(broker, crashes)
    resting = scenario.world.place(limit_price="1400", product=usual_product(broker)).order
    scenario.expect(call, outcome)

    def step(desk: Desk) -> None:
        try:
            CHANGES[call](desk, resting.client_order_id)
        except RouterError:
            return

    scenario.survive(step)
    return scenario


def modify(desk: Desk, client_order_id: str) -> object:
    return modify_order(desk, client_order_id, {"quantity": 8, "limit_price": "1401"})


CHANGES: dict[Call, Callable[[Desk, str], object]] = {Call.MODIFY: modify, Call.CANCEL: cancel_order}


STAGED: dict[Call, Callable[[str, Call, Outcome, Crashes], Scenario]] = {
    Call.PLACE: place,
    Call.MODIFY: change,
    Call.CANCEL: change,
}


def play(broker: str, call: Call, outcome: Outcome, crashes: Crashes) -> Scenario:
    scenario = STAGED[call](broker, call, outcome, crashes)
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

    swept = sweep(lambda crashes: play(broker, call, outcome, crashes))

    print(f"{swept.runs} runs for {swept.met} deaths and pairs")
    assert swept.met > 200
    assert swept.runs > 100


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


def asked_to_tell(desk: Desk, order: Order) -> Order:
    tell(desk, "unknown", order.request.account, "its outcome is not known", order.client_order_id)
    return order


def test_a_notice_that_no_stored_step_stands_for_tells_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "_tell_unknown", asked_to_tell)

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
def test_a_death_between_two_reads_leaves_what_a_death_before_both_leaves(broker: str, call: Call) -> None:
    quiet = Crashes()
    play(broker, call, Outcome.ANSWER_LOST, quiet)
    left, skipped = None, 0

    for point in sides(quiet.calls):
        scenario = play(broker, call, Outcome.ANSWER_LOST, Crashes(frozenset({point})))
        if is_between_reads(quiet, point):
            assert scenario.left == left, f"{quiet.calls[point.call]}, {point}"
            skipped += 1
        else:
            left = scenario.left

    assert skipped > 20


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


def test_a_sweep_runs_once_for_deaths_between_the_reads_of_one_worker() -> None:
    ran: list[frozenset[Point]] = []

    def two_workers_read_twice(crashes: Crashes) -> None:
        for _ in range(2):
            crashes.begin()
            try:
                crashes.around("store.get", lambda: None)
                crashes.around("store.list_day", lambda: None)
            except Crash:
                pass
        ran.append(crashes.points)

    swept = sweep(two_workers_read_twice)

    # each worker's four sides are two points; a death of the first leaves two points and four sides of the second
    assert swept.runs == len(ran) == len(set(ran)) == 1 + 4 + 2 * 2
    assert swept.met == 1 + 8 + 4 * 4
