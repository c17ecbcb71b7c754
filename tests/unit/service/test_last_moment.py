"""The last moment before a send: too late, too often, or no longer ours is never sent."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from order_router.adapter.http import HttpRequest, HttpResponse, Send
from order_router.adapter.port import Acknowledged, Broker, PlaceIntent
from order_router.adapter.session import BrokerSession
from order_router.domain.account import Account
from order_router.domain.exchange_time import exchange_day
from order_router.domain.gate import Gate, HoldChange
from order_router.domain.history import Event
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.order import Order, apply
from order_router.domain.vocabulary import Source
from order_router.service.gates import hold_name
from order_router.service.place import StillUnsent, order_of, place_order
from order_router.service.timing import LEASE, SEND_BUDGET, SEND_PAUSE_S
from tests.fakes.order_store import MemoryOrderStore
from tests.fakes.orders import a_request, a_submitting_order
from tests.fakes.transport import Fault
from tests.fakes.world import ENDPOINT, World


@pytest.fixture
def world() -> World:
    return World()


def kinds(order: Order) -> list[EventKind]:
    return [step.event.kind for step in order.history]


def frozen_before_sending(world: World, seconds: float) -> None:
    """Let the worker stand still between its claim and its send."""
    inner = world.sessions.session

    def session(account: Account) -> BrokerSession:
        world.clock.advance(seconds)
        return inner(account)

    world.sessions.session = session  # type: ignore[method-assign]


def test_each_write_finds_exactly_its_own_intent_stored(world: World) -> None:
    stored_at_each_send: list[list[State]] = []
    inner = world.exchange.handle

    def handle(request: HttpRequest) -> HttpResponse:
        if request.is_write:
            stored_at_each_send.append([order.state for order, _ in world.store.tables.orders.values()])
        return inner(request)

    world.handlers[ENDPOINT] = handle
    world.place()

    assert stored_at_each_send == [[State.SUBMITTING]]


def test_an_order_that_comes_too_late_is_never_claimed(world: World) -> None:
    command = world.command()
    world.clock.advance(10.001)

    order = place_order(world.desk, command).order

    assert kinds(order) == [EventKind.RECEIVED, EventKind.WENT_STALE]
    assert (world.store.tables.counts, world.store.tables.slots) == ({}, {})


def test_an_order_in_its_last_instant_still_trades(world: World) -> None:
    command = world.command()
    world.clock.advance(10)

    assert place_order(world.desk, command).order.state is State.FILLED


def test_what_the_broker_cannot_take_takes_no_count_and_no_call(world: World) -> None:
    order = world.place(product="MTF").order

    assert kinds(order) == [EventKind.RECEIVED, EventKind.REFUSED]
    assert (world.store.tables.counts, world.store.tables.slots) == ({}, {})


def waiting(world: World) -> Order:
    """Store an order that never left and waits for its next delivery."""
    order = order_of(world.command(source=Source.ALERT), Account(name="paper", broker="paper"))
    world.store.write(order, replacing=None)
    return order


def test_an_order_that_is_redelivered_too_late_is_not_claimed_again(world: World) -> None:
    command = world.command(source=Source.ALERT)
    waiting(world)
    world.clock.advance(10.001)

    order = place_order(world.desk, command).order

    assert kinds(order) == [EventKind.RECEIVED, EventKind.WENT_STALE]
    assert world.store.tables.slots == {}


def test_a_repeat_does_not_lengthen_the_time_to_trade(world: World) -> None:
    waiting(world)
    world.clock.advance(10.001)

    order = world.place(source=Source.ALERT).order

    assert order.state is State.STALE
    assert world.transport.sent == []


def test_an_order_that_becomes_too_old_after_its_claim_does_not_leave(world: World) -> None:
    frozen_before_sending(world, 10.001)

    order = world.place().order

    assert order.state is State.STALE
    assert (world.transport.sent, world.clock.slept) == ([], [])


def test_a_worker_that_wakes_after_its_lease_sends_nothing(world: World) -> None:
    command = replace(world.command(source=Source.ALERT), deadline=world.clock.now() + timedelta(hours=1))
    frozen_before_sending(world, LEASE.total_seconds() + 0.001)

    place_order(world.desk, command)

    assert (world.transport.sent, world.at_broker()) == ([], [])


def test_no_try_begins_after_the_deadline(world: World) -> None:
    command = replace(world.command(), deadline=world.clock.now() + timedelta(seconds=3))
    world.transport.writes = [Fault.REFUSED] * 1000

    order = place_order(world.desk, command).order

    assert (order.state, order.reason and order.reason.code) == (State.STALE, "BROKER_UNREACHABLE")
    assert kinds(order).count(EventKind.NEVER_SENT) > 3
    assert world.clock.now() <= command.deadline


def test_tries_end_within_the_budget(world: World) -> None:
    started_at = world.clock.now()
    command = replace(world.command(source=Source.ALERT), deadline=started_at + timedelta(minutes=5))
    world.transport.writes = [Fault.REFUSED] * 1000

    with pytest.raises(StillUnsent):
        place_order(world.desk, command)

    assert world.clock.now() - started_at <= SEND_BUDGET


@pytest.mark.parametrize(("source", "state"), [(Source.ALERT, State.RECEIVED), (Source.API, State.REFUSED)])
def test_a_hold_that_comes_on_between_two_tries_stops_the_order(
    world: World, source: Source, state: State
) -> None:
    world.transport.writes = [Fault.REFUSED]
    world.clock.on_sleep = lambda: hold(world)

    order = world.place(source=source, strategy="demo").order

    assert (order.state, order.is_held) == (state, source is Source.ALERT)
    assert order.reason is not None
    assert order.reason.code == "ENTRY_HELD"
    assert world.transport.sent == []


def test_a_try_ends_where_somebody_judged_the_order_meanwhile(world: World) -> None:
    world.transport.writes = [Fault.REFUSED]

    def judge() -> None:
        [(order, _)] = world.store.tables.orders.values()
        lost = apply(order, Event(kind=EventKind.OUTCOME_LOST, at=world.clock.now()))
        MemoryOrderStore(world.clock, world.store.tables).write(lost, replacing=order)

    world.clock.on_sleep = judge

    assert world.place().order.state is State.UNKNOWN
    assert world.transport.sent == []
    assert world.reconcile.asked == []


def hold(world: World) -> None:
    """Let another order of the strategy become unknown."""
    name = hold_name(a_request(strategy="demo"), exchange_day(world.clock.now()))
    assert name is not None
    change = HoldChange(name=name, client_order_id="OTHER", is_on=True, expires_at=world.clock.now())
    world.store.write(a_submitting_order("other"), replacing=None, gate=Gate(hold_change=change))


def test_a_read_after_the_write_does_not_make_the_write_forgotten(world: World) -> None:
    broker = world.desk.broker_of("paper")

    class LooksAfterwards:
        profile = broker.profile

        @staticmethod
        def place_order(send: Send, session: BrokerSession, intent: PlaceIntent) -> Acknowledged:
            broker.place_order(send, session, intent)
            broker.read_funds(send, session)
            raise KeyError("defect")

    always: Callable[[str], Broker] = lambda _name: cast("Broker", LooksAfterwards)  # noqa: E731
    world.desk = replace(world.desk, broker_of=always)

    assert world.place().order.state is State.UNKNOWN
    assert len(world.at_broker()) == 1


@pytest.mark.parametrize("left_s", [10, SEND_PAUSE_S])
def test_an_adapter_s_defect_before_the_write_is_refused_at_once(world: World, left_s: float) -> None:
    broker = world.desk.broker_of("paper")

    class Defective:
        profile = broker.profile

        @staticmethod
        def place_order(*_: object) -> Acknowledged:
            raise KeyError("defect")

    always: Callable[[str], Broker] = lambda _name: cast("Broker", Defective)  # noqa: E731
    world.desk = replace(world.desk, broker_of=always)
    command = replace(world.command(), deadline=world.clock.now() + timedelta(seconds=left_s))

    order = place_order(world.desk, command).order

    assert kinds(order) == [
        EventKind.RECEIVED,
        EventKind.SUBMITTING,
        EventKind.NEVER_SENT,
        EventKind.REFUSED,
    ]
