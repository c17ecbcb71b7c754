"""A change without an answer of what no report shows: neither said not to be made, nor undone by the next one."""

from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from order_router.domain.following import apply_fitting, events_of
from order_router.domain.history import SEEN_IN, Event, with_evidence
from order_router.domain.lifecycle import EventKind
from order_router.domain.order import Order, apply
from order_router.domain.order_news import news_of
from order_router.domain.reports import ReportedState
from order_router.domain.unanswered import not_done
from order_router.domain.unshown import asked_evidence, in_doubt, last_asked
from order_router.domain.vocabulary import Validity
from order_router.service.change import ChangeRefused, modify_order
from order_router.service.changeable import ChangeInProgress, changed_request
from order_router.service.reconcile import reconcile_account
from order_router.service.timing import LEASE
from tests.fakes.transport import Fault
from tests.fakes.world import World
from tests.unit.domain.test_following import LATER, followed, open_order, report


@pytest.fixture
def world() -> World:
    world = World()
    world.set_price("NSE:INFY", "1600")
    return world


def unanswered(world: World, fault: Fault = Fault.ANSWER_LOST, **changes: Any) -> Order:
    """Return an order that rests at 1400, and whose change to two units disclosed was not answered."""
    order = world.place(limit_price="1400").order
    world.transport.writes = [fault]
    return modify_order(world.desk, order.client_order_id, {"disclosed_quantity": 2} | changes).order


def looked_at(world: World, order: Order) -> Order:
    world.clock.advance(LEASE.total_seconds() + 1)
    reconcile_account(world.desk, "paper")
    stored = world.store.get(order.client_order_id)
    assert stored is not None
    return stored


def held(world: World) -> tuple[int, str, int | None]:
    """Return quantity, price and disclosed quantity at the broker."""
    [order] = world.at_broker()
    return order.request.quantity, str(order.request.limit_price), order.request.disclosed_quantity


def told(order: Order) -> list[str]:
    return [notice.message for notice in news_of(order) if notice.kind == "not_done"]


@pytest.mark.parametrize("fault", [Fault.ANSWER_LOST, Fault.REQUEST_LOST])
def test_what_no_report_shows_is_never_said_not_to_be_made(world: World, fault: Fault) -> None:
    order = unanswered(world, fault)

    assert looked_at(world, order) == order
    assert order.last is EventKind.MODIFY_UNRESOLVED
    assert told(order) == []


def test_a_change_that_does_not_name_what_may_have_been_changed_does_not_leave(world: World) -> None:
    order = looked_at(world, unanswered(world))
    sent = world.transport.writes_sent()

    with pytest.raises(ChangeInProgress, match="name disclosed_quantity in this change too"):
        modify_order(world.desk, order.client_order_id, {"quantity": 7})

    assert world.transport.writes_sent() == sent
    assert held(world) == (5, "1400", 2)


@pytest.mark.parametrize("disclosed", [2, 3, None])
def test_a_change_that_names_it_leaves_and_settles_it(world: World, disclosed: int | None) -> None:
    order = looked_at(world, unanswered(world))

    modify_order(world.desk, order.client_order_id, {"quantity": 7, "disclosed_quantity": disclosed})
    modify_order(world.desk, order.client_order_id, {"limit_price": "1300"})

    assert held(world) == (7, "1300", disclosed)


def test_a_change_that_names_it_and_is_not_answered_either_is_not_said_not_to_be_made(world: World) -> None:
    order = unanswered(world)
    world.transport.writes = [Fault.ANSWER_LOST]
    again = modify_order(world.desk, order.client_order_id, {"disclosed_quantity": None}).order

    assert looked_at(world, again) == again
    assert held(world) == (5, "1400", None)


def test_a_change_that_was_refused_does_not_say_what_became_of_the_one_before(world: World) -> None:
    order = unanswered(world)
    with suppress(ChangeRefused):
        refused = {"limit_price": "1400.01", "disclosed_quantity": 3}
        modify_order(world.desk, order.client_order_id, refused)

    with pytest.raises(ChangeInProgress):
        modify_order(world.desk, order.client_order_id, {"quantity": 7})


def test_what_a_price_of_the_same_change_shows_to_be_made_was_made_whole(world: World) -> None:
    order = looked_at(world, unanswered(world, limit_price="1300"))

    modify_order(world.desk, order.client_order_id, {"quantity": 7})

    assert order.request.disclosed_quantity == 2
    assert held(world) == (7, "1300", 2)


def test_what_a_price_of_the_same_change_shows_not_to_be_made_was_not_made(world: World) -> None:
    order = looked_at(world, unanswered(world, Fault.REQUEST_LOST, limit_price="1300"))

    modify_order(world.desk, order.client_order_id, {"quantity": 7})

    assert len(told(order)) == 1
    assert held(world) == (7, "1400", None)


def asked(order: Order, **changes: Any) -> Order:
    """Return the order with a change asked for that nobody answered."""
    evidence = asked_evidence(order, changed_request(order, changes))
    return apply(order, Event(kind=EventKind.MODIFY_REQUESTED, at=LATER, evidence=evidence))


def seen(order: Order, **shown: Any) -> Order:
    """Return the order after a book that shows it with these terms."""
    events = events_of(order, report(ReportedState.OPEN, **shown), LATER)
    return apply_fitting(order, with_evidence(events, (SEEN_IN, "the book")))


def said_not_made(order: Order, validity: Validity | None) -> bool:
    shown = report(ReportedState.OPEN, validity=validity)
    return bool(not_done(order, shown, LATER, asked_before=LATER + timedelta(seconds=1)))


def test_a_validity_is_said_not_to_be_changed_only_by_a_report_that_shows_another() -> None:
    order = asked(open_order(), validity="IOC")

    assert [said_not_made(order, shown) for shown in (Validity.DAY, Validity.IOC, None)] == [
        True,
        False,
        False,
    ]


@pytest.mark.parametrize("shown", [Validity.DAY, Validity.IOC, None])
def test_a_validity_is_taken_from_a_report_if_it_was_asked_for(shown: Validity | None) -> None:
    after = seen(asked(open_order(), validity="IOC"), validity=shown)

    is_made = shown is Validity.IOC
    assert after.request.validity == ("IOC" if is_made else "DAY")
    assert in_doubt(after) == (set() if is_made else {"validity"})


def test_a_report_of_before_a_fill_does_not_say_what_became_of_a_change() -> None:
    order = asked(followed(open_order(), report(ReportedState.PARTIALLY_FILLED, 2)), validity="IOC")
    older = report(ReportedState.OPEN, validity=Validity.DAY)

    assert not_done(order, older, LATER, asked_before=LATER + timedelta(seconds=1)) == ()


def test_of_two_changes_without_an_answer_the_later_is_the_last() -> None:
    order = asked(asked(open_order(), disclosed_quantity=2), disclosed_quantity=3)

    last = last_asked(order)

    assert last is not None
    assert last.disclosed_quantity == 3


def test_a_validity_that_nobody_asked_for_is_no_news() -> None:
    assert seen(open_order(), validity=Validity.IOC) == open_order()


def test_other_terms_from_a_book_do_not_say_what_became_of_what_it_does_not_show() -> None:
    after = seen(asked(open_order(), disclosed_quantity=2), quantity=6)

    assert (after.request.quantity, after.request.disclosed_quantity) == (6, None)
    assert in_doubt(after) == {"disclosed_quantity"}


def test_what_was_asked_for_and_does_not_go_with_the_present_terms_keeps_no_news_away() -> None:
    after = seen(asked(open_order(), disclosed_quantity=4), quantity=3)

    assert after.request.quantity == 3


def test_a_change_is_not_settled_by_a_later_one_that_shares_a_part_of_it() -> None:
    earlier = asked(open_order(), limit_price="1300", disclosed_quantity=2)
    order = asked(earlier, limit_price="1300", disclosed_quantity=3)

    after = seen(order, limit_price=Decimal(1300))

    assert (after.request.limit_price, after.request.disclosed_quantity) == (Decimal(1300), 3)
    assert in_doubt(after) == {"disclosed_quantity"}


def test_a_change_of_what_every_report_shows_keeps_no_more_than_it_did() -> None:
    order = asked(open_order(), limit_price="1400", quantity=6)

    assert order.history[-1].event.evidence == ()
    assert said_not_made(order, None)


def test_what_a_change_asked_for_is_kept_behind_its_request() -> None:
    order = asked(open_order(), limit_price="1400", disclosed_quantity=2)

    words = '{"disclosed_quantity":2,"limit_price":"1400"}'
    assert order.history[-1].event.evidence == (("asked", words),)


def stop_with_a_limit_asked_for(world: World, fault: Fault) -> Order:
    """Return a stop at the market that rests, and whose change to one with a limit was not answered."""
    order = world.place(order_type="SL_M", limit_price=None, trigger_price="1700").order
    world.transport.writes = [fault]
    wanted = {"order_type": "SL", "limit_price": "1710"}
    return modify_order(world.desk, order.client_order_id, wanted).order


def test_a_stop_that_got_a_limit_without_an_answer_is_not_taken_for_one_that_its_broker_protects(
    world: World,
) -> None:
    order = stop_with_a_limit_asked_for(world, Fault.ANSWER_LOST)

    after = looked_at(world, order)

    assert (after.request.order_type, after.request.limit_price) == ("SL", Decimal(1710))
    assert told(after) == []


def test_a_change_after_a_stop_got_a_limit_without_an_answer_keeps_the_limit(world: World) -> None:
    order = stop_with_a_limit_asked_for(world, Fault.ANSWER_LOST)

    modify_order(world.desk, order.client_order_id, {"trigger_price": "1705"})

    [at_broker] = world.at_broker()
    assert (at_broker.request.order_type, at_broker.request.limit_price) == ("SL", Decimal(1710))


def test_a_stop_whose_change_to_one_with_a_limit_was_lost_stays_at_the_market_and_that_is_told(
    world: World,
) -> None:
    order = stop_with_a_limit_asked_for(world, Fault.REQUEST_LOST)

    after = looked_at(world, order)

    assert (after.request.order_type, len(told(after))) == ("SL_M", 1)
