"""A report that is written down while a change is under way: what the answer then says of the order, and what not."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from order_router.adapter.errors import OutcomeUnknown
from order_router.adapter.port import OrderTarget
from order_router.domain.lifecycle import EventKind
from order_router.domain.order import Order
from order_router.service.change import cancel_order, modify_order
from order_router.service.looking import look_at
from order_router.service.reconcile import reconcile_account
from order_router.service.recording import Seen, record_report
from order_router.service.timing import LEASE
from tests.fakes.transport import Fault
from tests.fakes.world import World
from tests.unit.service.test_lagging_books import (
    behave,
    catch_up,
    lag,
    looked_at,
    resting,
    terms_at_broker,
    told,
)


@pytest.fixture
def world() -> World:
    world = World()
    world.set_price("NSE:INFY", "1600")
    return world


def look(world: World, _: Order) -> None:
    reconcile_account(world.desk, "paper")


def postback(world: World, order: Order) -> None:
    """Let the broker tell of the order by itself, as late as it may."""
    desk, stored = world.desk, world.store.get(order.client_order_id)
    assert stored is not None
    assert stored.broker_order_id is not None
    target = OrderTarget(broker_order_id=stored.broker_order_id, request=stored.request)
    report = look_at(desk, desk.account("paper"), desk.broker_of("paper"), target)
    assert report is not None
    record_report(desk, stored, Seen(report, "the broker's postback", is_late=True))


def meanwhile(world: World, call: str, what: Callable[[], object], *, is_answered: bool = True) -> None:
    """Let this happen when the broker has made the change and its answer is still on its way."""
    make = getattr(world.desk.broker_of("paper"), call)

    def slowly(*given: Any) -> None:
        make(*given)
        what()
        if not is_answered:
            raise OutcomeUnknown("no answer in time")

    behave(world, **{call: slowly})


@pytest.mark.parametrize("seen_by", [look, postback])
@pytest.mark.parametrize("more", [{}, {"disclosed_quantity": 2}])
def test_a_change_that_a_report_showed_to_be_made_is_not_said_not_to_be_when_no_answer_comes(
    world: World, seen_by: Callable[[World, Order], None], more: dict[str, int]
) -> None:
    order = resting(world)
    meanwhile(world, "modify_order", lambda: seen_by(world, order), is_answered=False)

    changed = modify_order(world.desk, order.client_order_id, {"limit_price": "1300"} | more)
    catch_up(world)
    world.clock.advance(LEASE.total_seconds() + 1)
    after = looked_at(world, order)

    assert changed.is_settled
    assert changed.order.history[-1].event.kind is EventKind.MODIFIED
    assert after.request.limit_price == Decimal(1300)
    assert told(after) == []


def test_a_change_that_a_report_showed_to_be_made_keeps_no_other_waiting(world: World) -> None:
    order = resting(world)
    meanwhile(world, "modify_order", lambda: look(world, order), is_answered=False)
    modify_order(world.desk, order.client_order_id, {"limit_price": "1300"})
    catch_up(world)

    modify_order(world.desk, order.client_order_id, {"quantity": 7})

    assert terms_at_broker(world) == (7, "1300")


def test_a_change_to_what_the_order_has_is_not_said_not_to_be_made(world: World) -> None:
    order = resting(world)
    world.transport.writes = [Fault.REQUEST_LOST]

    changed = modify_order(world.desk, order.client_order_id, {"limit_price": "1400"})
    world.clock.advance(LEASE.total_seconds() + 1)

    assert not changed.is_settled
    assert told(looked_at(world, order)) == []


def test_a_change_before_it_that_a_report_shows_does_not_say_that_the_lost_one_was_made(world: World) -> None:
    order = resting(world)
    world.transport.writes = [Fault.REQUEST_LOST]
    modify_order(world.desk, order.client_order_id, {"limit_price": "1390"})
    late = world.transport.sent[-1]

    def lose(*_: object) -> None:
        world.exchange.handle(late)
        look(world, order)
        raise OutcomeUnknown("no answer in time")

    behave(world, modify_order=lose)
    changed = modify_order(world.desk, order.client_order_id, {"limit_price": "1300"})
    world.clock.advance(LEASE.total_seconds() + 1)

    assert not changed.is_settled
    assert len(told(looked_at(world, order))) == 1


def test_a_cancel_whose_order_ended_meanwhile_is_settled_though_no_answer_came(world: World) -> None:
    order = resting(world)
    meanwhile(world, "cancel_order", lambda: look(world, order), is_answered=False)

    cancelled = cancel_order(world.desk, order.client_order_id)

    assert cancelled.is_settled
    assert cancelled.order.last is EventKind.CANCELLED


def look_finds(world: World, price: str) -> None:
    """Let a look find the order at this price."""
    desk = world.desk
    catch_up(world)
    lag(world, limit_price=Decimal(price))
    reconcile_account(world.desk, "paper")
    world.desk = desk


@pytest.mark.parametrize("shown", ["1350", "1400"], ids=["by hand", "of a moment ago"])
def test_a_change_after_a_yes_that_crossed_a_report_of_other_terms_starts_from_what_is_read_back(
    world: World, shown: str
) -> None:
    order = resting(world)
    modify_order(world.desk, order.client_order_id, {"limit_price": "1390"})
    meanwhile(world, "modify_order", lambda: look_finds(world, shown))
    modify_order(world.desk, order.client_order_id, {"limit_price": "1300"})
    catch_up(world)

    modify_order(world.desk, order.client_order_id, {"quantity": 7})

    assert terms_at_broker(world) == (7, "1300")


def test_a_change_after_a_yes_that_crossed_the_late_change_before_it_keeps_its_price(world: World) -> None:
    order = resting(world)
    world.transport.writes = [Fault.REQUEST_LOST]
    modify_order(world.desk, order.client_order_id, {"limit_price": "1390"})
    late, make = world.transport.sent[-1], world.desk.broker_of("paper").modify_order

    def crossed(*given: Any) -> None:
        world.exchange.handle(late)
        look(world, order)
        make(*given)

    behave(world, modify_order=crossed)
    modify_order(world.desk, order.client_order_id, {"limit_price": "1300"})
    catch_up(world)

    modify_order(world.desk, order.client_order_id, {"quantity": 7})

    assert terms_at_broker(world) == (7, "1300")
