"""A repeat, a race and a redelivery, each to the last instant and with its reason."""

from dataclasses import replace
from datetime import timedelta
from unittest.mock import patch

import pytest

from order_router.domain.account import Account
from order_router.domain.gate import EntryHeld, Gate
from order_router.domain.history import Event
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.order import Order, Ownership, apply, take_ownership
from order_router.domain.vocabulary import Source
from order_router.ports import Letter, PlaceOrder, StoreConflict
from order_router.service.dead_letters import bury_order
from order_router.service.holding import release_held
from order_router.service.place import InProgress, order_of, place_order, resume_order
from order_router.service.timing import LEASE, REPLAY_WAIT
from tests.fakes.order_store import MemoryOrderStore
from tests.fakes.queues import MemoryDeadLetters
from tests.fakes.transport import Fault
from tests.fakes.world import World

PAPER = Account(name="paper", broker="paper")


@pytest.fixture
def world() -> World:
    return World()


def being_sent(world: World, command: PlaceOrder) -> Order:
    """Store the order as another worker does that is about to send it."""
    order = take_ownership(
        order_of(command, PAPER), Ownership("other", world.clock.now() + LEASE), world.clock.now()
    )
    MemoryOrderStore(world.clock, world.store.tables).write(order, replacing=None)
    return order


def waiting(world: World, command: PlaceOrder, *, is_held: bool = False) -> Order:
    """Store an order that never left."""
    order = order_of(command, PAPER)
    if is_held:
        order = apply(order, Event(kind=EventKind.HELD, at=world.clock.now(), reason=EntryHeld().reason))
    world.store.write(order, replacing=None)
    return order


def events(order: Order, kind: EventKind) -> list[Event]:
    return [step.event for step in order.history if step.event.kind is kind]


def test_what_never_left_and_what_was_lost_keep_their_reasons(world: World) -> None:
    world.transport.writes = [Fault.REFUSED, Fault.ANSWER_LOST]

    order = world.place().order

    [unsent], [lost] = events(order, EventKind.NEVER_SENT), events(order, EventKind.OUTCOME_LOST)
    assert unsent.reason is not None
    assert unsent.reason.code == "BROKER_UNREACHABLE"
    assert lost.reason == order.reason
    assert order.reason is not None
    assert order.reason.code == "BROKER_OUTCOME_UNKNOWN"


def test_a_repeat_is_answered_with_the_outcome_that_comes_while_it_waits(world: World) -> None:
    command = world.command()
    order = being_sent(world, command)
    opened = apply(order, Event(kind=EventKind.OPENED, at=world.clock.now(), broker_order_id="b-1"))

    def settle() -> None:
        if len(world.clock.slept) == 3:
            world.store.write(opened, replacing=order)

    world.clock.on_sleep = settle

    assert place_order(world.desk, command).order == opened
    assert len(world.clock.slept) == 3


def test_a_repeat_waits_ten_seconds_and_not_longer(world: World) -> None:
    command = world.command()
    being_sent(world, command)
    began = world.clock.now()

    with pytest.raises(InProgress):
        place_order(world.desk, command)

    assert abs(world.clock.now() - began - REPLAY_WAIT) < timedelta(seconds=0.05)


def test_a_conflict_that_shows_no_order_is_nobody_s_order(world: World) -> None:
    def conflict(*_: object, **__: object) -> None:
        raise StoreConflict(None)

    world.store.write = conflict  # type: ignore[method-assign]

    with pytest.raises(StoreConflict):
        world.place()

    assert world.transport.sent == []


def test_a_redelivery_in_the_last_instant_still_trades(world: World) -> None:
    command = world.command(source=Source.ALERT)
    waiting(world, command)
    world.clock.advance(10)

    assert place_order(world.desk, command).order.state is State.FILLED


def test_a_redelivery_that_loses_the_claim_is_answered_with_the_winner_s_order(world: World) -> None:
    command = world.command(source=Source.ALERT)
    unsent = waiting(world, command)
    owned = take_ownership(unsent, Ownership("other", world.clock.now() + LEASE), world.clock.now())
    inner = world.store.write

    def beaten(order: Order, *, replacing: Order | None, gate: Gate | None = None) -> None:
        if replacing == unsent:
            MemoryOrderStore(world.clock, world.store.tables).write(owned, replacing=unsent)
        inner(order, replacing=replacing, gate=gate)

    world.store.write = beaten  # type: ignore[method-assign]

    assert place_order(world.desk, command).order == owned
    assert world.transport.sent == []


def test_an_https_order_that_waits_and_meets_a_hold_gets_a_clear_no(world: World) -> None:
    world.transport.writes = [Fault.REQUEST_LOST]
    assert world.place("lost", strategy="demo").order.state is State.UNKNOWN
    command = world.command("entry", strategy="demo")
    order = waiting(world, command)

    with pytest.raises(EntryHeld):
        place_order(world.desk, command)

    assert world.store.get(order.client_order_id) == order


def test_an_order_that_is_being_sent_is_told_and_not_resumed(world: World) -> None:
    order = being_sent(world, world.command())

    assert resume_order(world.desk, order.client_order_id) == order
    assert resume_order(world.desk, "A" * 20) is None
    assert world.transport.sent == []


def test_a_held_order_asks_for_a_look_at_what_it_waits_for(world: World) -> None:
    world.transport.writes = [Fault.REQUEST_LOST]
    world.place("lost", strategy="demo")
    world.reconcile.asked.clear()

    world.place("entry", source=Source.ALERT, strategy="demo")

    assert world.reconcile.asked == [("paper", 5)]


def test_a_dead_letter_whose_order_was_taken_meanwhile_ends_nothing_and_tells_nobody(world: World) -> None:
    command = world.command(source=Source.ALERT)
    order = being_sent(world, command)
    world.store.get = lambda client_order_id: None  # type: ignore[method-assign]

    bury_order(world.desk, MemoryDeadLetters(), Letter("m-1", "body"), command)

    assert [stored for stored, _ in world.store.tables.orders.values()] == [order]
    assert world.notifier.notices == []


def held(world: World, key: str, *, after_s: float = 0) -> Order:
    command = world.command(key, source=Source.ALERT, strategy="demo")
    later = timedelta(seconds=after_s)
    shifted = replace(command, received_at=command.received_at + later, deadline=command.deadline + later)
    return waiting(world, shifted, is_held=True)


def test_held_orders_are_released_oldest_first_up_to_their_last_instant(world: World) -> None:
    late, early = held(world, "late", after_s=2), held(world, "early")
    world.clock.advance(10)

    left = release_held(world.desk, [late, early], [])

    assert left == ()
    assert world.order_queue.resumed == [early, late]


def test_a_held_order_that_the_queue_does_not_take_waits_on(world: World) -> None:
    order = held(world, "entry")
    world.order_queue.is_down = True

    assert release_held(world.desk, [order], []) == (order,)


def test_an_order_reads_its_settings_together(world: World) -> None:
    with patch.object(world.settings, "prepare") as prepare:
        world.place(strategy="demo")

    prepare.assert_called_once_with("paper", "demo")
