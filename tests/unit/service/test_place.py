"""The order path: one intent, at most one send, and the truth about it."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from order_router.adapter.errors import Rejected
from order_router.adapter.http import Send
from order_router.adapter.port import Acknowledged, PlaceIntent
from order_router.adapter.session import BrokerSession
from order_router.domain.account import Account
from order_router.domain.gate import PaceExceeded
from order_router.domain.identity import client_order_id
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.limits import Limits
from order_router.domain.order import Order
from order_router.domain.vocabulary import Source
from order_router.ports import StoreUnavailable
from order_router.service.desk import AccountUnknown
from order_router.service.place import InProgress, KeyReused, StillUnsent, place_order
from order_router.service.timing import (
    LEASE,
    PACE_WAIT,
    PLACE_FUNCTION_TIMEOUT,
    READ_TIME,
    SEND_BUDGET,
    WRITE_TIME,
)
from tests.fakes.transport import Fault
from tests.fakes.world import World


@pytest.fixture
def world() -> World:
    return World()


def kinds(order: Order) -> list[EventKind]:
    return [step.event.kind for step in order.history]


def test_a_marketable_order_is_placed_filled_and_written_down(world: World) -> None:
    placement = world.place()

    assert placement.order.state is State.FILLED
    assert placement.order.filled_quantity == 5
    assert placement.order.average_price == Decimal("1500.05")
    assert kinds(placement.order) == [
        EventKind.RECEIVED,
        EventKind.SUBMITTING,
        EventKind.OPENED,
        EventKind.FILLED,
    ]
    assert world.store.get(placement.order.client_order_id) == placement.order


def test_the_intent_is_stored_before_anything_leaves(world: World) -> None:
    stored_when_sent: list[list[State]] = []
    inner = world.exchange.handle

    def handle(request):  # type: ignore[no-untyped-def]
        if request.is_write:
            stored_when_sent.append([order.state for order, _ in world.store.tables.orders.values()])
        return inner(request)

    world.handlers["paper://exchange"] = handle
    world.place()

    assert stored_when_sent == [[State.SUBMITTING]]


def test_the_client_tag_shows_in_the_broker_s_book(world: World) -> None:
    placement = world.place()

    assert [order.client_tag for order in world.at_broker()] == [placement.order.client_order_id]


def test_one_write_before_the_broker_and_one_after(world: World) -> None:
    world.place()

    assert [order.state for order in world.store.writes] == [State.SUBMITTING, State.FILLED]


def test_a_repeat_returns_the_first_order_and_sends_nothing(world: World) -> None:
    first = world.place()
    repeat = world.place()

    assert repeat.is_replay
    assert repeat.order == first.order
    assert world.transport.writes_sent() == 1


def test_the_same_key_for_another_order_is_an_error(world: World) -> None:
    world.place()

    with pytest.raises(KeyReused):
        world.place(quantity=6)

    assert len(world.at_broker()) == 1


def test_the_same_key_in_another_account_is_another_order(world: World) -> None:
    world.settings.put_account(Account(name="second", broker="paper"))
    first = world.command()

    assert place_order(world.desk, first).order.client_order_id != (
        place_order(
            world.desk, replace(first, request=world.command(account="second").request)
        ).order.client_order_id
    )


@pytest.mark.parametrize("fault", [Fault.ANSWER_LOST, Fault.GARBAGE, Fault.REQUEST_LOST])
def test_a_lost_outcome_is_unknown_and_never_sent_again(world: World, fault: Fault) -> None:
    world.transport.writes = [fault]

    order = world.place().order
    repeat = world.place()

    assert order.state is State.UNKNOWN
    assert repeat.order == order
    assert world.transport.writes_sent() == 1
    assert world.reconcile.asked == [("paper", 5)]


def test_an_order_that_never_left_is_sent_again_within_its_deadline(world: World) -> None:
    world.transport.writes = [Fault.REFUSED, Fault.REFUSED]

    order = world.place().order

    assert order.state is State.FILLED
    assert order.reason is None
    assert kinds(order).count(EventKind.NEVER_SENT) == 2
    assert len(world.at_broker()) == 1


def test_a_queued_order_that_never_left_comes_back_and_is_sent_once(world: World) -> None:
    command = replace(world.command(source=Source.ALERT), deadline=world.clock.now() + timedelta(seconds=30))
    world.transport.writes = [Fault.REFUSED] * 15

    deliveries = 0
    placement = None
    while placement is None:
        deliveries += 1
        try:
            placement = place_order(world.desk, command)
        except StillUnsent:
            world.clock.advance(2)

    assert deliveries == 2
    assert placement.order.state is State.FILLED
    assert len(world.at_broker()) == 1


def test_a_queued_order_that_never_gets_through_ends_stale_and_is_told(world: World) -> None:
    command = world.command(source=Source.ALERT)
    world.transport.writes = [Fault.REFUSED] * 1000
    with pytest.raises(StillUnsent):
        place_order(world.desk, command)

    world.clock.advance(10)
    order = place_order(world.desk, command).order

    assert order.state is State.STALE
    assert [notice.kind for notice in world.notifier.notices] == ["stale"]
    assert world.at_broker() == []


def test_an_https_order_that_never_gets_through_is_refused_in_time_with_the_reason(world: World) -> None:
    world.transport.writes = [Fault.REFUSED] * 1000

    order = world.place().order

    assert order.state is State.REFUSED
    assert order.reason is not None
    assert order.reason.code == "BROKER_UNREACHABLE"
    assert world.at_broker() == []
    assert world.clock.now() <= order.deadline


def test_an_order_past_its_deadline_never_trades(world: World) -> None:
    command = world.command()
    world.clock.advance(10.001)

    order = place_order(world.desk, command).order

    assert order.state is State.STALE
    assert world.transport.sent == []


def test_a_broker_s_no_is_rejected_with_its_words(world: World) -> None:
    order = world.place(quantity=100_000).order

    assert order.state is State.REJECTED
    assert order.reason is not None
    assert order.reason.code == "ORDER_REJECTED"
    assert "fund" in order.reason.message.lower() or "margin" in order.reason.message.lower()


def test_what_the_broker_cannot_take_is_refused_before_anything_leaves(world: World) -> None:
    order = world.place(product="MTF").order

    assert order.state is State.REFUSED
    assert order.reason is not None
    assert order.reason.code == "UNSUPPORTED"
    assert world.transport.sent == []


@pytest.mark.parametrize("switch", ["kill#global", "kill#account#paper", "kill#strategy#demo"])
def test_no_order_leaves_once_a_kill_switch_is_on(world: World, switch: str) -> None:
    world.store.set_switch(switch, engaged=True)

    order = world.place(strategy="demo").order

    assert order.state is State.REFUSED
    assert order.reason is not None
    assert order.reason.code == "KILL_SWITCH_ON"
    assert world.transport.sent == []


def test_an_open_breaker_refuses_by_its_own_code(world: World) -> None:
    world.store.set_switch("breaker#paper#paper", engaged=True)

    order = world.place().order

    assert order.reason is not None
    assert order.reason.code == "BROKER_CIRCUIT_OPEN"


def test_the_day_s_limit_counts_orders_and_refuses_the_next(world: World) -> None:
    world.settings.put_account(Account(name="paper", broker="paper", limits=Limits(max_orders_per_day=2)))

    states = [world.place(key).order.state for key in ("a", "b", "c")]

    assert states == [State.FILLED, State.FILLED, State.REFUSED]


def test_a_repeat_is_not_counted_again(world: World) -> None:
    world.settings.put_account(Account(name="paper", broker="paper", limits=Limits(max_orders_per_day=2)))

    states = [world.place(key).order.state for key in ("a", "a", "a", "b")]

    assert states == [State.FILLED] * 4


def test_a_burst_waits_for_the_pace_and_is_never_faster(world: World) -> None:
    placed_at = []
    for key in range(20):
        world.place(str(key))
        placed_at.append(world.clock.now())

    for first, tenth in zip(placed_at, placed_at[9:], strict=False):
        assert tenth - first > timedelta(seconds=1)


def test_a_pace_that_stays_full_refuses_before_anything_is_written(world: World) -> None:
    for key in range(9):
        world.place(str(key))
    command = replace(world.command("tenth"), deadline=world.clock.now())

    with pytest.raises(PaceExceeded):
        place_order(world.desk, command)

    assert len(world.at_broker()) == 9
    assert world.store.get(client_order_id("paper", "tenth")) is None


def test_an_unknown_account_is_an_error_and_leaves_no_order(world: World) -> None:
    with pytest.raises(AccountUnknown):
        world.place(account="nobody")

    assert world.store.writes == []


def test_a_disabled_account_refuses_and_keeps_the_refusal(world: World) -> None:
    world.settings.put_account(Account(name="paper", broker="paper", is_enabled=False))

    order = world.place().order

    assert (order.state, order.reason and order.reason.code) == (State.REFUSED, "ACCOUNT_DISABLED")


def test_a_repeat_while_the_first_is_being_sent_waits_and_then_says_so(world: World) -> None:
    command = world.command()
    _die_while_sending(world, command)

    with pytest.raises(InProgress):
        place_order(world.desk, command)

    assert world.transport.sent == []


def test_a_redelivered_alert_of_a_dead_worker_sends_nothing_and_waits_for_nobody(world: World) -> None:
    command = world.command(source=Source.ALERT)
    _die_while_sending(world, command)

    placement = place_order(world.desk, command)

    assert placement.is_replay
    assert placement.order.state is State.SUBMITTING
    assert world.transport.sent == []
    assert world.clock.slept == []


def _die_while_sending(world: World, command) -> None:  # type: ignore[no-untyped-def]
    class Killed(BaseException):
        pass

    def die(_endpoint, *, not_after):  # type: ignore[no-untyped-def]
        raise Killed

    dying = replace(world.desk, transport=type("Dying", (), {"sender": staticmethod(die)})())
    with pytest.raises(Killed):
        place_order(dying, command)


def test_an_adapter_s_defect_after_sending_is_unknown_and_before_it_a_refusal(world: World) -> None:
    broker = world.desk.broker_of("paper")

    class Before:
        profile = broker.profile

        @staticmethod
        def place_order(_send, _session, _intent):  # type: ignore[no-untyped-def]
            raise KeyError("defect")

    class After(Before):
        @staticmethod
        def place_order(send, session, intent):  # type: ignore[no-untyped-def]
            broker.place_order(send, session, intent)
            raise KeyError("defect")

    states = []
    for key, defective in (("a", Before), ("b", After)):
        world.desk = replace(world.desk, broker_of=_choosing(defective))
        states.append(world.place(key).order.state)

    assert states == [State.REFUSED, State.UNKNOWN]


def _choosing(broker: Any) -> Callable[[str], Any]:
    return lambda _name: broker


def test_a_failed_look_after_placing_changes_nothing(world: World) -> None:
    world.transport.reads = [Fault.ANSWER_LOST]

    order = world.place().order

    assert order.state is State.OPEN
    assert order.broker_order_id is not None


def test_a_store_that_fails_before_the_intent_lets_nothing_leave(world: World) -> None:
    world.store.fail_next = ["before"]

    with pytest.raises(StoreUnavailable):
        world.place()

    assert world.transport.sent == []


def test_an_outcome_is_written_again_when_the_store_fails_for_a_moment(world: World) -> None:
    command = world.command()
    world.store.fail_next = ["", "before", "after"]

    order = place_order(world.desk, command).order

    assert order.state is State.FILLED
    assert world.store.get(order.client_order_id) == order


def test_an_unplaced_alert_is_told_since_nobody_sees_its_answer(world: World) -> None:
    order = world.place(source=Source.ALERT, product="MTF").order

    assert [(notice.kind, notice.client_order_id) for notice in world.notifier.notices] == [
        ("refused", order.client_order_id)
    ]


def test_a_worker_has_time_to_finish_and_cannot_outlive_its_lease() -> None:
    assert PACE_WAIT + SEND_BUDGET + WRITE_TIME + READ_TIME < PLACE_FUNCTION_TIMEOUT < LEASE


def test_a_silent_answer_before_the_write_is_no_lost_order(world: World) -> None:
    broker = world.desk.broker_of("paper")

    class LooksFirst:
        profile = broker.profile
        read_order = staticmethod(broker.read_order)

        @staticmethod
        def place_order(send: Send, session: BrokerSession, intent: PlaceIntent) -> Acknowledged:
            broker.read_funds(send, session)
            return broker.place_order(send, session, intent)

    world.desk = replace(world.desk, broker_of=_choosing(LooksFirst))
    world.transport.reads = [Fault.ANSWER_LOST]

    order = world.place().order

    assert order.state is State.FILLED
    assert kinds(order).count(EventKind.NEVER_SENT) == 1
    assert len(world.at_broker()) == 1


def test_a_dead_session_is_asked_for_once_more_and_then_refused(world: World) -> None:
    world.sessions.log_out("paper")

    order = world.place().order

    assert (order.state, order.reason and order.reason.code) == (State.REFUSED, "BROKER_SESSION_EXPIRED")
    assert world.sessions.forgotten == ["paper"] * 2
    assert world.transport.sent == []


def test_a_kill_switch_that_goes_on_between_two_tries_stops_the_order(world: World) -> None:
    world.transport.writes = [Fault.REFUSED]
    inner = world.clock.sleep

    def sleep(seconds: float) -> None:
        world.store.set_switch("kill#global", engaged=True)
        inner(seconds)

    world.clock.sleep = sleep  # type: ignore[method-assign]

    order = world.place().order

    assert (order.state, order.reason and order.reason.code) == (State.REFUSED, "KILL_SWITCH_ON")
    assert world.transport.sent == []


def test_a_page_of_words_from_a_broker_is_cut_before_it_is_kept() -> None:
    assert len(Rejected("x" * 100_000).reason.message) == 500


def test_a_redelivered_alert_meets_a_switch_that_went_on_meanwhile(world: World) -> None:
    command = replace(world.command(source=Source.ALERT), deadline=world.clock.now() + timedelta(seconds=60))
    world.transport.writes = [Fault.REFUSED] * 1000
    with pytest.raises(StillUnsent):
        place_order(world.desk, command)
    world.store.set_switch("kill#global", engaged=True)
    world.transport.writes = []

    order = place_order(world.desk, command).order

    assert (order.state, order.reason and order.reason.code) == (State.REFUSED, "KILL_SWITCH_ON")
    assert [notice.kind for notice in world.notifier.notices] == ["refused"]
    assert world.at_broker() == []


@pytest.mark.parametrize(("source", "state"), [(Source.ALERT, State.RECEIVED), (Source.API, State.REFUSED)])
def test_a_pace_that_fills_between_two_tries_drops_no_queued_order(
    world: World, source: Source, state: State
) -> None:
    world.transport.writes = [Fault.REFUSED]

    def crowd() -> None:
        # others take every call, again and again, for as long as this order waits
        far = world.clock.now() + timedelta(hours=1)
        world.store.tables.slots["paper#NSE"] = [far] * 9

    world.clock.on_sleep = crowd
    command = world.command(source=source)

    with suppress(StillUnsent):
        place_order(world.desk, command)

    order = world.store.get(client_order_id("paper", "k-1"))
    assert order is not None
    assert order.state is state
    assert world.transport.sent == []
