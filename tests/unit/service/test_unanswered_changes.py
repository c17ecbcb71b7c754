"""A change whose answer was lost: the next one starts from what the broker has, and does not undo it."""

from contextlib import suppress
from decimal import Decimal

import pytest

from order_router.adapter.http import HttpRequest, HttpResponse
from order_router.adapter.port import ModifyIntent
from order_router.domain.account import Account
from order_router.domain.history import Event
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.limits import Limits
from order_router.domain.order import Order, apply
from order_router.domain.risk import LimitExceeded
from order_router.service.change import ChangeRefused, modify_order
from order_router.service.changeable import ChangeInProgress, OrderEnded, at_broker, changed_request
from order_router.service.timing import LEASE
from tests.fakes.transport import Fault
from tests.fakes.world import ENDPOINT, World


@pytest.fixture
def world() -> World:
    world = World()
    world.set_price("NSE:INFY", "1600")
    return world


def terms_at_broker(world: World) -> tuple[int, str]:
    [order] = world.at_broker()
    return order.request.quantity, str(order.request.limit_price)


def unanswered(world: World, fault: Fault = Fault.ANSWER_LOST, **changes: object) -> Order:
    """Return an order that rests at 1400, and whose change to 1300 was not answered."""
    order = world.place(limit_price="1400").order
    world.transport.writes = [fault]
    changed = modify_order(world.desk, order.client_order_id, changes or {"limit_price": "1300"})
    assert not changed.is_settled
    return changed.order


def test_a_change_of_the_quantity_keeps_the_price_of_a_change_that_was_not_answered(world: World) -> None:
    order = unanswered(world)

    changed = modify_order(world.desk, order.client_order_id, {"quantity": 7})

    assert changed.is_settled
    assert terms_at_broker(world) == (7, "1300")
    assert (changed.order.request.quantity, changed.order.request.limit_price) == (7, Decimal(1300))


def test_a_change_that_did_not_reach_the_broker_leaves_the_terms_from_before(world: World) -> None:
    order = unanswered(world, Fault.REQUEST_LOST)

    modify_order(world.desk, order.client_order_id, {"quantity": 7})

    assert terms_at_broker(world) == (7, "1400")


def died_changing(world: World, **changes: object) -> Order:
    """Return an order whose change was made by a worker that died before it wrote that down."""
    order = world.place(limit_price="1400").order
    asked = apply(order, Event(kind=EventKind.MODIFY_REQUESTED, at=world.clock.now()))
    world.store.write(asked, replacing=order)
    account = world.desk.account("paper")
    send = world.transport.sender(ENDPOINT, not_after=None)
    intent = ModifyIntent(
        broker_order_id=at_broker(order), before=order.request, request=changed_request(order, changes)
    )
    world.desk.broker_of("paper").modify_order(send, world.sessions.session(account), intent)
    world.clock.advance(LEASE.total_seconds() + 1)
    return asked


def test_what_a_worker_changed_before_it_died_is_kept(world: World) -> None:
    order = died_changing(world, limit_price="1300")

    modify_order(world.desk, order.client_order_id, {"quantity": 7})

    assert terms_at_broker(world) == (7, "1300")


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.REQUEST_LOST, Fault.GARBAGE])
def test_no_change_leaves_while_the_terms_from_the_last_one_cannot_be_read(
    world: World, fault: Fault
) -> None:
    order = unanswered(world)
    sent, world.transport.reads = world.transport.writes_sent(), [fault]

    with pytest.raises(ChangeInProgress, match="could not be read back"):
        modify_order(world.desk, order.client_order_id, {"quantity": 7})

    assert world.transport.writes_sent() == sent
    modify_order(world.desk, order.client_order_id, {"quantity": 7})
    assert terms_at_broker(world) == (7, "1300")


def test_what_is_read_back_without_a_fill_that_is_known_tells_no_terms(world: World) -> None:
    order = unanswered(world)
    filled = Event(kind=EventKind.PARTIALLY_FILLED, at=world.clock.now(), filled_quantity=2)
    world.store.write(apply(order, filled), replacing=order)
    sent = world.transport.writes_sent()

    with pytest.raises(ChangeInProgress):
        modify_order(world.desk, order.client_order_id, {"quantity": 7})

    assert world.transport.writes_sent() == sent


def test_an_order_that_ended_by_the_change_that_was_not_answered_is_told_as_ended(world: World) -> None:
    order = unanswered(world, limit_price="1610")

    with pytest.raises(OrderEnded, match="is filled"):
        modify_order(world.desk, order.client_order_id, {"quantity": 7})

    stored = world.store.get(order.client_order_id)
    assert stored is not None
    assert stored.state is State.FILLED


def test_a_change_that_another_began_while_the_terms_were_read_keeps_this_one_out(world: World) -> None:
    order = unanswered(world)
    handle, waiting = world.handlers[ENDPOINT], [EventKind.MODIFY_REQUESTED]

    def begun_meanwhile(request: HttpRequest) -> HttpResponse:
        if waiting:
            begun = apply(order, Event(kind=waiting.pop(), at=world.clock.now()))
            world.store.write(begun, replacing=order)
        return handle(request)

    world.handlers[ENDPOINT] = begun_meanwhile
    sent = world.transport.writes_sent()

    with pytest.raises(ChangeInProgress):
        modify_order(world.desk, order.client_order_id, {"quantity": 7})

    assert world.transport.writes_sent() == sent


def test_a_change_is_held_to_the_limits_by_the_terms_that_were_read_back(world: World) -> None:
    limits = Limits.model_validate({"max_order_value": "30000"})
    world.settings.put_account(Account(name="paper", broker="paper", limits=limits))
    order = unanswered(world, quantity=20)

    with pytest.raises(LimitExceeded):
        modify_order(world.desk, order.client_order_id, {"limit_price": "1599"})

    assert terms_at_broker(world) == (20, "1400")


@pytest.mark.parametrize("last", [Fault.NONE, Fault.REFUSED])
def test_a_change_after_one_whose_end_is_known_reads_nothing_before_it_leaves(
    world: World, last: Fault
) -> None:
    order = world.place(limit_price="1400").order
    world.transport.writes = [last]
    with suppress(ChangeRefused):
        modify_order(world.desk, order.client_order_id, {"limit_price": "1300"})
    world.transport.sent.clear()

    modify_order(world.desk, order.client_order_id, {"quantity": 7})

    assert [request.is_write for request in world.transport.sent] == [True, False]
