"""What a person says of an order that no book settles: taken where the broker's own books do not contradict it."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from order_router.domain.errors import RouterError
from order_router.domain.gate import EntryHeld
from order_router.domain.history import Event
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.order import Order
from order_router.domain.reports import OrderBook
from order_router.service.change import cancel_order
from order_router.service.changeable import OrderEnded, OrderUnknown
from order_router.service.follow_up import AT_ONCE
from order_router.service.needed_reads import NotReadYet
from order_router.service.reconcile import reconcile_account
from order_router.service.recording import record
from order_router.service.stating import (
    Ending,
    NotUnknown,
    Statement,
    StatementRefused,
    settle_by_word,
)
from tests.fakes.books import showing, without_tags
from tests.fakes.transport import Fault
from tests.fakes.world import World

NEXT_MORNING = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
WHY = "the broker's app shows it so"


@pytest.fixture
def world() -> World:
    return World()


def incomplete(book: OrderBook) -> OrderBook:
    return replace(book, reports=(), is_complete=False)


def told(world: World, key: str = "k-1", fault: Fault = Fault.REQUEST_LOST, **changes: Any) -> Order:
    """Place an order that nobody answers, and of which a person is told while no book is readable."""
    world.transport.writes = [fault]
    order = world.place(key, **changes).order
    desk = world.desk
    showing(world, incomplete, is_echoed=desk.broker_of("paper").profile.tag.is_echoed)
    world.clock.advance(60)
    reconcile_account(world.desk, "paper")
    world.desk = desk
    order = world.stored(order)
    assert (order.state, order.has(EventKind.PERSON_TOLD)) == (State.UNKNOWN, True)
    return order


def say(
    world: World, order: Order, broker_order_id: str | None = None, ending: Ending | None = None
) -> Order:
    said = Statement(by="key k-admin", why=WHY, broker_order_id=broker_order_id, ending=ending)
    return settle_by_word(world.desk, order.client_order_id, said)


def refused(world: World, order: Order, *said: Any, error: type[RouterError] = StatementRefused) -> str:
    """Say it, and return why it is refused: nothing has changed by it."""
    before = world.stored(order)
    with pytest.raises(error) as caught:
        say(world, order, *said)
    assert world.stored(order) == before
    return caught.value.message


# ---------------------------------------------------------------- the broker has no such order
def test_an_order_that_the_broker_does_not_have_is_closed_with_who_said_so(world: World) -> None:
    order = told(world)

    closed = say(world, order)

    assert (closed.state, world.stored(order)) == (State.REJECTED, closed)
    assert closed.reason is not None
    assert (closed.reason.code, closed.reason.message) == (
        "NOT_AT_BROKER",
        f"key k-admin says that the broker has no such order: {WHY}",
    )
    assert ("stated_by", "key k-admin") in closed.history[-1].event.evidence


def test_what_it_held_goes_on_at_once(world: World) -> None:
    order = told(world, strategy="demo")
    with pytest.raises(EntryHeld):
        world.place("k-2", strategy="demo")
    looks = len(world.reconcile.looks)

    say(world, order)

    assert world.reconcile.looks[looks:] == [AT_ONCE]
    assert world.reconcile.asked[-1] == ("paper", 0)
    assert world.place("k-3", strategy="demo").order.state is State.FILLED


def test_while_its_day_lasts_a_book_that_shows_it_is_believed_more(world: World) -> None:
    order = told(world, fault=Fault.ANSWER_LOST)
    [row] = world.at_broker()

    words = refused(world, order)

    assert words == f"the broker's book shows the order as {row.broker_order_id}"


def test_other_orders_in_the_book_keep_none_from_being_closed(world: World) -> None:
    order = told(world)
    world.place("k-2", limit_price="1400")

    assert say(world, order).state is State.REJECTED


def named(world: World, order: Order, broker_order_id: str) -> Order:
    """Let the broker have named an order that is unknown all the same."""
    event = Event(kind=EventKind.PERSON_TOLD, at=world.clock.now(), broker_order_id=broker_order_id)
    return record(world.desk, order, [event])


def test_an_order_that_the_broker_has_named_is_looked_for_by_that_name(world: World) -> None:
    showing(world, without_tags, is_echoed=False)
    order = told(world, fault=Fault.ANSWER_LOST)
    [row] = world.at_broker()
    order = named(world, order, row.broker_order_id)

    assert refused(world, order) == f"the broker's book shows the order as {row.broker_order_id}"
    assert refused(world, order, "4711") == f"the broker called this order {row.broker_order_id}"
    assert say(world, order, row.broker_order_id).state is State.FILLED


def test_while_its_day_lasts_a_book_that_is_not_read_whole_closes_nothing(world: World) -> None:
    order = told(world)
    showing(world, incomplete)

    refused(world, order, error=NotReadYet)


def test_while_its_day_lasts_a_broker_that_does_not_answer_closes_nothing(world: World) -> None:
    order = told(world)
    world.transport.reads = [Fault.ANSWER_LOST]

    refused(world, order, error=RouterError)


def test_once_its_day_is_over_no_book_is_asked_for(world: World) -> None:
    order = told(world)
    world.clock.advance((NEXT_MORNING - world.clock.now()).total_seconds())
    showing(world, incomplete)

    assert say(world, order).state is State.REJECTED


def test_what_comes_to_light_afterwards_is_told_with_the_account_s_next_book(world: World) -> None:
    order = told(world)
    say(world, order)
    world.exchange.handle(world.transport.sent[0])
    world.place("k-2", limit_price="1400")

    reconcile_account(world.desk, "paper", is_asked=False)

    after = world.stored(order)
    assert (after.state, after.filled_quantity) == (State.REJECTED, 5)
    assert after.last is EventKind.LATE_FILL


# ---------------------------------------------------------------- it is this one of the broker's orders
def test_of_two_orders_that_fit_the_named_one_is_taken_with_its_fill(world: World) -> None:
    showing(world, without_tags, is_echoed=False)
    first, second = (told(world, key, Fault.ANSWER_LOST) for key in ("k-1", "k-2"))
    rows = [row.broker_order_id for row in world.at_broker()]
    assert len(rows) == 2

    taken = say(world, first, rows[1])
    other = say(world, second, rows[0])

    assert [(one.state, one.broker_order_id, one.filled_quantity) for one in (taken, other)] == [
        (State.FILLED, rows[1], 5),
        (State.FILLED, rows[0], 5),
    ]
    seen = dict(taken.history[-1].event.evidence)["seen_in"]
    assert seen.endswith(f"as key k-admin says: {WHY}")


def test_an_order_that_rests_is_followed_from_then_on(world: World) -> None:
    showing(world, without_tags, is_echoed=False)
    order, _ = (told(world, key, Fault.ANSWER_LOST, limit_price="1400") for key in ("k-1", "k-2"))
    taken = say(world, order, world.at_broker()[0].broker_order_id)
    assert taken.state is State.OPEN

    assert cancel_order(world.desk, order.client_order_id).order.state is State.CANCELLED


def test_an_order_that_is_not_in_today_s_book_is_not_taken(world: World) -> None:
    assert "no order 4711" in refused(world, told(world), "4711")


@pytest.mark.parametrize(
    "other", [{"side": "SELL"}, {"quantity": 6}, {"instrument": "NSE:RELIANCE"}, {"product": "CNC"}]
)
def test_an_order_for_something_else_is_not_taken(world: World, other: dict[str, Any]) -> None:
    showing(world, without_tags, is_echoed=False)
    order = told(world, limit_price="1400")
    world.place("k-2", **{"limit_price": "1400", "strategy": None} | other)
    row = world.at_broker()[-1]

    assert f"order {row.broker_order_id} is" in refused(world, order, row.broker_order_id)


def test_an_order_under_another_tag_is_not_taken(world: World) -> None:
    order = told(world)
    world.place("k-2")

    assert "the tag of another order" in refused(world, order, world.at_broker()[-1].broker_order_id)


def test_an_order_that_is_another_one_of_ours_is_not_taken(world: World) -> None:
    showing(world, without_tags, is_echoed=False)
    order = told(world)
    ours = world.place("k-2").order

    words = refused(world, order, ours.broker_order_id)

    assert words == f"{ours.broker_order_id} is our order {ours.client_order_id}"


# ---------------------------------------------------------------- an earlier day's
@pytest.mark.parametrize(
    ("filled", "price", "state"),
    [(5, "1499.5", State.FILLED), (2, "1500", State.EXPIRED), (0, None, State.EXPIRED)],
)
def test_how_an_order_of_an_earlier_day_ended_is_kept(
    world: World, filled: int, price: str | None, state: State
) -> None:
    order = told(world)
    world.clock.advance((NEXT_MORNING - world.clock.now()).total_seconds())
    ending = Ending(filled, None if price is None else Decimal(price))

    ended = say(world, order, "251123000001", ending)

    assert (ended.state, ended.filled_quantity, ended.average_price) == (state, filled, ending.average_price)
    assert ended.broker_order_id == "251123000001"
    assert ended.reason is not None
    assert (ended.reason.code, ended.reason.message) == ("STATED", f"key k-admin says how it ended: {WHY}")


def test_while_its_day_lasts_nobody_says_how_an_order_ended(world: World) -> None:
    assert "not over" in refused(world, told(world), "251123000001", Ending(5, Decimal(1500)))


def test_no_more_can_have_filled_than_was_asked_for(world: World) -> None:
    order = told(world)
    world.clock.advance((NEXT_MORNING - world.clock.now()).total_seconds())

    assert "6 cannot have filled of an order for 5" in refused(
        world, order, "251123000001", Ending(6, Decimal(1500))
    )


def test_another_one_of_our_orders_of_that_day_is_not_how_it_ended(world: World) -> None:
    ours = world.place("k-0").order
    order = told(world)
    world.clock.advance((NEXT_MORNING - world.clock.now()).total_seconds())

    assert "is our order" in refused(world, order, ours.broker_order_id, Ending(5, Decimal(1500)))


# ---------------------------------------------------------------- who may be settled, and when
def test_said_again_it_is_answered_as_before(world: World) -> None:
    order = told(world)
    closed = say(world, order)

    assert say(world, order) == closed


def test_an_order_that_is_known_is_settled_by_nobody_s_word(world: World) -> None:
    resting, filled = world.place("k-1", limit_price="1400").order, world.place("k-2").order

    assert "is open" in refused(world, resting, error=NotUnknown)
    assert "is filled" in refused(world, filled, error=OrderEnded)
    assert "is filled" in refused(world, filled, "4711", error=OrderEnded)


def test_an_order_that_is_still_looked_for_waits(world: World) -> None:
    world.transport.writes = [Fault.REQUEST_LOST]
    order = world.place().order

    assert "still looked for" in refused(world, order, error=NotUnknown)


def test_an_order_that_nobody_knows_is_not_found(world: World) -> None:
    with pytest.raises(OrderUnknown):
        settle_by_word(world.desk, "A" * 20, Statement(by="key k", why=WHY))


def test_what_another_worker_learned_meanwhile_stands(world: World) -> None:
    order = told(world, fault=Fault.ANSWER_LOST)

    def found_meanwhile(book: OrderBook) -> OrderBook:
        world.desk = desk
        reconcile_account(desk, "paper")
        return replace(book, reports=())

    desk = world.desk
    showing(world, found_meanwhile)

    with pytest.raises(OrderEnded, match="settled meanwhile: it is filled"):
        say(world, order)
    assert world.stored(order).state is State.FILLED
