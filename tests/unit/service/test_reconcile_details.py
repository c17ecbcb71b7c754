"""Reconcile to the last instant: what it counts, whom it tells, when it looks again."""

import logging
from dataclasses import replace
from datetime import timedelta

import pytest

from order_router.domain.account import Account
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.order import Order, Ownership, take_ownership
from order_router.domain.vocabulary import Source
from order_router.service.place import order_of, place_order
from order_router.service.reconcile import Settled, reconcile_account, reconcile_all
from order_router.service.timing import RECONCILE_AGAIN_FOR
from tests.fakes.transport import Fault
from tests.fakes.world import World

PAPER = Account(name="paper", broker="paper")


@pytest.fixture
def world() -> World:
    return World()


def lost(world: World, key: str = "k-1") -> Order:
    world.transport.writes = [Fault.REQUEST_LOST]
    return world.place(key).order


def test_a_look_counts_what_it_did(world: World) -> None:
    lost(world, "lost")
    world.transport.writes = [Fault.ANSWER_LOST]
    world.place("found")
    world.place("resting", limit_price="1400")

    assert reconcile_account(world.desk, "paper") == Settled(
        account="paper", looked_at=3, changed=2, unknown=1
    )
    assert reconcile_account(world.desk, "paper") == Settled(
        account="paper", looked_at=2, changed=0, unknown=1
    )


def test_an_account_with_nothing_open_counts_nothing(world: World) -> None:
    assert reconcile_all(world.desk) == (Settled(account="paper", looked_at=0, changed=0, unknown=0),)


def test_an_account_that_fails_is_counted_as_looked_at_by_nobody(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    world.settings.put_account(Account(name="broken", broker="none-such"))
    order = take_ownership(
        order_of(world.command(account="broken"), Account(name="broken", broker="paper")),
        Ownership("dead", world.clock.now()),
        world.clock.now(),
    )
    world.store.write(order, replacing=None)
    world.clock.advance(1)

    failed, settled = reconcile_all(world.desk)

    assert (failed.account, settled.account) == ("broken", "paper")
    assert (failed.looked_at, failed.changed, failed.unknown) == (0, 0, 0)


def test_an_order_that_waits_is_left_alone_in_its_last_instant(world: World) -> None:
    order = order_of(world.command(), PAPER)
    world.store.write(order, replacing=None)
    world.clock.advance(10)

    reconcile_account(world.desk, "paper")

    assert world.stored(order).state is State.RECEIVED


def test_an_order_whose_worker_was_lost_says_so(world: World) -> None:
    order = take_ownership(
        order_of(world.command(), PAPER), Ownership("dead", world.clock.now()), world.clock.now()
    )
    world.store.write(order, replacing=None)
    world.clock.advance(0.001)

    reconcile_account(world.desk, "paper")

    [event] = [
        step.event for step in world.stored(order).history if step.event.kind is EventKind.OUTCOME_LOST
    ]
    assert event.reason is not None
    assert event.reason.code == "WORKER_LOST"


def test_a_session_that_the_broker_refuses_is_dropped_and_proves_nothing(world: World) -> None:
    order = lost(world)
    world.sessions.log_out("paper")

    reconcile_account(world.desk, "paper")

    assert world.sessions.forgotten == ["paper"]
    assert world.stored(order).state is State.UNKNOWN


def test_a_broker_that_does_not_answer_keeps_its_session(world: World) -> None:
    lost(world)
    world.transport.reads = [Fault.ANSWER_LOST]

    reconcile_account(world.desk, "paper")

    assert world.sessions.forgotten == []


def test_one_young_unknown_order_among_old_ones_is_looked_for_again(world: World) -> None:
    lost(world, "old")
    world.clock.advance(600)
    lost(world, "young")
    world.reconcile.asked.clear()

    reconcile_account(world.desk, "paper")

    assert world.reconcile.asked == [("paper", 5)]


@pytest.mark.parametrize(("early_us", "asked"), [(1, [("paper", 5)]), (0, [])])
def test_the_chain_of_looks_ends_after_two_minutes(
    world: World, early_us: int, asked: list[tuple[str, int]]
) -> None:
    lost(world)
    world.reconcile.asked.clear()
    world.clock.advance((RECONCILE_AGAIN_FOR - timedelta(microseconds=early_us)).total_seconds())

    reconcile_account(world.desk, "paper")

    assert world.reconcile.asked == asked


@pytest.mark.parametrize("late_us", [0, 1])
def test_a_held_order_is_looked_for_again_up_to_its_last_instant(world: World, late_us: int) -> None:
    world.transport.writes = [Fault.REQUEST_LOST]
    world.place("lost", strategy="demo")
    command = world.command("entry", source=Source.ALERT, strategy="demo")
    hour = timedelta(hours=1)
    entry = place_order(world.desk, replace(command, deadline=world.clock.now() + hour)).order
    assert entry.is_held
    world.reconcile.asked.clear()
    world.clock.advance((hour + timedelta(microseconds=late_us)).total_seconds())

    reconcile_account(world.desk, "paper")

    assert world.reconcile.asked == ([] if late_us else [("paper", 5)])


def test_an_order_that_is_found_once_is_told_to_nobody(world: World) -> None:
    world.transport.writes = [Fault.ANSWER_LOST]
    world.place()

    reconcile_account(world.desk, "paper")

    assert world.notifier.notices == []


def test_of_two_rows_under_one_tag_the_first_is_adopted_and_both_are_told(world: World) -> None:
    world.transport.writes = [Fault.ANSWER_LOST]
    order = world.place().order
    world.exchange.handle(world.transport.sent[0])
    first, second = sorted(row.broker_order_id for row in world.at_broker())

    reconcile_account(world.desk, "paper")

    assert world.stored(order).broker_order_id == first
    [notice] = world.notifier.notices
    assert (notice.kind, notice.client_order_id) == ("duplicate", order.client_order_id)
    assert first in notice.message
    assert second in notice.message
