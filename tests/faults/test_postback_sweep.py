"""Postbacks beside workers: they come between any two outside calls, twice, in the wrong order, and die anywhere.

While an order is placed, changed, cancelled and looked at, its broker fills some of it and ends it, and posts that.
Before one outside call all that was posted comes, newest first and each twice; the worker that it met goes on or dies,
and whoever takes the postbacks may die at either side of any call of its own (but between its reads). At the end all of
them come once more, oldest first; the next book settles the rest.

SWEEPS=whole lets them die with every outcome of the call; without it they die where the answer was lost.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from unittest.mock import patch

import pytest

from order_router.domain.errors import RouterError
from order_router.domain.following import events_of
from order_router.domain.gate import Gate
from order_router.domain.history import Event
from order_router.domain.lifecycle import State, allows
from order_router.domain.order import Order, apply
from order_router.service import postbacks, recording, settling
from order_router.service.desk import RecordDesk
from order_router.service.postbacks import Taken
from order_router.service.recording import Seen
from tests.depth import IS_WHOLE
from tests.fakes.order_store import MemoryOrderStore
from tests.fakes.world import World
from tests.faults.crashes import Crashes, Point, VisitedCrashes, points
from tests.faults.mailroom import Mailroom
from tests.faults.played_brokers import Call, Outcome, PlayedZerodha
from tests.faults.staged import STAGED, Scenario, look
from tests.simulators.kite_book import KiteBook

BROKER = "zerodha"
RESTS = "1400"
PART = 2
DEADLY = tuple(Outcome) if IS_WHOLE else (Outcome.ANSWER_LOST,)
NOTHING_TO_POST = {(Call.PLACE, Outcome.REQUEST_LOST), (Call.PLACE, Outcome.REJECTED)}


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


def fill_one(book: KiteBook, order_id: str) -> None:
    book.fill(order_id, quantity=1)


def fill_a_part(book: KiteBook, order_id: str) -> None:
    book.fill(order_id, quantity=PART)


def fill_in_two(book: KiteBook, order_id: str) -> None:
    book.fill(order_id, quantity=PART)
    book.fill(order_id)


def fill_a_part_and_cancel(book: KiteBook, order_id: str) -> None:
    book.fill(order_id, quantity=PART)
    book.cancel(order_id)


def nothing(_book: KiteBook, _order_id: str) -> None:
    """Only what our own calls made is posted."""


Move = Callable[[KiteBook, str], None]
MOVES: tuple[Move, ...] = (nothing, fill_a_part, fill_in_two, fill_a_part_and_cancel)


@dataclass(frozen=True)
class Visit:
    """Before which outside call the postbacks come, what happened at the broker, and who dies of it, and where."""

    at: int
    move: Move
    is_deadly: bool = False
    dies_at: Point | None = None


class Stage:
    """One scenario with postbacks in it."""

    def __init__(self, visit: Visit) -> None:
        points = {Point(visit.at, is_after=False)} if visit.is_deadly else set()
        self.crashes = VisitedCrashes(visit.at, frozenset(points))
        self.crashes.foresee, self.crashes.come = self.foresee, self.come
        self.visit = visit
        self.scenario = Scenario(BROKER, self.crashes)
        played = self.scenario.played
        assert isinstance(played, PlayedZerodha)
        deaths = Crashes(frozenset() if visit.dies_at is None else frozenset({visit.dies_at}))
        self.mail = Mailroom(self.scenario.world, played._kite, deaths)

    def foresee(self) -> None:
        """A unit fills where the rest will: whoever reads the book now is late with it."""
        if self.visit.move is not nothing:
            self.move(fill_one)

    def move(self, move: Move) -> None:
        book = self.mail.kite.book
        for order_id in [one["order_id"] for one in book.orders.values() if one["status"] == "OPEN"]:
            move(book, order_id)

    def come(self) -> None:
        self.move(self.visit.move)
        self.mail.take(self.mail.newest_first_and_twice())

    def play(self, call: Call, outcome: Outcome) -> "Stage":
        STAGED[call](self.scenario, call, outcome, limit_price=RESTS)
        self.scenario.look_until_quiet()
        self.mail.deaths.points = frozenset()
        self.mail.take(self.mail.posted.bodies)
        look(self.scenario.world.desk)
        self.require()
        return self

    def require(self) -> None:
        self.scenario.require_truth()
        for before, after in pairwise(self.scenario.world.store.writes):
            assert after.filled_quantity >= before.filled_quantity, "a fill shrank"
            assert not before.state.is_final or after.state is before.state, "an end was undone"
            assert after.history[: len(before.history)] == before.history, "history was rewritten"
        assert self.mail.strays.kept == {}, "our own order was taken for a stranger's"


def visits(call: Call, outcome: Outcome) -> Iterator[Visit]:
    """Yield every way in which the postbacks may come."""
    calls = len(Stage(Visit(-1, nothing)).play(call, outcome).crashes.calls)
    for at in range(calls):
        for move in MOVES:
            yield Visit(at, move)
            yield Visit(at, move, is_deadly=True)
        taking = Stage(Visit(at, fill_in_two)).play(call, outcome).mail.deaths
        for point in points(taking, is_every=IS_WHOLE) if outcome in DEADLY else ():
            yield Visit(at, fill_in_two, dies_at=point)


def require_playable(call: Call, outcome: Outcome) -> None:
    if not PlayedZerodha(World()).can_play(call, outcome):
        pytest.skip("the simulator cannot play this")
    if (call, outcome) in NOTHING_TO_POST:
        pytest.skip("no order is at the broker, and none is posted")


@pytest.mark.parametrize("outcome", list(Outcome), ids=str)
@pytest.mark.parametrize("call", list(Call), ids=str)
def test_postbacks_between_any_two_calls_do_no_harm_and_die_without_loss(
    call: Call, outcome: Outcome
) -> None:
    require_playable(call, outcome)
    runs, recorded, died = 0, 0, 0

    for visit in visits(call, outcome):
        mail = Stage(visit).play(call, outcome).mail
        runs += 1
        recorded += mail.taken.count(Taken.RECORDED)
        died += mail.died

    print(f"{runs} runs, {recorded} postbacks recorded, {died} died")
    assert runs > 100
    assert recorded > 20
    assert died > 20 if outcome in DEADLY else died == 0


def play_all(call: Call, outcome: Outcome) -> None:
    for visit in visits(call, outcome):
        Stage(visit).play(call, outcome)


def careless(self: MemoryOrderStore, order: Order, *, replacing: Order | None, gate: Gate | None) -> None:
    """Write whatever stands there."""
    current, _ = self.tables.orders.get(order.client_order_id, (None, None))
    write_with_care(self, order, replacing=current, gate=gate)


def record_as_first_seen(desk: RecordDesk, order: Order, seen: Seen) -> Order:
    """Work out what the report says before anybody else writes, and write it whatever stands there."""
    events = events_of(order, seen.report, desk.clock.now())
    with patch.object(recording, "apply_fitting", fitting_or_shrinking):
        return recording._stored(desk, order, lambda _: events)


def fitting_or_shrinking(order: Order, events: Iterable[Event]) -> Order:
    for event in events:
        order = apply(order, event) if allows(order.state, event.kind) else order
    return order


write_with_care = MemoryOrderStore._write
BREAKS: dict[str, tuple[Any, str, object, str]] = {
    "a write ignores the version that it replaces": (
        MemoryOrderStore,
        "_write",
        careless,
        "history was rewritten",
    ),
    "an older report is written over a newer": (
        settling,
        "record_report",
        record_as_first_seen,
        "not settled|filled quantity cannot go",
    ),
    "an order that is being sent is none of ours": (
        postbacks,
        "NEVER_LEFT",
        {*postbacks.NEVER_LEFT, State.SUBMITTING},
        "taken for a stranger's",
    ),
}


@pytest.mark.parametrize("broken", BREAKS)
def test_a_broken_promise_is_noticed(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    holder, name, wrong, rule = BREAKS[broken]
    monkeypatch.setattr(holder, name, wrong)

    with pytest.raises((AssertionError, RouterError, ValueError), match=rule):
        play_all(Call.PLACE, Outcome.ANSWER_LOST)
