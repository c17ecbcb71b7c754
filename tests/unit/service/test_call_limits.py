"""What a broker takes of an account's calls in a minute and a day: entries leave some of them for leaving."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from order_router.adapter.port import Broker
from order_router.adapter.profile import Profile
from order_router.brokers.registry import load_broker
from order_router.domain.account import Account
from order_router.domain.gate import PaceExceeded
from order_router.domain.lifecycle import State
from order_router.domain.vocabulary import Source
from order_router.service.change import cancel_order
from order_router.service.gates import calls_for, cancel_gate, change_gate
from order_router.service.place import place_order
from tests.fakes.clock import MONDAY_MORNING
from tests.fakes.orders import a_request, gate_before_entry
from tests.fakes.transport import Fault
from tests.fakes.world import World

ACCOUNT = Account(name="paper", broker="paper")
ENTRY, EXIT = a_request(), a_request(position_effect="CLOSE")
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


def profile(**calls: Any) -> Profile:
    return replace(load_broker("paper").profile, **calls)


LIMITED = profile(order_calls_per_minute=20, order_calls_per_day=100)


def limited_world(**calls: Any) -> World:
    """A world whose broker takes so many order calls."""
    world, paper = World(), load_broker("paper")
    broker = cast("Broker", SimpleNamespace(**vars(paper) | {"profile": profile(**calls)}))
    world.desk = replace(world.desk, broker_of=lambda _: broker)
    return world


@pytest.mark.parametrize("gate", [gate_before_entry, change_gate, cancel_gate])
def test_every_kind_of_call_counts_in_the_same_minute_and_day(gate) -> None:  # type: ignore[no-untyped-def]
    minute, day = gate(ACCOUNT, LIMITED, ENTRY, MONDAY_MORNING + timedelta(seconds=12)).counters

    assert (minute.name, minute.empties_in_s) == ("calls#paper#2026-11-23T04:30", 48)
    assert (day.name, day.empties_in_s) == ("calls#paper#2026-11-23", None)
    later, _ = gate(ACCOUNT, LIMITED, ENTRY, MONDAY_MORNING + timedelta(seconds=12.25)).counters
    assert (later.name, later.empties_in_s) == (minute.name, 47.75)


@pytest.mark.parametrize(
    ("gate", "request_", "minute", "day"),
    [
        (gate_before_entry, ENTRY, 18, 90),
        (change_gate, ENTRY, 18, 90),
        (gate_before_entry, EXIT, 20, 100),
        (change_gate, EXIT, 20, 100),
        (cancel_gate, ENTRY, 20, 100),
    ],
)
def test_entries_leave_a_tenth_for_exits_and_cancels(gate, request_, minute: int, day: int) -> None:  # type: ignore[no-untyped-def]
    counters = gate(ACCOUNT, LIMITED, request_, MONDAY_MORNING).counters

    assert [counter.limit for counter in counters] == [minute, day]


def test_a_tenth_of_many_calls_is_a_tenth_of_them_and_of_few_no_less_than_one() -> None:
    def for_entries(calls: int) -> int:
        limited = profile(order_calls_per_minute=calls)
        return calls_for(ACCOUNT, limited, MONDAY_MORNING, is_leaving=False)[0].limit

    assert [for_entries(calls) for calls in (1, 9, 10, 11, 200, 1000)] == [0, 8, 9, 9, 180, 900]


def test_what_no_page_says_is_not_counted() -> None:
    assert calls_for(ACCOUNT, profile(), MONDAY_MORNING, is_leaving=False) == ()
    (minute,) = calls_for(ACCOUNT, profile(order_calls_per_minute=5), MONDAY_MORNING, is_leaving=True)
    (day,) = calls_for(ACCOUNT, profile(order_calls_per_day=5), MONDAY_MORNING, is_leaving=True)
    assert (minute.limit, day.limit) == (5, 5)


@given(at=MOMENTS)
def test_a_minute_begins_anew_within_one_and_its_item_outlives_it(at: datetime) -> None:
    minute, day = calls_for(ACCOUNT, LIMITED, at, is_leaving=False)

    assert minute.empties_in_s is not None
    assert 0 < minute.empties_in_s <= 60
    after = calls_for(ACCOUNT, LIMITED, at + timedelta(seconds=minute.empties_in_s), is_leaving=False)
    assert after[0].name != minute.name
    assert minute.expires_at > at + timedelta(minutes=1)
    assert day.expires_at > at + timedelta(days=1)


def test_the_order_over_the_minute_is_told_when_to_come_again_and_leaves_no_trace() -> None:
    world = limited_world(order_calls_per_minute=10)
    for turn in range(9):
        world.place(f"k-{turn}")
        world.clock.advance(1.2)

    with pytest.raises(PaceExceeded) as caught:
        world.place("k-9")

    assert 40 < caught.value.retry_after_s < 60
    assert len(world.at_broker()) == 9
    world.clock.advance(caught.value.retry_after_s)
    assert world.place("k-9").order.state == "filled"


def test_an_alert_over_the_minute_waits_in_the_queue_until_its_own_age_ends_it() -> None:
    world = limited_world(order_calls_per_minute=10)
    for turn in range(9):
        world.place(f"k-{turn}")
        world.clock.advance(1.2)
    command = world.command("k-9", source=Source.ALERT)

    with pytest.raises(PaceExceeded):
        place_order(world.desk, command)
    world.clock.advance(11)

    assert place_order(world.desk, command).order.state is State.STALE
    assert len(world.at_broker()) == 9


def test_the_order_over_the_day_is_refused_while_exits_and_cancels_still_leave() -> None:
    world = limited_world(order_calls_per_day=20)
    resting = world.place("rest", order_type="LIMIT", limit_price="1400").order
    for turn in range(17):
        world.place(f"k-{turn}")
        world.clock.advance(1.2)

    refused = world.place("k-17").order
    leaving = world.place("exit", side="SELL", position_effect="CLOSE").order
    cancelled = cancel_order(world.desk, resting.client_order_id).order

    assert (refused.state, refused.reason and refused.reason.code) == ("refused", "DAILY_LIMIT_REACHED")
    assert leaving.state == "filled"
    assert cancelled.state == "cancelled"


def test_a_try_again_that_finds_the_day_s_calls_used_up_ends_refused() -> None:
    world = limited_world(order_calls_per_day=10)
    for turn in range(8):
        world.place(f"k-{turn}")
        world.clock.advance(1.2)
    world.transport.writes.append(Fault.REFUSED)

    order = world.place("k-8").order

    assert (order.state, order.reason and order.reason.code) == ("refused", "DAILY_LIMIT_REACHED")
    assert len(world.at_broker()) == 8
