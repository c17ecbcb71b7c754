"""A broker that says yes to a change and shows the terms from before it: for a moment, or because it was not made."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import pytest

from order_router.adapter.port import Broker
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.order import Order
from order_router.domain.order_news import news_of
from order_router.domain.reports import OrderBook, OrderReport
from order_router.service.change import cancel_order, modify_order
from order_router.service.reconcile import reconcile_account
from tests.fakes.transport import Fault
from tests.fakes.world import World


@pytest.fixture
def world() -> World:
    world = World()
    world.set_price("NSE:INFY", "1600")
    return world


def resting(world: World, **changes: Any) -> Order:
    return world.place(**{"limit_price": "1400"} | changes).order


def behave(world: World, **ways: Callable[..., object]) -> None:
    """Let the broker do these in its own way from now on."""
    broker = world.desk.broker_of("paper")
    calls = {name: getattr(broker, name) for name in dir(broker) if not name.startswith("_")}
    other = cast("Broker", SimpleNamespace(**calls | ways))
    world.desk = replace(world.desk, broker_of=lambda _name: other)


def catch_up(world: World) -> None:
    """Let the broker be as it is again."""
    world.desk = replace(world.desk, broker_of=World().desk.broker_of)


def lag(world: World, **shown: Any) -> None:
    """Let the broker show an order as it was: at 1400, if nothing else is named."""
    broker, old = world.desk.broker_of("paper"), {"limit_price": Decimal(1400)} | shown

    def read_order(*given: Any) -> OrderReport:
        return replace(broker.read_order(*given), **old)

    def read_orders(*given: Any) -> OrderBook:
        book = broker.read_orders(*given)
        return replace(book, reports=tuple(replace(row, **old) for row in book.reports))

    behave(world, read_order=read_order, read_orders=read_orders)


def terms_at_broker(world: World) -> tuple[int, str]:
    [order] = world.at_broker()
    return order.request.quantity, str(order.request.limit_price)


def looked_at(world: World, order: Order) -> Order:
    reconcile_account(world.desk, "paper")
    stored = world.store.get(order.client_order_id)
    assert stored is not None
    return stored


def told(order: Order) -> list[str]:
    return [notice.message for notice in news_of(order) if notice.kind == "not_done"]


@pytest.mark.parametrize("more", [{}, {"disclosed_quantity": 2}])
def test_what_is_read_back_of_a_moment_ago_does_not_undo_a_change_that_was_acknowledged(
    world: World, more: dict[str, int]
) -> None:
    order = resting(world)
    lag(world)

    changed = modify_order(world.desk, order.client_order_id, {"limit_price": "1300"} | more)
    catch_up(world)
    modify_order(world.desk, order.client_order_id, {"quantity": 7})

    assert (changed.is_settled, changed.order.request.limit_price) == (True, Decimal(1300))
    assert terms_at_broker(world) == (7, "1300")
    assert world.at_broker()[0].request.disclosed_quantity == more.get("disclosed_quantity")
    assert world.reconcile.asked == [("paper", 5)]


def test_a_fill_that_is_read_back_with_the_terms_from_before_counts(world: World) -> None:
    order = resting(world)
    lag(world, filled_quantity=2, average_price=Decimal(1400))

    changed = modify_order(world.desk, order.client_order_id, {"limit_price": "1300"}).order

    assert (changed.state, changed.filled_quantity) == (State.PARTIALLY_FILLED, 2)
    assert changed.request.limit_price == Decimal(1300)


def test_other_terms_that_are_read_back_after_a_change_are_taken(world: World) -> None:
    order = resting(world)
    lag(world, limit_price=Decimal(1310))

    changed = modify_order(world.desk, order.client_order_id, {"limit_price": "1300"}).order

    assert changed.request.limit_price == Decimal(1310)
    assert world.reconcile.asked == []
    assert told(changed) == []


@pytest.mark.parametrize("shown", [1400, 1310])
def test_terms_of_an_order_that_is_being_changed_at_its_broker_are_not_taken(
    world: World, shown: int
) -> None:
    order = resting(world)
    lag(world, limit_price=Decimal(shown), is_changing=True)

    changed = modify_order(world.desk, order.client_order_id, {"limit_price": "1300"}).order
    seen = looked_at(world, changed)

    assert seen.request.limit_price == Decimal(1300)
    assert told(seen) == []
    catch_up(world)
    assert looked_at(world, seen).request.limit_price == Decimal(1300)


def test_a_change_that_was_acknowledged_and_not_made_is_taken_from_the_book_and_told_once(
    world: World,
) -> None:
    order = resting(world)
    behave(world, modify_order=lambda *_: None)

    changed = modify_order(world.desk, order.client_order_id, {"limit_price": "1300"}).order
    catch_up(world)
    after = looked_at(world, order)

    assert (changed.request.limit_price, after.request.limit_price) == (Decimal(1300), Decimal(1400))
    assert looked_at(world, order) == after
    words = "BUY 5 NSE:INFY is shown on the terms from before a change that was acknowledged"
    assert told(after) == [f"{words} (the broker's book, read 04:30:00 UTC)"]


def test_a_change_after_a_book_that_lagged_starts_from_what_is_read_back(world: World) -> None:
    order = resting(world)
    lag(world)
    modify_order(world.desk, order.client_order_id, {"limit_price": "1300"})
    lagging = looked_at(world, order)
    catch_up(world)

    changed = modify_order(world.desk, order.client_order_id, {"quantity": 7}).order

    assert lagging.request.limit_price == Decimal(1400)
    assert terms_at_broker(world) == (7, "1300")
    assert changed.request.limit_price == Decimal(1300)


def test_a_cancel_takes_no_terms_from_what_is_read_back_of_a_moment_ago(world: World) -> None:
    order = resting(world)
    modify_order(world.desk, order.client_order_id, {"limit_price": "1300"})
    lag(world)
    behave(world, cancel_order=lambda *_: None)

    cancelled = cancel_order(world.desk, order.client_order_id).order

    assert (cancelled.last, cancelled.request.limit_price) == (EventKind.CANCEL_REQUESTED, Decimal(1300))
    assert world.reconcile.asked == [("paper", 5)]


def test_what_one_book_showed_and_the_next_takes_back_is_not_told_as_a_change_that_was_acknowledged(
    world: World,
) -> None:
    order = resting(world)
    world.transport.writes = [Fault.ANSWER_LOST]
    modify_order(world.desk, order.client_order_id, {"limit_price": "1300"})
    followed = looked_at(world, order)
    lag(world)

    assert followed.request.limit_price == Decimal(1300)
    assert told(looked_at(world, order)) == []


def test_a_change_back_whose_answer_was_lost_is_not_told_as_an_acknowledged_one_taken_back(
    world: World,
) -> None:
    order = resting(world)
    modify_order(world.desk, order.client_order_id, {"limit_price": "1300"})
    world.transport.writes = [Fault.ANSWER_LOST]
    modify_order(world.desk, order.client_order_id, {"limit_price": "1400"})

    after = looked_at(world, order)

    assert after.request.limit_price == Decimal(1400)
    assert told(after) == []


@pytest.mark.parametrize("is_changing", [True, False])
def test_an_order_that_is_read_back_with_more_filled_than_was_asked_for_has_the_quantity_that_is_shown(
    world: World, *, is_changing: bool
) -> None:
    order = resting(world, quantity=10)
    lag(world, quantity=10, filled_quantity=6, average_price=Decimal(1400), is_changing=is_changing)
    behave(world, modify_order=lambda *_: None)

    after = modify_order(world.desk, order.client_order_id, {"quantity": 5}).order

    assert (after.request.quantity, after.filled_quantity, after.pending_quantity) == (10, 6, 4)


def test_a_validity_that_was_acknowledged_with_a_price_and_not_made_is_taken_back_with_it(
    world: World,
) -> None:
    order = resting(world)
    behave(world, modify_order=lambda *_: None)
    modify_order(world.desk, order.client_order_id, {"limit_price": "1300", "validity": "IOC"})
    catch_up(world)

    after = looked_at(world, order)

    assert (after.request.limit_price, after.request.validity) == (Decimal(1400), "DAY")
    modify_order(world.desk, order.client_order_id, {"quantity": 7})
    [at_broker] = world.at_broker()
    assert (at_broker.request.quantity, at_broker.request.validity) == (7, "DAY")
