"""Writing an outcome down: beside what others wrote, or not claimed at all."""

import logging
from decimal import Decimal

import pytest

from order_router.domain.history import Event
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.order import Order, apply
from order_router.domain.reports import ReportedState
from order_router.ports import StoreConflict, StoreUnavailable
from order_router.service.changeable import changed_request
from order_router.service.recording import Seen, record, record_report
from tests.fakes.clock import MONDAY_MORNING
from tests.fakes.order_store import MemoryOrderStore
from tests.fakes.orders import a_submitting_order
from tests.fakes.world import World
from tests.unit.domain.test_following import report

OPENED = Event(kind=EventKind.OPENED, at=MONDAY_MORNING, broker_order_id="b-1")
LOST = Event(kind=EventKind.OUTCOME_LOST, at=MONDAY_MORNING)
FILLED = Event(kind=EventKind.FILLED, at=MONDAY_MORNING, broker_order_id="b-1", filled_quantity=5)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def order(world: World) -> Order:
    order = a_submitting_order()
    world.store.write(order, replacing=None)
    return order


def meanwhile(world: World, order: Order, event: Event) -> Order:
    """Let another worker write the event."""
    after = apply(order, event)
    MemoryOrderStore(world.clock, world.store.tables).write(after, replacing=order)
    return after


def test_an_outcome_joins_what_another_worker_wrote_meanwhile(world: World, order: Order) -> None:
    meanwhile(world, order, LOST)

    stored = record(world.desk, order, [OPENED])

    assert world.store.get(order.client_order_id) == stored
    assert (stored.state, stored.broker_order_id) == (State.OPEN, "b-1")
    assert [step.event.kind for step in stored.history[-2:]] == [EventKind.OUTCOME_LOST, EventKind.OPENED]


def test_an_outcome_that_no_longer_fits_changes_nothing(world: World, order: Order) -> None:
    settled = meanwhile(world, order, FILLED)

    assert record(world.desk, order, [LOST]) == settled
    assert world.store.get(order.client_order_id) == settled


def test_an_outcome_that_cannot_be_written_is_not_claimed(world: World, order: Order) -> None:
    world.store.fail_next = ["before"] * 100

    with pytest.raises(StoreUnavailable, match=order.client_order_id):
        record(world.desk, order, [OPENED])

    assert world.store.get(order.client_order_id) == order
    assert world.clock.slept == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])


def priced(order: Order, price: str) -> Event:
    """Return the order's change to a price."""
    request = changed_request(order, {"limit_price": price})
    return Event(kind=EventKind.MODIFIED, at=MONDAY_MORNING, request=request)


def seen(state: ReportedState, price: str, filled: int = 0, after: tuple[Event, ...] = ()) -> Seen:
    return Seen(report(state, filled, limit_price=Decimal(price)), "the book", after)


def test_of_an_old_report_the_fill_is_taken_and_not_the_terms_that_were_changed_since(
    world: World, order: Order
) -> None:
    resting = meanwhile(world, order, OPENED)
    changed = meanwhile(world, resting, priced(resting, "1300"))

    stored = record_report(world.desk, resting, seen(ReportedState.OPEN, "1400", 2))

    assert (stored.state, stored.filled_quantity) == (State.PARTIALLY_FILLED, 2)
    assert stored.request == changed.request


def test_what_a_book_shows_is_so_even_if_the_order_had_left_it(world: World, order: Order) -> None:
    resting = meanwhile(world, order, OPENED)
    changed = meanwhile(world, resting, priced(resting, "1300"))

    stored = record_report(world.desk, changed, seen(ReportedState.OPEN, "1500.05"))

    assert stored.request == resting.request


def test_an_end_has_its_terms_whatever_another_worker_wrote_meanwhile(world: World, order: Order) -> None:
    resting = meanwhile(world, order, OPENED)
    last = meanwhile(world, resting, priced(resting, "1300"))
    meanwhile(world, last, priced(resting, "1400"))

    stored = record_report(world.desk, last, seen(ReportedState.CANCELLED, "1300"))

    assert (stored.state, stored.request) == (State.CANCELLED, last.request)
    assert stored.history[-1].event.evidence == (("seen_in", "the book"),)


@pytest.mark.parametrize("is_read_back", [True, False])
def test_a_change_that_is_written_after_a_later_one_leaves_its_terms(
    world: World, order: Order, *, is_read_back: bool
) -> None:
    resting = meanwhile(world, order, OPENED)
    asked = meanwhile(world, resting, Event(kind=EventKind.MODIFY_REQUESTED, at=MONDAY_MORNING))
    later = meanwhile(world, asked, priced(resting, "1300"))
    done = priced(resting, "1400")

    if is_read_back:
        stored = record_report(world.desk, asked, seen(ReportedState.OPEN, "1400", after=(done,)))
    else:
        stored = record(world.desk, asked, (done,))

    assert stored.request == later.request
    assert [step.event.kind for step in stored.history[-2:]] == [EventKind.MODIFIED] * 2


def test_the_end_after_a_cancel_has_its_terms_too(world: World, order: Order) -> None:
    resting = meanwhile(world, order, OPENED)
    asked = meanwhile(world, resting, Event(kind=EventKind.CANCEL_REQUESTED, at=MONDAY_MORNING))
    meanwhile(world, asked, priced(resting, "1400"))
    refused = Event(kind=EventKind.CANCEL_REJECTED, at=MONDAY_MORNING, note="it has filled")

    stored = record_report(world.desk, asked, seen(ReportedState.FILLED, "1500.05", 5, after=(refused,)))

    assert (stored.state, stored.request) == (State.FILLED, resting.request)
    kinds = [step.event.kind for step in stored.history[-3:]]
    assert kinds == [EventKind.CANCEL_REJECTED, EventKind.MODIFIED, EventKind.FILLED]


def test_what_a_report_was_read_after_is_stored_even_if_it_says_nothing_new(
    world: World, order: Order
) -> None:
    resting = meanwhile(world, order, OPENED)
    asked = meanwhile(world, resting, Event(kind=EventKind.MODIFY_REQUESTED, at=MONDAY_MORNING))
    done = priced(resting, "1400")

    stored = record_report(world.desk, asked, seen(ReportedState.OPEN, "1400", after=(done,)))

    assert stored.history[-1].event.request == done.request
    assert stored.version == asked.version + 1


def test_a_report_that_another_worker_wrote_down_first_is_written_once(world: World, order: Order) -> None:
    resting = meanwhile(world, order, OPENED)
    there = meanwhile(world, resting, FILLED)

    assert record_report(world.desk, resting, seen(ReportedState.FILLED, "1500.05", 5)) == there


def test_a_report_without_news_writes_and_logs_nothing(
    world: World, order: Order, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    resting = meanwhile(world, order, OPENED)

    assert record_report(world.desk, resting, seen(ReportedState.OPEN, "1500.05")) is resting
    assert not caplog.records


def test_the_broker_s_order_id_is_in_the_log_before_it_is_in_the_store(
    world: World, order: Order, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    world.store.fail_next = ["before"] * 100

    with pytest.raises(StoreUnavailable):
        record(world.desk, order, [OPENED])

    lines = [vars(line) for line in caplog.records if line.message == "order decision"]
    assert [(line["client_order_id"], line["broker_order_id"]) for line in lines] == [
        (order.client_order_id, "b-1")
    ]


def test_what_is_written_at_the_first_try_is_in_the_log(
    world: World, order: Order, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    record(world.desk, order, [OPENED])

    assert caplog.messages.count("order decision") == 1


def test_what_the_gate_refuses_at_birth_is_in_the_log_and_a_repeat_of_it_is_not(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    world.store.set_switch("kill#global", engaged=True)

    order = world.place("stopped").order
    world.place("stopped")

    lines = [vars(line) for line in caplog.records if line.message == "order decision"]
    assert [(line["client_order_id"], line["events"], line["reason"]) for line in lines] == [
        (order.client_order_id, ["refused"], "KILL_SWITCH_ON")
    ]


def test_an_order_that_is_not_there_any_more_is_a_conflict(world: World, order: Order) -> None:
    world.store.tables.orders.clear()

    with pytest.raises(StoreConflict):
        record(world.desk, order, [OPENED])
