"""What a change leaves behind: its words, its session, its place behind other writers."""

import logging
from dataclasses import replace
from datetime import datetime

import pytest

from order_router.adapter.errors import Unsupported
from order_router.domain.gate import Gate
from order_router.domain.history import Event
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.order import Order, apply
from order_router.ports import StoreConflict
from order_router.service.change import ChangeRefused, cancel_all, cancel_order, modify_order
from order_router.service.changeable import OrderUnsettled
from order_router.service.desk import AccountUnknown
from tests.fakes.order_store import MemoryOrderStore
from tests.fakes.transport import Fault
from tests.fakes.world import World


@pytest.fixture
def world() -> World:
    return World()


def resting(world: World, key: str = "k-1") -> Order:
    order = world.place(key, limit_price="1400").order
    assert order.state is State.OPEN
    return order


def last(order: Order) -> Event:
    return order.history[-1].event


def busy(world: World, wanted: Order, times: int) -> None:
    """Let another worker write the order before each of the next gated writes."""
    other = MemoryOrderStore(world.clock, world.store.tables)
    inner = world.store.write

    def write(order: Order, *, replacing: Order | None, gate: Gate | None = None) -> datetime | None:
        nonlocal times
        current = world.store.get(wanted.client_order_id)
        if gate is not None and times > 0 and current is not None:
            times -= 1
            told = Event(kind=EventKind.PERSON_TOLD, at=world.clock.now())
            other.write(apply(current, told), replacing=current)
        return inner(order, replacing=replacing, gate=gate)

    world.store.write = write  # type: ignore[method-assign]


def test_a_change_takes_its_place_behind_two_other_writers(world: World) -> None:
    order = resting(world)
    busy(world, order, 2)

    cancelled = cancel_order(world.desk, order.client_order_id).order

    assert cancelled.state is State.CANCELLED
    assert sum(step.event.kind is EventKind.PERSON_TOLD for step in cancelled.history) == 2


def test_a_change_gives_way_to_a_third_writer_and_nothing_leaves(world: World) -> None:
    order = resting(world)
    sent = world.transport.writes_sent()
    busy(world, order, 3)

    with pytest.raises(StoreConflict):
        cancel_order(world.desk, order.client_order_id)

    assert world.transport.writes_sent() == sent


def test_what_the_broker_cannot_take_is_not_even_asked_for(world: World) -> None:
    order = resting(world)

    with pytest.raises(Unsupported):
        modify_order(world.desk, order.client_order_id, {"product": "MTF"})

    assert world.store.get(order.client_order_id) == order


def test_a_modify_whose_look_fails_is_done_all_the_same(world: World) -> None:
    order = resting(world)
    world.transport.reads = [Fault.ANSWER_LOST]

    changed = modify_order(world.desk, order.client_order_id, {"quantity": 8})

    assert changed.is_settled
    assert (changed.order.request.quantity, last(changed.order).kind) == (8, EventKind.MODIFIED)
    assert world.reconcile.asked == [("paper", 5)]


def test_a_change_that_never_left_drops_the_session_and_keeps_the_words(world: World) -> None:
    order = resting(world)
    world.transport.writes = [Fault.REFUSED]

    with pytest.raises(ChangeRefused) as raised:
        cancel_order(world.desk, order.client_order_id)

    assert world.sessions.forgotten == ["paper"]
    assert last(raised.value.order).note == "BROKER_UNREACHABLE: connection refused"


def test_a_change_without_an_answer_keeps_what_is_known(world: World) -> None:
    order = resting(world)
    world.transport.writes = [Fault.ANSWER_LOST]

    unresolved = cancel_order(world.desk, order.client_order_id).order

    assert last(unresolved).note == "BROKER_OUTCOME_UNKNOWN: no answer in time"


def test_a_quantity_that_has_filled_is_an_invalid_request(world: World) -> None:
    order = world.place(instrument="NSE:RELIANCE", limit_price="2900", quantity=15).order

    with pytest.raises(OrderUnsettled) as raised:
        modify_order(world.desk, order.client_order_id, {"quantity": 10})

    assert raised.value.code == "INVALID_REQUEST"


def test_an_order_whose_outcome_is_unknown_is_not_known_to_rest(world: World) -> None:
    world.transport.writes = [Fault.ANSWER_LOST]
    order = world.place().order

    with pytest.raises(OrderUnsettled, match="is unknown: it is not known to rest"):
        cancel_order(world.desk, order.client_order_id)


def test_an_order_without_the_broker_s_id_cannot_be_named_to_it(world: World) -> None:
    order = resting(world)
    stored, writer = world.store.tables.orders[order.client_order_id]
    world.store.tables.orders[order.client_order_id] = (replace(stored, broker_order_id=None), writer)

    with pytest.raises(OrderUnsettled, match="no broker order id"):
        cancel_order(world.desk, order.client_order_id)


def test_all_of_an_account_that_is_not_there_is_an_error(world: World) -> None:
    with pytest.raises(AccountUnknown):
        cancel_all(world.desk, "nobody")


def test_an_order_that_ended_behind_a_lagging_list_is_told_as_it_ended(world: World) -> None:
    order = resting(world)
    lagging = world.store.list_unsettled("paper")
    ended = cancel_order(world.desk, order.client_order_id).order
    world.store.list_unsettled = lambda account: lagging  # type: ignore[method-assign]

    [outcome] = cancel_all(world.desk, "paper")

    assert (outcome.outcome, outcome.order) == ("already_final", ended)
    assert outcome.error is not None


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
