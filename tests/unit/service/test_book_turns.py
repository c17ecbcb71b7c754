"""A book that its broker lets one user read seldom: in turn, in small steps, and not at all while it keeps us out."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from order_router.adapter.errors import RateLimited
from order_router.adapter.session import BrokerSession
from order_router.brokers import paper
from order_router.domain.account import Account
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.order import Order
from order_router.domain.reports import OrderBook
from order_router.service.reading_books import TooEarly, note_kept_out, read_in_turn, require_let_in
from order_router.service.reconcile import reconcile_account
from order_router.service.timing import LEASE
from tests.fakes.transport import Fault
from tests.fakes.world import World

ACCOUNT = Account(name="paper", broker="paper")
TURN = "book#paper#paper"
EVERY_S = 5
EMPTY = OrderBook(())


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(paper, "profile", replace(paper.profile, book_every_s=EVERY_S))
    return World()


@pytest.fixture
def session(world: World) -> BrokerSession:
    return world.desk.sessions.session(ACCOUNT)


def take(world: World, seconds: float) -> None:
    """Let another worker have the turn for so long."""
    now = world.clock.now()
    assert world.turns.take(TURN, "another", now, until=now + timedelta(seconds=seconds)) is None


def test_while_a_book_is_read_nobody_else_has_the_turn_for_half_a_minute(
    world: World, session: BrokerSession
) -> None:
    began, free_at = world.clock.now(), []

    def read() -> OrderBook:
        free_at.append(world.turns.take(TURN, "another", began, until=began + timedelta(seconds=1)))
        return EMPTY

    read_in_turn(world.desk, ACCOUNT, session, read)

    assert free_at == [began + timedelta(seconds=30)]


def test_after_a_read_the_turn_rests_from_its_end_on(world: World, session: BrokerSession) -> None:
    def read() -> OrderBook:
        world.clock.advance(7)
        return EMPTY

    read_in_turn(world.desk, ACCOUNT, session, read)

    assert world.turns.free_at(TURN) == world.clock.now() + timedelta(seconds=EVERY_S)


@pytest.mark.parametrize(
    ("held_s", "slept"),
    [(0.02, [0.1]), (0.4, [0.4]), (2.4, [1, 1, 0.4]), (8, [1] * 8)],
)
def test_a_turn_is_waited_for_in_steps_of_a_second_or_what_is_left_of_one(
    world: World, session: BrokerSession, held_s: float, slept: list[float]
) -> None:
    take(world, held_s)

    assert read_in_turn(world.desk, ACCOUNT, session, lambda: EMPTY) is EMPTY

    assert world.clock.slept == pytest.approx(slept)


def test_a_turn_that_is_held_for_longer_leaves_the_orders_to_the_next_look(
    world: World, session: BrokerSession
) -> None:
    take(world, 8.01)

    with pytest.raises(TooEarly):
        read_in_turn(world.desk, ACCOUNT, session, lambda: pytest.fail("read out of turn"))


def kept_out(world: World, seconds: float, **changes: Any) -> None:
    """Note that the broker answered that it takes no requests for so long."""
    told: dict[str, Any] = {"broker_code": "429", "keeps_out_s": seconds}
    error = RateLimited("Too many requests", **(told | changes))
    note_kept_out(world.desk, ACCOUNT, error)


@pytest.mark.parametrize("account", ["paper", "another"])
def test_a_broker_that_keeps_one_account_out_is_asked_for_none_until_it_listens(
    world: World, account: str
) -> None:
    asked = ACCOUNT.model_copy(update={"name": account})
    kept_out(world, 30)
    world.clock.advance(10)

    with pytest.raises(RateLimited, match="takes no requests until 04:30:30 UTC") as raised:
        require_let_in(world.desk, asked)
    assert raised.value.keeps_out_s == 20

    world.clock.advance(20)
    require_let_in(world.desk, asked)


def test_a_broker_that_keeps_out_does_so_for_its_own_accounts_alone(world: World) -> None:
    kept_out(world, 30)
    desk = replace(world.desk, broker_of=lambda _: paper)

    require_let_in(desk, ACCOUNT.model_copy(update={"broker": "another"}))


@pytest.mark.parametrize("changes", [{"broker_code": None}, {"keeps_out_s": 0}])
def test_only_what_the_broker_itself_said_keeps_out(world: World, changes: dict[str, Any]) -> None:
    kept_out(world, 30, **changes)

    require_let_in(world.desk, ACCOUNT)


def unread(world: World, *faults: Fault) -> Order:
    """Return an order whose sending ended so, at a broker whose book another worker has for an hour."""
    take(world, 3600)
    world.transport.writes = list(faults)
    return world.place(limit_price="1400").order


def seconds_after_it_left(world: World, order: Order, seconds: float) -> list[EventKind]:
    """Look at the account so long after the order first left; return what happened to it then."""
    first = next(step.event.at for step in order.history if step.event.kind is EventKind.SUBMITTING)
    before = len(world.stored(order).history)
    world.clock.advance((first - world.clock.now()).total_seconds() + seconds)
    reconcile_account(world.desk, "paper")
    return [step.event.kind for step in world.stored(order).history[before:]]


def test_an_unknown_order_whose_book_is_not_read_is_told_once_when_its_lease_is_over(world: World) -> None:
    order = unread(world, Fault.REQUEST_LOST)
    held_for = [LEASE.total_seconds() - 8, LEASE.total_seconds() - 7.999]

    told = [seconds_after_it_left(world, order, seconds) for seconds in (*held_for, 600)]

    assert order.state is State.UNKNOWN
    assert told == [[], [EventKind.PERSON_TOLD], []]


def test_an_order_that_left_twice_is_told_by_its_last_leaving(world: World) -> None:
    order = unread(world, Fault.REFUSED, Fault.REQUEST_LOST)
    left = [step.event.at for step in order.history if step.event.kind is EventKind.SUBMITTING]

    assert len(left) == 2
    apart_s = (left[1] - left[0]).total_seconds()
    in_between_s = LEASE.total_seconds() - 8 + apart_s / 2
    assert seconds_after_it_left(world, order, in_between_s) == []
    assert seconds_after_it_left(world, order, in_between_s + apart_s) == [EventKind.PERSON_TOLD]


def test_an_order_that_is_known_and_whose_book_is_not_read_stays_as_it_is(world: World) -> None:
    order = unread(world)
    assert order.state is State.OPEN

    assert seconds_after_it_left(world, order, 600) == []
