"""A change or cancel that no answer came of and no book shows: it is said not to be made, once, and told."""

from dataclasses import replace
from datetime import timedelta

import pytest

from order_router.adapter.port import Broker
from order_router.domain.history import FULL, Event
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.order import Order, apply
from order_router.domain.order_news import news_of
from order_router.domain.reports import OrderBook, OrderReport
from order_router.service.change import cancel_order, modify_order
from order_router.service.changeable import ChangeInProgress
from order_router.service.reconcile import answer_ask, reconcile_account
from order_router.service.timing import LEASE, RECONCILE_AGAIN_FOR, RECONCILE_DELAY_S
from tests.fakes.transport import Fault
from tests.fakes.world import World

INSTANT = timedelta(microseconds=1)


@pytest.fixture
def world() -> World:
    return World()


def asked(world: World, fault: Fault, change: str) -> Order:
    """Return an order that rests at 1400 and whose cancel, or change to 1300, was not answered."""
    order = world.place(limit_price="1400").order
    world.transport.writes = [fault]
    if change == "cancel":
        return cancel_order(world.desk, order.client_order_id).order
    return modify_order(world.desk, order.client_order_id, {"limit_price": "1300"}).order


def looked_at(world: World, order: Order, *, after: timedelta) -> Order:
    world.clock.advance(after.total_seconds())
    reconcile_account(world.desk, "paper")
    stored = world.store.get(order.client_order_id)
    assert stored is not None
    return stored


def last(order: Order) -> tuple[EventKind, str | None]:
    event = order.history[-1].event
    return event.kind, event.note


def told(order: Order) -> list[str]:
    return [notice.message for notice in news_of(order) if notice.kind == "not_done"]


def test_a_cancel_that_did_not_reach_the_broker_is_said_not_to_be_made_and_told_once(world: World) -> None:
    order = asked(world, Fault.REQUEST_LOST, "cancel")

    after = looked_at(world, order, after=LEASE + INSTANT)
    again = looked_at(world, order, after=LEASE)

    assert last(after) == (EventKind.CANCEL_REJECTED, "not done: the order still rests at the broker")
    assert after.state is State.OPEN
    assert again == after
    assert told(after) == [
        "BUY 5 NSE:INFY was not cancelled: it still rests at the broker (the broker's book, read 04:30:35 UTC)"
    ]


def test_a_change_that_did_not_reach_the_broker_is_said_not_to_be_made_and_told_once(world: World) -> None:
    order = asked(world, Fault.REQUEST_LOST, "modify")

    after = looked_at(world, order, after=LEASE + INSTANT)

    assert last(after) == (EventKind.MODIFY_REJECTED, "not done: the order has the terms from before")
    assert looked_at(world, order, after=LEASE) == after
    assert told(after) == [
        "BUY 5 NSE:INFY was not changed: it has the terms from before (the broker's book, read 04:30:35 UTC)"
    ]


@pytest.mark.parametrize("change", ["cancel", "modify"])
def test_what_may_still_be_on_its_way_is_not_said_to_be_undone(world: World, change: str) -> None:
    order = asked(world, Fault.REQUEST_LOST, change)

    assert looked_at(world, order, after=LEASE) == order


@pytest.mark.parametrize(
    ("change", "kind"), [("cancel", EventKind.CANCELLED), ("modify", EventKind.MODIFIED)]
)
def test_what_was_made_is_recorded_as_made(world: World, change: str, kind: EventKind) -> None:
    order = asked(world, Fault.ANSWER_LOST, change)

    after = looked_at(world, order, after=LEASE + INSTANT)

    assert last(after)[0] is kind
    assert told(after) == []


@pytest.mark.parametrize(
    ("change", "kind"), [("cancel", EventKind.CANCELLED), ("modify", EventKind.MODIFIED)]
)
def test_what_the_broker_does_late_is_followed(world: World, change: str, kind: EventKind) -> None:
    order = asked(world, Fault.REQUEST_LOST, change)
    lost = world.transport.sent[-1]
    looked_at(world, order, after=LEASE + INSTANT)

    world.exchange.handle(lost)

    assert last(looked_at(world, order, after=LEASE))[0] is kind


def test_a_change_after_one_that_was_made_late_keeps_it(world: World) -> None:
    order = asked(world, Fault.REQUEST_LOST, "modify")
    lost = world.transport.sent[-1]
    looked_at(world, order, after=LEASE + INSTANT)
    world.exchange.handle(lost)

    modify_order(world.desk, order.client_order_id, {"quantity": 7})

    [held] = world.at_broker()
    assert (held.request.quantity, str(held.request.limit_price)) == (7, "1300")


def test_what_a_dead_worker_asked_for_is_said_not_to_be_made(world: World) -> None:
    order = world.place(limit_price="1400").order
    for kind in (EventKind.MODIFY_REQUESTED, EventKind.CANCEL_REQUESTED):
        before, order = order, apply(order, Event(kind=kind, at=world.clock.now()))
        world.store.write(order, replacing=before)

    after = looked_at(world, order, after=LEASE + INSTANT)

    ends = [EventKind.MODIFY_REJECTED, EventKind.CANCEL_REJECTED]
    assert [step.event.kind for step in after.history[-2:]] == ends
    assert len(told(after)) == 2


def test_a_cancel_that_is_asked_for_again_meanwhile_is_not_ended_by_the_look(world: World) -> None:
    order = asked(world, Fault.REQUEST_LOST, "cancel")
    write = world.store.write
    again = apply(order, Event(kind=EventKind.CANCEL_REQUESTED, at=world.clock.now() + LEASE))

    def asked_again(*given: object, **more: object) -> object:
        world.store.write = write  # type: ignore[method-assign]
        world.store.write(again, replacing=order)
        return write(*given, **more)  # type: ignore[arg-type]

    world.store.write = asked_again  # type: ignore[assignment, method-assign]

    assert looked_at(world, order, after=LEASE + INSTANT) == again


def blind_to_a_row(broker: Broker) -> Broker:
    """Return the broker with a row in its book that cannot be read."""

    class Blind:
        profile = broker.profile

        @staticmethod
        def read_orders(*given: object) -> OrderBook:
            return replace(broker.read_orders(*given), is_complete=False)  # type: ignore[arg-type]

    return Blind  # type: ignore[return-value]


def test_a_book_that_is_not_complete_does_not_say_what_was_not_made(world: World) -> None:
    order = asked(world, Fault.REQUEST_LOST, "cancel")
    blind = blind_to_a_row(world.desk.broker_of("paper"))
    world.desk = replace(world.desk, broker_of=lambda _name: blind)

    assert looked_at(world, order, after=LEASE + INSTANT) == order


def changing(broker: Broker) -> Broker:
    """Return the broker while it says of each order that a change or a cancel is under way."""

    class Changing:
        profile = broker.profile
        modify_order = staticmethod(broker.modify_order)

        @staticmethod
        def read_orders(*given: object) -> OrderBook:
            book = broker.read_orders(*given)  # type: ignore[arg-type]
            return replace(book, reports=tuple(replace(row, is_changing=True) for row in book.reports))

        @staticmethod
        def read_order(*given: object) -> OrderReport:
            return replace(broker.read_order(*given), is_changing=True)  # type: ignore[arg-type]

    return Changing  # type: ignore[return-value]


@pytest.mark.parametrize("change", ["cancel", "modify"])
def test_what_is_under_way_at_the_broker_is_not_said_to_be_undone(world: World, change: str) -> None:
    order, desk = asked(world, Fault.REQUEST_LOST, change), world.desk
    busy = changing(desk.broker_of("paper"))
    world.desk = replace(desk, broker_of=lambda _name: busy)
    world.reconcile.asked.clear()

    assert looked_at(world, order, after=LEASE + INSTANT) == order
    assert world.reconcile.asked == [("paper", RECONCILE_DELAY_S)], "the looks go on"

    world.desk = desk
    assert len(told(looked_at(world, order, after=INSTANT))) == 1


def test_no_change_leaves_while_the_last_one_is_under_way_at_the_broker(world: World) -> None:
    order = asked(world, Fault.REQUEST_LOST, "modify")
    busy = changing(world.desk.broker_of("paper"))
    world.desk = replace(world.desk, broker_of=lambda _name: busy)
    world.clock.advance((LEASE + INSTANT).total_seconds())
    sent = world.transport.writes_sent()

    with pytest.raises(ChangeInProgress, match="could not be read back"):
        modify_order(world.desk, order.client_order_id, {"quantity": 7})

    assert world.transport.writes_sent() == sent
    assert world.store.get(order.client_order_id) == order


def test_an_order_whose_history_is_full_is_not_written_again_by_each_look(world: World) -> None:
    order = before = world.place(limit_price="1400").order
    order = apply(order, Event(kind=EventKind.CANCEL_REJECTED, at=world.clock.now()))
    requested = Event(kind=EventKind.CANCEL_REQUESTED, at=world.clock.now(), note="asked" * 200)
    while FULL not in order.history[-1].event.evidence:
        order = apply(order, requested)
    world.store.write(order, replacing=before)

    assert looked_at(world, order, after=LEASE + INSTANT) == order


def test_a_report_without_a_fill_that_is_known_does_not_say_what_was_not_made(world: World) -> None:
    order = asked(world, Fault.REQUEST_LOST, "cancel")
    filled = Event(kind=EventKind.PARTIALLY_FILLED, at=world.clock.now(), filled_quantity=2)
    filled_in_part = apply(order, filled)
    world.store.write(filled_in_part, replacing=order)

    assert looked_at(world, order, after=LEASE + INSTANT) == filled_in_part


def test_the_next_change_finds_that_the_last_was_not_made(world: World) -> None:
    order = asked(world, Fault.REQUEST_LOST, "modify")
    world.clock.advance((LEASE + INSTANT).total_seconds())

    changed = modify_order(world.desk, order.client_order_id, {"quantity": 7}).order

    kinds = [step.event.kind for step in changed.history]
    assert kinds[kinds.index(EventKind.MODIFY_UNRESOLVED) + 1] is EventKind.MODIFY_REJECTED
    assert changed.request.quantity == 7
    assert "(the order read back)" in told(changed)[0]


@pytest.mark.parametrize("change", ["cancel", "modify"])
def test_looks_go_on_until_it_is_known_whether_it_was_made(world: World, change: str) -> None:
    order = asked(world, Fault.REQUEST_LOST, change)
    looks = 0
    while world.reconcile.looks:
        world.clock.advance(RECONCILE_DELAY_S)
        answer_ask(world.desk, "paper", world.reconcile.looks.pop())
        looks += 1

    stored = world.store.get(order.client_order_id)
    assert stored is not None
    assert len(told(stored)) == 1
    assert looks == LEASE.total_seconds() // RECONCILE_DELAY_S + 1


@pytest.mark.parametrize(("late", "asks"), [(-INSTANT, [("paper", 5)]), (timedelta(0), [])])
def test_looks_are_given_up_after_two_minutes(
    world: World, late: timedelta, asks: list[tuple[str, int]]
) -> None:
    asked(world, Fault.REQUEST_LOST, "cancel")
    world.reconcile.asked.clear()
    world.transport.reads = [Fault.REFUSED]
    world.clock.advance((RECONCILE_AGAIN_FOR + late).total_seconds())

    reconcile_account(world.desk, "paper")

    assert world.reconcile.asked == asks
