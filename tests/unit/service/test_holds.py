"""While an order of a strategy is unknown, its new entries in that instrument wait; what closes a position does not."""

from typing import Any

import pytest

from order_router.domain.gate import EntryHeld
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.order import Order
from order_router.domain.vocabulary import Source
from order_router.service.place import place_order, resume_order
from order_router.service.reconcile import reconcile_account
from tests.fakes.transport import Fault
from tests.fakes.world import World


@pytest.fixture
def world() -> World:
    """A world where the strategy `demo` has an unknown order in INFY that never reached the broker."""
    world = World()
    world.transport.writes = [Fault.REQUEST_LOST]
    lost = alert(world, "lost")
    assert lost.state is State.UNKNOWN
    return world


def alert(world: World, key: str, **changes: Any) -> Order:
    return world.place(key, source=Source.ALERT, **({"strategy": "demo"} | changes)).order


def settle_lost(world: World) -> None:
    """Let the lost order show up in the book after all, and be adopted."""
    lost = next(order for order, _ in world.store.tables.orders.values() if order.state is State.UNKNOWN)
    other = World(clock=world.clock, paper_store=world.paper_store)
    arrived = other.place("lost", source=Source.ALERT, strategy="demo").order
    assert arrived.client_order_id == lost.client_order_id
    reconcile_account(world.desk, "paper")


def told(world: World, kind: str) -> list[str | None]:
    return [notice.client_order_id for notice in world.notifier.notices if notice.kind == kind]


def test_an_entry_behind_an_unknown_order_is_held_and_told_once(world: World) -> None:
    entry = alert(world, "entry")

    assert (entry.state, entry.is_held) == (State.RECEIVED, True)
    assert world.at_broker() == []
    assert told(world, "held") == [entry.client_order_id]
    assert world.reconcile.asked[-1] == ("paper", 5)


def test_a_held_message_is_done_with_so_that_an_exit_behind_it_can_pass(world: World) -> None:
    alert(world, "entry")

    exit_order = alert(world, "exit", side="SELL", position_effect="CLOSE")

    assert exit_order.state.is_working or exit_order.state is State.FILLED
    assert len(world.at_broker()) == 1


@pytest.mark.parametrize(
    "changes", [{"strategy": "other"}, {"instrument": "NSE:RELIANCE"}, {"strategy": None}]
)
def test_only_the_same_strategy_and_instrument_are_held(world: World, changes: dict[str, Any]) -> None:
    assert not alert(world, "entry", limit_price="3000", **changes).is_held


def test_an_https_entry_gets_a_clear_no_and_may_come_again(world: World) -> None:
    with pytest.raises(EntryHeld):
        world.place("entry", strategy="demo")
    settle_lost(world)

    assert world.place("entry", strategy="demo").order.state is State.FILLED


def test_a_held_entry_takes_its_turn_once_the_unknown_order_is_settled(world: World) -> None:
    entry = alert(world, "entry")

    settle_lost(world)

    assert [order.client_order_id for order in world.order_queue.resumed] == [entry.client_order_id]
    resumed = resume_order(world.desk, entry.client_order_id)
    assert resumed is not None
    assert resumed.state is State.FILLED
    assert len(world.at_broker()) == 2


def test_held_entries_are_released_in_the_order_in_which_they_came(world: World) -> None:
    first = alert(world, "z-first")
    world.clock.advance(1)
    second = alert(world, "a-second")

    settle_lost(world)

    released = [order.client_order_id for order in world.order_queue.resumed]
    assert released == [first.client_order_id, second.client_order_id]


def test_a_held_entry_waits_for_no_unknown_order_of_another_instrument(world: World) -> None:
    entry = alert(world, "entry")
    world.transport.writes = [Fault.REQUEST_LOST]
    other = alert(world, "other", instrument="NSE:RELIANCE", limit_price="2900")
    assert other.state is State.UNKNOWN

    settle_lost(world)

    assert world.stored(other).state is State.UNKNOWN
    assert [order.client_order_id for order in world.order_queue.resumed] == [entry.client_order_id]


def test_nothing_is_released_while_the_order_stays_unknown(world: World) -> None:
    alert(world, "entry")

    reconcile_account(world.desk, "paper")

    assert world.order_queue.resumed == []
    assert world.reconcile.asked[-1] == ("paper", 5)


def test_an_entry_that_comes_out_of_the_queue_too_early_is_held_again(world: World) -> None:
    entry = alert(world, "entry")

    again = resume_order(world.desk, entry.client_order_id)

    assert again is not None
    assert again.is_held
    assert again.version > entry.version, "the queue takes a version once in five minutes"
    assert told(world, "held") == [entry.client_order_id]


def test_a_held_entry_whose_time_is_over_goes_stale_and_is_told(world: World) -> None:
    entry = alert(world, "entry")
    world.clock.advance(11)

    reconcile_account(world.desk, "paper")

    assert world.stored(entry).state is State.STALE
    assert told(world, "stale") == [entry.client_order_id]
    assert world.order_queue.resumed == []


def test_a_held_entry_of_a_disabled_account_is_refused(world: World) -> None:
    entry = alert(world, "entry")
    settle_lost(world)
    account = world.desk.account("paper")
    world.settings.put_account(account.model_copy(update={"is_enabled": False}))

    refused = resume_order(world.desk, entry.client_order_id)

    assert refused is not None
    assert refused.state is State.REFUSED
    assert refused.reason is not None
    assert refused.reason.code == "ACCOUNT_DISABLED"


def test_a_hold_ends_with_its_day(world: World) -> None:
    world.clock.advance(24 * 3600)

    assert not alert(world, "entry").is_held


def test_a_redelivered_entry_that_is_held_stays_one_order(world: World) -> None:
    command = world.command("entry", source=Source.ALERT, strategy="demo")
    place_order(world.desk, command)
    place_order(world.desk, command)
    settle_lost(world)

    sent = place_order(world.desk, command).order

    assert sent.state is State.FILLED
    resume_order(world.desk, sent.client_order_id)
    assert len(world.at_broker()) == 2


def test_an_entry_that_could_not_leave_at_first_is_held_at_its_next_try(world: World) -> None:
    settle_lost(world)
    blocked = world.command("later", source=Source.ALERT, strategy="demo")
    world.transport.writes = [Fault.REFUSED]
    world.clock.on_sleep = lambda: _lose_another(world)

    held = place_order(world.desk, blocked).order

    assert held.is_held
    assert [step.event.kind for step in held.history[-2:]] == [EventKind.NEVER_SENT, EventKind.HELD]


def _lose_another(world: World) -> None:
    world.clock.on_sleep = lambda: None
    world.transport.writes = [Fault.REQUEST_LOST]
    assert alert(world, "lost-too").state is State.UNKNOWN
