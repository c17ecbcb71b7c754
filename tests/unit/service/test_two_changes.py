"""Two modifications of one order at once: neither undoes the other at the broker."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

import pytest

from order_router.adapter.http import HttpRequest, HttpResponse, Send
from order_router.domain.account import Account
from order_router.domain.gate import Gate
from order_router.domain.history import Event
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.limits import Limits
from order_router.domain.order import Order, apply
from order_router.domain.risk import LimitExceeded
from order_router.ports import StoreConflict
from order_router.service.change import ChangeRefused, cancel_order, modify_order
from order_router.service.changeable import ChangeInProgress, OrderEnded, OrderUnsettled
from order_router.service.timing import LEASE
from tests.fakes.transport import Fault
from tests.fakes.world import World


@pytest.fixture
def world() -> World:
    world = World()
    world.set_price("NSE:INFY", "1600")
    return world


def resting(world: World) -> Order:
    return world.place(limit_price="1400").order


def before_each_write(world: World, *what: Callable[[], object]) -> None:
    """Let these happen, one before each of the next writes of an order."""
    write, waiting = world.store.write, list(what)

    def interrupted(order: Order, *, replacing: Order | None, gate: Gate | None = None) -> datetime | None:
        if waiting:
            waiting.pop(0)()
        return write(order, replacing=replacing, gate=gate)

    world.store.write = interrupted  # type: ignore[method-assign]


def before_the_next_call(world: World, what: Callable[[], object]) -> None:
    """Let this happen as the next write is about to leave for the broker."""
    sender, waiting = world.transport.sender, [what]

    def interrupting(endpoint: str, *, not_after: datetime | None) -> Send:
        send = sender(endpoint, not_after=not_after)

        def interrupted(request: HttpRequest) -> HttpResponse:
            while request.is_write and waiting:
                waiting.pop()()
            return send(request)

        return interrupted

    world.transport.sender = interrupting  # type: ignore[method-assign]


def terms_at_broker(world: World) -> tuple[int, str]:
    [order] = world.at_broker()
    return order.request.quantity, str(order.request.limit_price)


def written_by_others(world: World, order: Order) -> Callable[[], None]:
    """Return what lets another worker write the order, its terms as they were."""

    def write() -> None:
        current = world.store.get(order.client_order_id)
        assert current is not None
        told = Event(kind=EventKind.PERSON_TOLD, at=world.clock.now())
        world.store.write(apply(current, told), replacing=current)

    return write


def test_a_change_of_the_price_keeps_the_quantity_that_another_changed_meanwhile(world: World) -> None:
    order = resting(world)
    before_each_write(world, lambda: modify_order(world.desk, order.client_order_id, {"quantity": 20}))

    changed = modify_order(world.desk, order.client_order_id, {"limit_price": "1401"}).order

    assert terms_at_broker(world) == (20, "1401")
    assert (changed.request.quantity, str(changed.request.limit_price)) == (20, "1401")


def test_a_change_that_is_asked_for_while_another_is_on_its_way_does_not_leave(world: World) -> None:
    order = resting(world)
    refused: list[ChangeInProgress] = []

    def ask() -> None:
        with pytest.raises(ChangeInProgress) as raised:
            modify_order(world.desk, order.client_order_id, {"limit_price": "1401"})
        refused.append(raised.value)

    before_the_next_call(world, ask)
    modify_order(world.desk, order.client_order_id, {"quantity": 20})

    assert [error.code for error in refused] == ["CHANGE_IN_PROGRESS"]
    assert terms_at_broker(world) == (20, "1400")

    modify_order(world.desk, order.client_order_id, {"limit_price": "1401"})
    assert terms_at_broker(world) == (20, "1401")


def test_an_order_is_cancelled_while_a_change_of_it_is_on_its_way(world: World) -> None:
    order = resting(world)
    before_the_next_call(world, lambda: cancel_order(world.desk, order.client_order_id))

    with pytest.raises(ChangeRefused, match="CANCELLED"):
        modify_order(world.desk, order.client_order_id, {"quantity": 20})

    stored = world.store.get(order.client_order_id)
    assert stored is not None
    assert stored.state is State.CANCELLED


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.ANSWER_LOST])
def test_a_change_whose_end_is_written_keeps_no_other_waiting(world: World, fault: Fault) -> None:
    order = resting(world)
    world.transport.writes = [fault]
    with suppress(ChangeRefused):
        modify_order(world.desk, order.client_order_id, {"limit_price": "1401"})

    modify_order(world.desk, order.client_order_id, {"limit_price": "1402"})

    assert terms_at_broker(world) == (5, "1402")


def test_a_change_whose_worker_died_keeps_others_waiting_for_as_long_as_it_may_have_lived(
    world: World,
) -> None:
    order = resting(world)
    asked = apply(order, Event(kind=EventKind.MODIFY_REQUESTED, at=world.clock.now()))
    world.store.write(asked, replacing=order)
    world.clock.advance(LEASE.total_seconds())
    with pytest.raises(ChangeInProgress):
        modify_order(world.desk, order.client_order_id, {"limit_price": "1401"})

    world.clock.advance(timedelta(microseconds=1).total_seconds())

    assert modify_order(world.desk, order.client_order_id, {"limit_price": "1401"}).is_settled


def test_a_change_takes_its_place_behind_two_other_writers(world: World) -> None:
    order = resting(world)
    other = written_by_others(world, order)
    before_each_write(world, other, lambda: None, other, lambda: None)

    assert modify_order(world.desk, order.client_order_id, {"limit_price": "1401"}).is_settled


def test_a_change_gives_way_to_a_third_writer_and_can_be_asked_for_again(world: World) -> None:
    order = resting(world)
    sent = world.transport.writes_sent()
    other = written_by_others(world, order)
    # what another writes is a write as well
    before_each_write(world, other, lambda: None, other, lambda: None, other)

    with pytest.raises(StoreConflict):
        modify_order(world.desk, order.client_order_id, {"limit_price": "1401"})

    assert world.transport.writes_sent() == sent
    assert modify_order(world.desk, order.client_order_id, {"limit_price": "1401"}).is_settled


def test_a_cancel_that_meets_the_end_of_the_order_says_so_and_does_not_leave(world: World) -> None:
    order = resting(world)
    sent = world.transport.writes_sent()
    filled = Event(kind=EventKind.FILLED, at=world.clock.now(), filled_quantity=order.request.quantity)
    ended = apply(order, filled)
    before_each_write(world, lambda: world.store.write(ended, replacing=order))

    with pytest.raises(OrderEnded):
        cancel_order(world.desk, order.client_order_id)

    assert world.transport.writes_sent() == sent


def test_a_change_is_held_to_the_limits_as_the_other_left_the_order(world: World) -> None:
    limits = Limits.model_validate({"max_order_value": "30000"})
    world.settings.put_account(Account(name="paper", broker="paper", limits=limits))
    order = resting(world)
    before_each_write(world, lambda: modify_order(world.desk, order.client_order_id, {"quantity": 20}))

    with pytest.raises(LimitExceeded):
        modify_order(world.desk, order.client_order_id, {"limit_price": "1599"})

    assert terms_at_broker(world) == (20, "1400")


def test_a_quantity_that_has_filled_meanwhile_is_not_asked_for(world: World) -> None:
    order = world.place(instrument="NSE:RELIANCE", limit_price="2800", quantity=15).order

    def fill_ten() -> None:
        current = world.store.get(order.client_order_id)
        assert current is not None
        filled = Event(kind=EventKind.PARTIALLY_FILLED, at=world.clock.now(), filled_quantity=10)
        world.store.write(apply(current, filled), replacing=current)

    before_each_write(world, fill_ten)

    with pytest.raises(OrderUnsettled, match="more than the 10 already filled"):
        modify_order(world.desk, order.client_order_id, {"quantity": 10})
