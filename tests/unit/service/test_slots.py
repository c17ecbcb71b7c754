"""A call leaves while it is good or takes another: however slow a worker is, nothing bunches up at a broker."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from order_router.adapter.errors import DeadlinePassed, NotSent, OutcomeUnknown, SlotLapsed
from order_router.adapter.http import HttpRequest, HttpResponse, Send
from order_router.domain.gate import SLOT_LIFE, Gate, PaceExceeded
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.order import Order
from order_router.domain.vocabulary import Source
from order_router.service.change import ChangeRefused, cancel_order, modify_order
from order_router.service.gates import LONGEST_SLOT_LIFE, longer
from order_router.service.place import StillUnsent, place_order
from order_router.service.slotted import Bounds, slotted_send
from order_router.service.timing import SEND_BUDGET, SEND_PAUSE_S
from order_router.transport.local import LocalTransport
from tests.fakes.clock import FakeClock
from tests.fakes.transport import Fault
from tests.fakes.world import World

LIFE_S = SLOT_LIFE.total_seconds()
BIT_S = 0.001
VENUE = "paper://exchange"
WRITE = HttpRequest(method="POST", url=VENUE + "/orders", is_write=True)
READ = HttpRequest(method="GET", url=VENUE + "/orders")


@pytest.fixture
def world() -> World:
    return World()


def slow(world: World, *seconds: float) -> list[datetime]:
    """Let a worker need so long from each claim to its write, the last for all to come; list when writes arrive."""
    inner, waits, arrived = world.transport.sender, list(seconds), list[datetime]()

    def sender(endpoint: str, *, not_after: datetime | None) -> Send:
        send = inner(endpoint, not_after=not_after)

        def late(request: HttpRequest) -> HttpResponse:
            if request.is_write:
                world.clock.advance(waits.pop(0) if len(waits) > 1 else waits[0])
            answer = send(request)
            if request.is_write:
                arrived.append(world.clock.now())
            return answer

        return late

    world.transport.sender = sender  # type: ignore[method-assign]
    return arrived


def kinds(order: Order) -> list[EventKind]:
    return [step.event.kind for step in order.history]


def resting(world: World) -> Order:
    order = world.place(limit_price="1400").order
    assert order.state is State.OPEN
    return order


def cancel(world: World, order: Order) -> Order:
    return cancel_order(world.desk, order.client_order_id).order


def modify(world: World, order: Order) -> Order:
    return modify_order(world.desk, order.client_order_id, {"quantity": 8}).order


# ------------------------------------------------------------ an order
@pytest.mark.parametrize(("late_s", "tries"), [(LIFE_S - BIT_S, 1), (LIFE_S, 1), (LIFE_S + BIT_S, 2)])
def test_a_call_is_good_to_its_last_instant_and_then_takes_another(
    world: World, late_s: float, tries: int
) -> None:
    slow(world, late_s)

    order = world.place().order

    assert order.state is State.FILLED
    assert kinds(order).count(EventKind.SUBMITTING) == tries
    assert (world.transport.writes_sent(), len(world.at_broker())) == (1, 1)


def test_a_lapsed_call_takes_another_at_once_and_says_so_in_the_history(world: World) -> None:
    slow(world, LIFE_S + BIT_S, 0)

    order = world.place().order

    assert kinds(order)[:4] == [
        EventKind.RECEIVED,
        EventKind.SUBMITTING,
        EventKind.NEVER_SENT,
        EventKind.SUBMITTING,
    ]
    reason = order.history[2].event.reason
    assert (reason and reason.code, world.clock.slept) == ("SLOT_LAPSED", [])
    assert len(world.store.tables.slots["paper#NSE"]) == 2


@pytest.mark.parametrize("slow_s", [0.3, 1.0, 1.5])
def test_a_worker_that_stays_slow_gets_its_order_out_once(world: World, slow_s: float) -> None:
    slow(world, slow_s)

    assert world.place().order.state is State.FILLED
    assert len(world.at_broker()) == 1


def test_an_order_whose_calls_all_lapse_ends_within_its_budget(world: World) -> None:
    slow(world, LONGEST_SLOT_LIFE.total_seconds() + 1)

    order = world.place().order

    assert (order.state, order.reason and order.reason.code) == (State.REFUSED, "SLOT_LAPSED")
    assert world.at_broker() == []


def test_an_alert_s_order_whose_calls_all_lapse_comes_again(world: World) -> None:
    command = replace(world.command(source=Source.ALERT), deadline=world.clock.now() + timedelta(minutes=5))
    slow(world, LONGEST_SLOT_LIFE.total_seconds() + 1)
    with pytest.raises(StillUnsent):
        place_order(world.desk, command)
    slow(world, -LONGEST_SLOT_LIFE.total_seconds() - 1)

    assert place_order(world.desk, command).order.state is State.FILLED
    assert len(world.at_broker()) == 1


@pytest.mark.parametrize("left_s", [BIT_S, SEND_PAUSE_S - BIT_S])
def test_an_order_is_tried_again_to_its_last_instant(world: World, left_s: float) -> None:
    late_s = LIFE_S + BIT_S
    command = replace(world.command(), deadline=world.clock.now() + timedelta(seconds=late_s + left_s))
    slow(world, late_s, 0)

    assert place_order(world.desk, command).order.state is State.FILLED


def test_an_order_that_becomes_too_old_while_its_call_is_good_does_not_leave(world: World) -> None:
    command = replace(world.command(), deadline=world.clock.now() + timedelta(seconds=0.1))
    slow(world, 0.1 + BIT_S)

    order = place_order(world.desk, command).order

    assert (order.state, order.reason and order.reason.code) == (State.STALE, "DEADLINE_PASSED")
    assert world.at_broker() == []


def test_a_stop_that_comes_before_the_next_call_stops_the_order(world: World) -> None:
    inner = world.sessions.session

    def stopped_meanwhile(account: object) -> object:
        world.clock.advance(LIFE_S + BIT_S)
        world.store.set_switch("kill#global", engaged=True)
        return inner(account)  # type: ignore[arg-type]

    world.sessions.session = stopped_meanwhile  # type: ignore[method-assign, assignment]

    order = world.place().order

    assert (order.state, order.reason and order.reason.code) == (State.REFUSED, "KILL_SWITCH_ON")
    assert world.transport.sent == []


def test_a_lapsed_call_is_no_failure_of_the_broker_and_no_call_to_measure(world: World) -> None:
    slow(world, LONGEST_SLOT_LIFE.total_seconds() + 1)

    for number in range(10):
        world.place(str(number))

    assert not world.desk.breakers.get("paper", "paper").failures
    assert (world.metrics.of("broker_failures"), world.notifier.notices) == ([], [])


def test_a_failure_of_the_broker_before_a_lapsed_call_is_counted(world: World) -> None:
    world.transport.writes = [Fault.REFUSED]
    slow(world, 0, LONGEST_SLOT_LIFE.total_seconds() + 3)

    world.place()

    assert len(world.desk.breakers.get("paper", "paper").failures) == 1
    assert world.metrics.of("broker_failures") == [1]


# ------------------------------------------------------------ a change
@pytest.mark.parametrize("change", [cancel, modify])
@pytest.mark.parametrize(("late_s", "tries"), [(LIFE_S - BIT_S, 1), (LIFE_S, 1), (LIFE_S + BIT_S, 2)])
def test_a_change_leaves_while_its_call_is_good_or_takes_another(
    world: World, change: Callable[[World, Order], Order], late_s: float, tries: int
) -> None:
    order = resting(world)
    sent = world.transport.writes_sent()
    slow(world, late_s)

    changed = change(world, order)

    assert changed.state is (State.CANCELLED if change is cancel else State.OPEN)
    asked = [kind for kind in kinds(changed) if kind.endswith("_requested")]
    refused = [kind for kind in kinds(changed) if kind.endswith("_rejected")]
    assert (len(asked), len(refused)) == (tries, tries - 1)
    assert world.transport.writes_sent() == sent + 1


@pytest.mark.parametrize("slow_s", [0.3, 1.0, 1.6])
def test_a_cancel_gets_out_of_a_slow_worker(world: World, slow_s: float) -> None:
    order = resting(world)
    slow(world, slow_s)

    assert cancel(world, order).state is State.CANCELLED


def test_a_change_whose_calls_all_lapse_is_refused_within_its_budget_and_the_order_stands(
    world: World,
) -> None:
    order = resting(world)
    sent, slow_s = world.transport.writes_sent(), LONGEST_SLOT_LIFE.total_seconds() + 1
    slow(world, slow_s)
    began_at = world.clock.now()

    with pytest.raises(ChangeRefused) as raised:
        cancel(world, order)

    assert raised.value.code == "SLOT_LAPSED"
    assert (raised.value.order.state, kinds(raised.value.order)[-1]) == (
        State.OPEN,
        EventKind.CANCEL_REJECTED,
    )
    assert world.transport.writes_sent() == sent
    assert world.clock.now() - began_at < SEND_BUDGET + timedelta(seconds=slow_s + BIT_S)
    assert not world.desk.breakers.get("paper", "paper").failures


@pytest.mark.parametrize(("late_s", "tries"), [(-BIT_S, 2), (0, 1)])
def test_a_lapsed_change_is_tried_again_to_the_last_instant_of_its_budget(
    world: World, late_s: float, tries: int
) -> None:
    order = resting(world)
    slow(world, SEND_BUDGET.total_seconds() + late_s, LONGEST_SLOT_LIFE.total_seconds() + 1, 0)

    with pytest.raises(ChangeRefused) as raised:
        cancel(world, order)

    assert kinds(raised.value.order).count(EventKind.CANCEL_REQUESTED) == tries


def test_a_lapsed_change_says_why_and_its_next_try_is_one_write(world: World) -> None:
    order = resting(world)
    inner, tried = world.store.write, list[Order]()

    def write(order: Order, *, replacing: Order | None, gate: Gate | None = None) -> datetime | None:
        if gate is not None and gate.pace is not None:
            tried.append(order)
        return inner(order, replacing=replacing, gate=gate)

    world.store.write = write  # type: ignore[method-assign]
    slow(world, LIFE_S + BIT_S, 0)

    cancelled = cancel(world, order)

    [refused] = [step.event for step in cancelled.history if step.event.kind is EventKind.CANCEL_REJECTED]
    assert (refused.note or "").partition(":")[0] == "SLOT_LAPSED"
    assert len(tried) == 2


def test_a_change_that_finds_no_further_call_says_what_became_of_the_last(world: World) -> None:
    order = resting(world)

    def full() -> None:
        far = world.clock.now() + timedelta(minutes=1)
        world.store.tables.slots["paper#NSE"] = [far] * 9

    slow(world, LIFE_S + BIT_S)
    advance = world.clock.advance

    def filling(seconds: float) -> None:
        advance(seconds)
        full()

    world.clock.advance = filling  # type: ignore[method-assign]

    with pytest.raises(PaceExceeded):
        cancel(world, order)

    stored = world.store.get(order.client_order_id)
    assert stored is not None
    assert kinds(stored)[-2:] == [EventKind.CANCEL_REQUESTED, EventKind.CANCEL_REJECTED]


# ------------------------------------------------------------ any second
@pytest.mark.parametrize("seed", range(30))
def test_no_second_at_the_broker_has_more_calls_however_slow_workers_are(world: World, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - chance, not secrecy
    arrived = slow(world, *(chance.choice([0, 0, 0.05, 0.15, 0.19, 0.25, 0.6]) for _ in range(200)))

    for number in range(40):
        world.place(str(number), limit_price="1400")

    assert len(arrived) >= 40
    for first, tenth in zip(arrived, arrived[9:], strict=False):
        assert tenth - first > timedelta(seconds=1)
    assert all(a <= b for a, b in pairwise(arrived))


# ------------------------------------------------------------ the send itself
class Line:
    """A transport whose writes meet these errors, first first; lists by when each write that it was given leaves."""

    def __init__(self, *errors: Exception | None) -> None:
        self.errors = list(errors)
        self.leaves_by: list[datetime | None] = []

    def sender(self, endpoint: str, *, not_after: datetime | None) -> Send:
        assert endpoint == VENUE

        def send(request: HttpRequest) -> HttpResponse:
            self.leaves_by.append(not_after)
            error = self.errors.pop(0) if self.errors else None
            if error is not None:
                raise error
            return HttpResponse(status=200, body=request.method.encode())

        return send


def bounded(clock: FakeClock, line: Line) -> tuple[Send, datetime, datetime]:
    send_by, not_after = clock.now() + SLOT_LIFE, clock.now() + timedelta(seconds=10)
    return slotted_send(line, clock, VENUE, Bounds(send_by=send_by, not_after=not_after)), send_by, not_after


def test_the_first_write_is_the_call_and_answers_to_what_is_asked_back_take_none() -> None:
    line = Line()
    send, send_by, not_after = bounded(FakeClock(), line)

    for request in (READ, WRITE, WRITE, READ):
        send(request)

    assert line.leaves_by == [not_after, send_by, not_after, not_after]


@pytest.mark.parametrize(
    ("error", "is_first_again"),
    [(NotSent("refused"), True), (SlotLapsed("late"), True), (OutcomeUnknown("silence"), False)],
)
def test_a_write_that_never_left_leaves_its_call_to_the_next(error: Exception, is_first_again: bool) -> None:
    line = Line(error)
    send, send_by, not_after = bounded(FakeClock(), line)
    with pytest.raises(type(error)):
        send(WRITE)

    send(WRITE)

    assert line.leaves_by == [send_by, send_by if is_first_again else not_after]


@pytest.mark.parametrize(
    ("late_s", "error"),
    [(0.2, None), (0.201, SlotLapsed), (10, SlotLapsed), (10.001, DeadlinePassed)],
)
def test_what_is_late_for_its_call_is_told_from_what_is_late_for_all(
    late_s: float, error: type[Exception] | None
) -> None:
    clock = FakeClock()
    local = LocalTransport(clock, {VENUE: lambda _: HttpResponse(status=200)})
    bounds = Bounds(send_by=clock.now() + SLOT_LIFE, not_after=clock.now() + timedelta(seconds=10))
    send = slotted_send(local, clock, VENUE, bounds)
    clock.advance(late_s)

    if error is None:
        assert send(WRITE).status == 200
        return
    with pytest.raises(NotSent) as raised:
        send(WRITE)
    assert type(raised.value) is error


def test_an_order_that_is_too_old_sooner_than_its_call_is_too_old() -> None:
    clock = FakeClock()
    local = LocalTransport(clock, {VENUE: lambda _: HttpResponse(status=200)})
    bounds = Bounds(send_by=clock.now() + SLOT_LIFE, not_after=clock.now() + timedelta(seconds=0.1))
    send = slotted_send(local, clock, VENUE, bounds)
    clock.advance(0.101)

    with pytest.raises(DeadlinePassed):
        send(WRITE)


def test_each_further_call_is_good_for_twice_as_long_up_to_a_limit() -> None:
    lives = [SLOT_LIFE]
    for _ in range(5):
        lives.append(longer(lives[-1]))

    assert [life.total_seconds() for life in lives] == [0.2, 0.4, 0.8, 1.6, 3.2, 3.2]
    assert longer(LONGEST_SLOT_LIFE) == LONGEST_SLOT_LIFE
    assert timedelta(seconds=SEND_PAUSE_S) < LONGEST_SLOT_LIFE < SEND_BUDGET
