"""Reconcile: the broker's book decides, absence proves nothing, nobody is told twice."""

from dataclasses import replace
from typing import cast

import pytest

from order_router.adapter.http import Send
from order_router.adapter.port import Broker
from order_router.adapter.profile import TagRule
from order_router.adapter.session import BrokerSession
from order_router.domain.account import Account
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.order import Ownership, take_ownership
from order_router.domain.reports import OrderBook
from order_router.service.change import cancel_order
from order_router.service.place import order_of
from order_router.service.reconcile import reconcile_account, reconcile_all
from order_router.service.timing import LEASE
from tests.fakes.transport import Fault
from tests.fakes.world import World


@pytest.fixture
def world() -> World:
    return World()


def state_of(world: World, client_order_id: str) -> State:
    order = world.store.get(client_order_id)
    assert order is not None
    return order.state


def abandoned(world: World, key: str = "k-1") -> str:
    """Store an order whose worker died right after it wrote the intent."""
    order = order_of(world.command(key), Account(name="paper", broker="paper"))
    owned = take_ownership(order, Ownership("dead", world.clock.now() + LEASE), world.clock.now())
    world.store.write(owned, replacing=None)
    return order.client_order_id


def test_an_unknown_order_in_the_book_is_adopted_with_its_fill(world: World) -> None:
    world.transport.writes = [Fault.ANSWER_LOST]
    order = world.place().order
    assert order.state is State.UNKNOWN

    settled = reconcile_account(world.desk, "paper")

    adopted = world.store.get(order.client_order_id)
    assert adopted is not None
    assert (adopted.state, adopted.filled_quantity) == (State.FILLED, 5)
    assert adopted.broker_order_id == world.at_broker()[0].broker_order_id
    assert (settled.changed, settled.unknown) == (1, 0)
    assert len(world.at_broker()) == 1


def test_absence_from_the_book_is_never_a_rejection(world: World) -> None:
    world.transport.writes = [Fault.REQUEST_LOST]
    order = world.place().order

    for _ in range(5):
        reconcile_account(world.desk, "paper")
        world.clock.advance(3600)

    assert state_of(world, order.client_order_id) is State.UNKNOWN
    assert world.transport.writes_sent() == 1


def test_an_order_that_stays_unknown_is_told_once_and_looked_for_again(world: World) -> None:
    world.transport.writes = [Fault.REQUEST_LOST]
    order = world.place().order
    world.reconcile.asked.clear()

    reconcile_account(world.desk, "paper")
    reconcile_account(world.desk, "paper")

    assert [(notice.kind, notice.client_order_id) for notice in world.notifier.notices] == [
        ("unknown", order.client_order_id)
    ]
    assert world.reconcile.asked == [("paper", 5)], "the next look is asked for once"


def test_after_two_minutes_only_the_schedule_looks_again(world: World) -> None:
    world.transport.writes = [Fault.REQUEST_LOST]
    world.place()
    world.clock.advance(121)
    world.reconcile.asked.clear()

    reconcile_account(world.desk, "paper")

    assert world.reconcile.asked == []


def test_a_book_that_cannot_be_read_is_not_absence(world: World) -> None:
    world.transport.writes = [Fault.ANSWER_LOST]
    order = world.place().order
    world.transport.reads = [Fault.ANSWER_LOST, Fault.GARBAGE, Fault.REFUSED]

    states = []
    for _ in range(4):
        reconcile_account(world.desk, "paper")
        states.append(state_of(world, order.client_order_id))

    assert states == [State.UNKNOWN, State.UNKNOWN, State.UNKNOWN, State.FILLED]


def test_a_defect_in_reading_the_book_leaves_no_unknown_order_untold(world: World) -> None:
    def read_orders(send: Send, session: BrokerSession) -> OrderBook:
        raise KeyError("status")

    world.transport.writes = [Fault.REQUEST_LOST]
    order = world.place().order
    broken = cast("Broker", _Without(world.desk.broker_of("paper"), read_orders=read_orders))

    reconcile_account(replace(world.desk, broker_of=lambda _: broken), "paper")

    assert state_of(world, order.client_order_id) is State.UNKNOWN
    assert [notice.kind for notice in world.notifier.notices] == ["unknown"]


class _Without:
    """A broker with some of its functions replaced."""

    def __init__(self, inner: Broker, **replaced: object) -> None:
        self._inner = inner
        self.__dict__.update(replaced)

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)


def test_a_dead_worker_s_order_is_left_alone_until_its_lease_ends(world: World) -> None:
    client_order_id = abandoned(world)

    world.clock.advance(LEASE.total_seconds())
    reconcile_account(world.desk, "paper")
    within = state_of(world, client_order_id)
    world.clock.advance(0.001)
    reconcile_account(world.desk, "paper")

    assert within is State.SUBMITTING
    assert state_of(world, client_order_id) is State.UNKNOWN
    assert world.transport.writes_sent() == 0


def test_an_order_that_never_left_ends_stale_after_its_deadline(world: World) -> None:
    order = order_of(world.command(), Account(name="paper", broker="paper"))
    world.store.write(order, replacing=None)

    reconcile_account(world.desk, "paper")
    before = state_of(world, order.client_order_id)
    world.clock.advance(10.001)
    reconcile_account(world.desk, "paper")

    assert (before, state_of(world, order.client_order_id)) == (State.RECEIVED, State.STALE)


def test_a_resting_order_is_followed_to_its_fill(world: World) -> None:
    order = world.place(limit_price="1400").order
    world.set_price("NSE:INFY", "1399.95")

    reconcile_account(world.desk, "paper")

    assert state_of(world, order.client_order_id) is State.FILLED


def test_an_unanswered_cancel_is_settled_by_the_book(world: World) -> None:
    order = world.place(limit_price="1400").order
    world.transport.writes = [Fault.ANSWER_LOST]
    assert not cancel_order(world.desk, order.client_order_id).is_settled

    reconcile_account(world.desk, "paper")

    assert state_of(world, order.client_order_id) is State.CANCELLED


def test_an_order_that_somebody_else_placed_is_never_claimed(world: World) -> None:
    world.transport.writes = [Fault.REQUEST_LOST]
    ours = world.place("ours").order
    theirs = world.place("theirs").order

    reconcile_account(world.desk, "paper")

    assert (state_of(world, ours.client_order_id), state_of(world, theirs.client_order_id)) == (
        State.UNKNOWN,
        State.FILLED,
    )


def test_two_orders_under_one_tag_are_told(world: World) -> None:
    world.transport.writes = [Fault.ANSWER_LOST]
    order = world.place().order
    world.exchange.handle(world.transport.sent[0])

    reconcile_account(world.desk, "paper")

    assert [notice.kind for notice in world.notifier.notices] == ["duplicate"]
    assert state_of(world, order.client_order_id) is State.FILLED


def test_nothing_open_costs_the_broker_nothing(world: World) -> None:
    world.place()
    sent = len(world.transport.sent)

    assert reconcile_account(world.desk, "paper").looked_at == 0
    assert len(world.transport.sent) == sent


def test_one_account_s_failure_does_not_keep_the_others_waiting(world: World) -> None:
    world.settings.put_account(Account(name="a-broken", broker="none-such"))
    world.store.write(
        take_ownership(
            order_of(world.command(account="a-broken"), Account(name="a-broken", broker="paper")),
            Ownership("dead", world.clock.now()),
            world.clock.now(),
        ),
        replacing=None,
    )
    order = world.place(limit_price="1400").order
    world.set_price("NSE:INFY", "1399.95")
    world.clock.advance(1)

    reconcile_all(world.desk)

    assert state_of(world, order.client_order_id) is State.FILLED


def test_history_tells_what_the_book_said(world: World) -> None:
    world.transport.writes = [Fault.ANSWER_LOST]
    order = world.place().order

    reconcile_account(world.desk, "paper")

    adopted = world.store.get(order.client_order_id)
    assert adopted is not None
    assert [step.event.kind for step in adopted.history] == [
        EventKind.RECEIVED,
        EventKind.SUBMITTING,
        EventKind.OUTCOME_LOST,
        EventKind.FILLED,
    ]


def forgetful(world: World) -> None:
    """Let the broker's book come back without our tags."""
    broker = world.desk.broker_of("paper")

    class Forgetful:
        profile = replace(broker.profile, tag=TagRule(max_length=20, is_echoed=False))
        place_order = staticmethod(broker.place_order)
        read_order = staticmethod(broker.read_order)

        @staticmethod
        def read_orders(send: Send, session: BrokerSession) -> OrderBook:
            book = broker.read_orders(send, session)
            return replace(book, reports=tuple(replace(row, client_tag=None) for row in book.reports))

    world.desk = replace(world.desk, broker_of=lambda _name: cast("Broker", Forgetful))


def test_without_tags_the_only_likely_row_is_adopted(world: World) -> None:
    forgetful(world)
    world.place("other", quantity=7)
    world.transport.writes = [Fault.ANSWER_LOST]
    order = world.place().order
    world.clock.advance(10)

    reconcile_account(world.desk, "paper")

    assert state_of(world, order.client_order_id) is State.FILLED


def test_without_tags_an_order_placed_elsewhere_is_not_claimed_when_two_could_be_ours(world: World) -> None:
    forgetful(world)
    world.transport.writes = [Fault.ANSWER_LOST]
    order = world.place().order
    world.exchange.handle(world.transport.sent[0])

    reconcile_account(world.desk, "paper")

    assert state_of(world, order.client_order_id) is State.UNKNOWN
    assert [notice.kind for notice in world.notifier.notices] == ["unknown"]


def test_without_tags_a_row_of_another_order_of_ours_is_not_taken(world: World) -> None:
    forgetful(world)
    world.place("first")
    world.transport.writes = [Fault.REQUEST_LOST]
    lost = world.place("second").order
    world.clock.advance(10)

    reconcile_account(world.desk, "paper")

    assert state_of(world, lost.client_order_id) is State.UNKNOWN


def test_the_schedule_starts_no_chain_of_looks(world: World) -> None:
    world.transport.writes = [Fault.REQUEST_LOST]
    world.place()
    world.reconcile.asked.clear()

    reconcile_all(world.desk)

    assert world.reconcile.asked == []
