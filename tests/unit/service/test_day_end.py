"""The end of the day: the last books close what absence never may while the session lasts."""

from datetime import UTC, datetime

import pytest

from order_router.brokers.registry import load_broker
from order_router.domain.errors import Reason
from order_router.domain.exchange_time import is_book_final
from order_router.domain.history import Event
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.order import Order, apply
from order_router.domain.reports import OrderBook
from order_router.domain.vocabulary import INDIAN, Exchange
from order_router.service.reconcile import reconcile_account
from order_router.service.settling import Look, settle
from tests.fakes.clock import MONDAY_MORNING
from tests.fakes.orders import a_submitting_order
from tests.fakes.transport import Fault
from tests.fakes.world import World

IN_SESSION = datetime(2026, 11, 23, 9, 59, tzinfo=UTC)
"""15:29 in Kolkata."""
EVENING = datetime(2026, 11, 23, 12, 30, tzinfo=UTC)
"""18:00 in Kolkata."""


@pytest.fixture
def world() -> World:
    return World()


def at(world: World, moment: datetime) -> None:
    world.clock.advance((moment - world.clock.now()).total_seconds())


def lost(world: World) -> str:
    world.transport.writes = [Fault.REQUEST_LOST]
    return world.place().order.client_order_id


def stored(world: World, client_order_id: str) -> Order:
    order = world.store.get(client_order_id)
    assert order is not None
    return order


def test_two_last_books_that_lack_an_order_close_it_with_the_evidence(world: World) -> None:
    client_order_id = lost(world)
    at(world, EVENING)

    reconcile_account(world.desk, "paper")
    once = stored(world, client_order_id)
    world.clock.advance(600)
    reconcile_account(world.desk, "paper")
    twice = stored(world, client_order_id)

    assert (once.state, twice.state) == (State.UNKNOWN, State.REJECTED)
    assert twice.reason is not None
    assert twice.reason.code == "NOT_AT_BROKER"
    assert [step.event.kind for step in twice.history[-2:]] == [
        EventKind.ABSENT_AT_DAY_END,
        EventKind.CLOSED_ABSENT,
    ]
    assert [notice.kind for notice in world.notifier.notices] == ["unknown", "closed"]


def test_books_too_close_together_are_one_book(world: World) -> None:
    client_order_id = lost(world)
    at(world, EVENING)

    for _ in range(5):
        reconcile_account(world.desk, "paper")
        world.clock.advance(60)

    assert stored(world, client_order_id).state is State.UNKNOWN


def test_an_order_that_was_closed_is_put_right_by_a_later_book_that_has_its_fill(world: World) -> None:
    client_order_id = lost(world)
    at(world, EVENING)
    for _ in range(2):
        reconcile_account(world.desk, "paper")
        world.clock.advance(600)
    closed = stored(world, client_order_id)
    assert closed.state is State.REJECTED

    world.exchange.handle(world.transport.sent[0])
    world.place("another that rests", limit_price="1400")
    for _ in range(2):
        reconcile_account(world.desk, "paper", is_asked=False)

    after = stored(world, client_order_id)
    assert (after.state, after.filled_quantity) == (State.REJECTED, 5)
    assert [step.event.kind for step in after.history[len(closed.history) :]] == [EventKind.LATE_FILL]
    assert after.broker_order_id == world.at_broker()[0].broker_order_id


@pytest.mark.parametrize(
    ("received_at", "read_at"),
    [
        (datetime(2026, 11, 23, 18, 25, tzinfo=UTC), datetime(2026, 11, 23, 18, 35, tzinfo=UTC)),
        (datetime(2026, 11, 27, 12, 45, tzinfo=UTC), datetime(2026, 11, 30, 3, 50, tzinfo=UTC)),
    ],
    ids=["before and after midnight", "Friday evening and Monday morning"],
)
def test_an_order_of_a_day_before_that_stands_as_rejected_is_put_right_by_a_book_that_has_its_fill(
    world: World, received_at: datetime, read_at: datetime
) -> None:
    at(world, received_at)
    client_order_id = lost(world)
    order = stored(world, client_order_id)
    no = Event(kind=EventKind.REJECTED, at=received_at, reason=Reason("REFUSED", "no"))
    world.store.write(apply(order, no), replacing=order)
    at(world, read_at)
    world.exchange.handle(world.transport.sent[0])
    world.place("another that rests", limit_price="1400")

    reconcile_account(world.desk, "paper", is_asked=False)

    after = stored(world, client_order_id)
    assert (after.state, after.filled_quantity) == (State.REJECTED, 5)


def test_a_later_book_says_nothing_of_an_order_that_its_broker_refused_and_does_not_have(
    world: World,
) -> None:
    order = world.place(quantity=100_000).order
    assert order.state is State.REJECTED
    world.place("another that rests", limit_price="1400")

    reconcile_account(world.desk, "paper", is_asked=False)

    assert stored(world, order.client_order_id) == order


@pytest.mark.parametrize("fault", [Fault.ANSWER_LOST, Fault.GARBAGE])
def test_a_book_that_cannot_be_read_closes_nothing(world: World, fault: Fault) -> None:
    client_order_id = lost(world)
    at(world, EVENING)
    world.transport.reads = [fault] * 100

    for _ in range(5):
        reconcile_account(world.desk, "paper")
        world.clock.advance(900)

    assert stored(world, client_order_id).state is State.UNKNOWN


def test_an_order_that_shows_up_late_in_the_evening_is_adopted(world: World) -> None:
    world.transport.writes = [Fault.ANSWER_LOST]
    client_order_id = world.place().order.client_order_id
    world.transport.reads = [Fault.ANSWER_LOST]
    at(world, EVENING)

    reconcile_account(world.desk, "paper")
    reconcile_account(world.desk, "paper")

    assert stored(world, client_order_id).state is State.FILLED


def test_the_next_day_s_book_proves_nothing_of_yesterday(world: World) -> None:
    client_order_id = lost(world)
    world.clock.advance(24 * 3600)

    for _ in range(3):
        reconcile_account(world.desk, "paper")
        world.clock.advance(900)

    assert stored(world, client_order_id).state is State.UNKNOWN


def test_a_resting_order_of_yesterday_that_the_book_dropped_has_expired(world: World) -> None:
    client_order_id = world.place(limit_price="1400").order.client_order_id
    world.clock.advance(24 * 3600)

    reconcile_account(world.desk, "paper")

    order = stored(world, client_order_id)
    assert (order.state, order.reason and order.reason.code) == (State.EXPIRED, "DAY_ENDED_UNSEEN")
    assert [notice.kind for notice in world.notifier.notices] == ["closed"]


@pytest.mark.parametrize(
    ("exchange", "moment", "is_final"),
    [
        (Exchange.NSE, MONDAY_MORNING, False),
        (Exchange.NSE, IN_SESSION, False),
        (Exchange.NSE, EVENING, True),
        (Exchange.MCX, EVENING, False),
        (Exchange.NSE, datetime(2026, 11, 23, 18, 29, 59, tzinfo=UTC), True),
        (Exchange.NSE, datetime(2026, 11, 23, 18, 30, tzinfo=UTC), False),
    ],
)
def test_a_book_has_the_last_word_from_the_evening_to_midnight(
    exchange: Exchange, moment: datetime, is_final: bool
) -> None:
    assert is_book_final(exchange, MONDAY_MORNING.date(), moment) is is_final


@pytest.mark.parametrize("exchange", sorted(set(Exchange) - INDIAN))
def test_absence_never_closes_an_unknown_order_outside_india(world: World, exchange: Exchange) -> None:
    lost = apply(submitting(exchange), Event(kind=EventKind.OUTCOME_LOST, at=MONDAY_MORNING))
    order = kept(world, lost)

    for hours in range(0, 240, 6):
        world.clock.advance(6 * 3600)
        order = settle(world.desk, absent(world, order), order)

        assert order.state is State.UNKNOWN, hours
        assert not order.has(EventKind.ABSENT_AT_DAY_END), hours
    assert [notice.kind for notice in world.notifier.notices] == ["unknown"]


@pytest.mark.parametrize(("exchange", "days"), [("NSE", 1), ("NASDAQ", 6), ("CME", 6), ("IDEALPRO", 6)])
def test_a_resting_order_that_the_book_dropped_expires_once_its_venue_s_day_is_over(
    world: World, exchange: str, days: int
) -> None:
    opened = Event(kind=EventKind.OPENED, at=MONDAY_MORNING, broker_order_id="1370093239")
    order = kept(world, apply(submitting(Exchange(exchange)), opened))
    states = []

    for _ in range(days):
        states.append(order.state)
        world.clock.advance(24 * 3600)
        order = settle(world.desk, absent(world, order), order)

    assert states == [State.OPEN] * days
    assert (order.state, order.reason and order.reason.code) == (State.EXPIRED, "DAY_ENDED_UNSEEN")


def submitting(exchange: Exchange) -> Order:
    return a_submitting_order(instrument=f"{exchange}:ANY", broker="ibkr")


def kept(world: World, order: Order) -> Order:
    world.store.write(order, replacing=None)
    return order


def absent(world: World, order: Order) -> Look:
    return Look(OrderBook(()), load_broker("paper"), (order,), world.clock.now())
