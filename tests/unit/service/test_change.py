"""Changing and cancelling: the order as it stands, whatever the broker answers."""

from dataclasses import replace
from decimal import Decimal
from typing import Any, cast

import pytest
from pydantic import ValidationError

from order_router.adapter.port import Broker
from order_router.domain.account import Account
from order_router.domain.gate import SwitchOn
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.order import Order
from order_router.domain.reports import OrderReport
from order_router.service.change import ChangeRefused, cancel_all, cancel_order, modify_order
from order_router.service.changeable import OrderEnded, OrderUnknown, OrderUnsettled
from tests.fakes.transport import Fault
from tests.fakes.world import World


@pytest.fixture
def world() -> World:
    return World()


def resting(world: World, key: str = "k-1", **changes: Any) -> Order:
    order = world.place(key, **{"limit_price": "1400"} | changes).order
    assert order.state is State.OPEN
    return order


def kinds(order: Order) -> list[EventKind]:
    return [step.event.kind for step in order.history[3:]]


def test_a_modify_changes_the_order_at_the_broker_and_here(world: World) -> None:
    order = resting(world)

    changed = modify_order(world.desk, order.client_order_id, {"quantity": 8, "limit_price": "1410.5"})

    assert changed.is_settled
    assert (changed.order.request.quantity, changed.order.request.limit_price) == (8, Decimal("1410.5"))
    assert [(row.request.quantity, row.request.limit_price) for row in world.at_broker()] == [
        (8, Decimal("1410.5"))
    ]
    assert kinds(changed.order) == [EventKind.MODIFY_REQUESTED, EventKind.MODIFIED]


def test_a_modify_that_makes_the_order_marketable_shows_the_fill(world: World) -> None:
    order = resting(world)

    changed = modify_order(world.desk, order.client_order_id, {"limit_price": "1510"})

    assert changed.order.state is State.FILLED


def test_a_modify_may_change_the_type_when_the_prices_fit(world: World) -> None:
    order = resting(world)

    changed = modify_order(world.desk, order.client_order_id, {"order_type": "MARKET", "limit_price": None})

    assert changed.order.request.order_type == "MARKET"
    assert changed.order.state is State.FILLED


def test_a_modify_with_a_bad_field_names_it_and_sends_nothing(world: World) -> None:
    order = resting(world)
    sent = len(world.transport.sent)

    with pytest.raises(ValidationError, match="limit_price"):
        modify_order(world.desk, order.client_order_id, {"limit_price": "-1"})

    assert len(world.transport.sent) == sent


def test_a_quantity_below_what_has_filled_is_refused(world: World) -> None:
    order = world.place(instrument="NSE:RELIANCE", limit_price="2900", quantity=15).order
    assert (order.state, order.filled_quantity) == (State.PARTIALLY_FILLED, 10)

    with pytest.raises(OrderUnsettled, match="more than the 10 already filled"):
        modify_order(world.desk, order.client_order_id, {"quantity": 10})


def test_a_modify_that_the_broker_refuses_leaves_the_order_as_it_was(world: World) -> None:
    order = resting(world)

    with pytest.raises(ChangeRefused) as raised:
        modify_order(world.desk, order.client_order_id, {"limit_price": "1400.01"})

    stored = world.store.get(order.client_order_id)
    assert raised.value.code == "ORDER_REJECTED"
    assert stored == raised.value.order
    assert (stored.state, stored.request.limit_price) == (State.OPEN, Decimal(1400))
    assert kinds(stored) == [EventKind.MODIFY_REQUESTED, EventKind.MODIFY_REJECTED]


@pytest.mark.parametrize("fault", [Fault.ANSWER_LOST, Fault.REQUEST_LOST, Fault.GARBAGE])
def test_a_modify_without_an_answer_stays_unresolved(world: World, fault: Fault) -> None:
    order = resting(world)
    world.transport.writes = [fault]

    changed = modify_order(world.desk, order.client_order_id, {"quantity": 8})

    assert not changed.is_settled
    assert kinds(changed.order) == [EventKind.MODIFY_REQUESTED, EventKind.MODIFY_UNRESOLVED]
    assert changed.order.request.quantity == 5
    assert world.reconcile.asked == [("paper", 5)]


def test_no_modify_leaves_once_a_kill_switch_is_on_and_a_cancel_does(world: World) -> None:
    order = resting(world)
    world.store.set_switch("kill#global", engaged=True)

    with pytest.raises(SwitchOn):
        modify_order(world.desk, order.client_order_id, {"quantity": 8})

    assert cancel_order(world.desk, order.client_order_id).order.state is State.CANCELLED


def test_a_cancel_is_followed_to_the_end(world: World) -> None:
    order = resting(world)

    cancelled = cancel_order(world.desk, order.client_order_id)

    assert cancelled.is_settled
    assert cancelled.order.state is State.CANCELLED
    assert kinds(cancelled.order) == [EventKind.CANCEL_REQUESTED, EventKind.CANCELLED]


def test_a_cancel_works_in_a_disabled_account(world: World) -> None:
    order = resting(world)
    world.settings.put_account(Account(name="paper", broker="paper", is_enabled=False))

    assert cancel_order(world.desk, order.client_order_id).order.state is State.CANCELLED


def test_a_cancel_that_finds_a_fill_says_so(world: World) -> None:
    order = resting(world)
    world.set_price("NSE:INFY", "1399")

    with pytest.raises(ChangeRefused) as raised:
        cancel_order(world.desk, order.client_order_id)

    assert raised.value.order.state is State.FILLED
    assert kinds(raised.value.order) == [
        EventKind.CANCEL_REQUESTED,
        EventKind.CANCEL_REJECTED,
        EventKind.FILLED,
    ]


@pytest.mark.parametrize("fault", [Fault.ANSWER_LOST, Fault.REQUEST_LOST])
def test_a_cancel_without_an_answer_stays_unresolved(world: World, fault: Fault) -> None:
    order = resting(world)
    world.transport.writes = [fault]

    cancelled = cancel_order(world.desk, order.client_order_id)

    assert not cancelled.is_settled
    assert cancelled.order.state is State.OPEN
    assert world.reconcile.asked == [("paper", 5)]


def test_a_cancel_that_never_left_says_why_and_changes_nothing(world: World) -> None:
    order = resting(world)
    world.transport.writes = [Fault.REFUSED]

    with pytest.raises(ChangeRefused) as raised:
        cancel_order(world.desk, order.client_order_id)

    assert raised.value.code == "BROKER_UNREACHABLE"
    assert raised.value.order.state is State.OPEN


def test_an_order_that_has_ended_cannot_change(world: World) -> None:
    order = world.place().order

    with pytest.raises(OrderEnded):
        cancel_order(world.desk, order.client_order_id)
    with pytest.raises(OrderEnded):
        modify_order(world.desk, order.client_order_id, {"quantity": 8})


def test_an_unknown_order_cannot_change_before_it_is_settled(world: World) -> None:
    world.transport.writes = [Fault.ANSWER_LOST]
    order = world.place().order

    with pytest.raises(OrderUnsettled):
        cancel_order(world.desk, order.client_order_id)


def test_an_order_that_was_never_placed_is_not_found(world: World) -> None:
    with pytest.raises(OrderUnknown):
        cancel_order(world.desk, "A" * 20)


def test_cancel_all_tells_each_order_s_own_outcome(world: World) -> None:
    orders = [resting(world, key) for key in ("a", "b", "c")]
    world.transport.writes = [Fault.NONE, Fault.REFUSED, Fault.ANSWER_LOST]

    outcomes = cancel_all(world.desk, "paper")

    assert [
        (one.order.client_order_id, one.outcome) for one in sorted(outcomes, key=lambda one: one.outcome)
    ] == [
        (outcomes[0].order.client_order_id, "cancelled"),
        (outcomes[1].order.client_order_id, "failed"),
        (outcomes[2].order.client_order_id, "unresolved"),
    ]
    assert {one.order.client_order_id for one in outcomes} == {order.client_order_id for order in orders}


def test_an_adapter_s_defect_in_reading_does_not_hide_a_cancel_that_was_made(world: World) -> None:
    order = resting(world)
    broker = world.desk.broker_of("paper")

    class Blind:
        profile = broker.profile
        cancel_order = staticmethod(broker.cancel_order)

        @staticmethod
        def read_order(*_: object) -> OrderReport:
            raise KeyError("defect")

    world.desk = replace(world.desk, broker_of=lambda _name: cast("Broker", Blind))

    cancelled = cancel_order(world.desk, order.client_order_id)

    assert kinds(cancelled.order) == [EventKind.CANCEL_REQUESTED]
    assert world.reconcile.asked == [("paper", 5)]


def test_an_adapter_s_defect_while_cancelling_leaves_the_cancel_unresolved(world: World) -> None:
    order = resting(world)
    broker = world.desk.broker_of("paper")

    class Broken:
        profile = broker.profile

        @staticmethod
        def cancel_order(*_: object) -> None:
            raise KeyError("defect")

    world.desk = replace(world.desk, broker_of=lambda _name: cast("Broker", Broken))

    cancelled = cancel_order(world.desk, order.client_order_id)

    assert not cancelled.is_settled
    assert kinds(cancelled.order) == [EventKind.CANCEL_REQUESTED, EventKind.CANCEL_UNRESOLVED]
