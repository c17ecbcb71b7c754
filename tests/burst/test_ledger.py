"""The ledger of a burst says what is wrong: a lost alert, two orders for one, a wrong order, too many calls."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from order_router.domain.history import Event
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.order import Order, apply
from tests.burst.alerts import Sent
from tests.burst.ledger import Burst
from tests.fakes.orders import a_submitting_order

START = datetime(2026, 11, 23, 4, 30, tzinfo=UTC)


def sent(number: int, order: Order) -> Sent:
    return Sent(
        client_order_id=order.client_order_id,
        instrument="NSE:INFY",
        number=number,
        received_at=START,
        durable_at=START,
    )


def filled(key: str) -> Order:
    opened = apply(a_submitting_order(key), Event(kind=EventKind.OPENED, at=START, broker_order_id=key))
    return replace(opened, state=State.FILLED)


def a_burst(orders: Sequence[Order], rows: Sequence[Order], calls: Sequence[datetime] = ()) -> Burst:
    return Burst(
        sent=[sent(number, order) for number, order in enumerate(orders)],
        records={order.client_order_id: order for order in orders},
        rows=[{"tag": order.client_order_id} for order in rows],
        calls=calls,
    )


def test_a_burst_as_it_should_be_breaks_nothing() -> None:
    orders = [filled("1"), filled("2")]

    assert a_burst(orders, orders).broken() == []
    assert a_burst(orders, orders).states() == {"filled": 2}


def test_a_lost_a_doubled_and_an_overtaken_order_are_each_told() -> None:
    one, two = filled("1"), filled("2")
    without_record = replace(a_burst([one], []), records={})

    assert without_record.states() == {"lost": 1}
    assert len(without_record.broken()) == 1
    assert a_burst([one, two], [one]).broken() == ["NSE:INFY 1: filled, at the broker False"]
    assert a_burst([one], [one, one]).broken() == [f"{one.client_order_id} is at the broker 2 times"]
    assert a_burst([one, two], [two, one]).broken() == ["NSE:INFY came as [1, 0]"]


def test_an_order_that_went_stale_before_its_time_is_told() -> None:
    order = replace(a_submitting_order("1"), state=State.RECEIVED)
    for late, expected in ((timedelta(0), 1), (timedelta(seconds=1), 0)):
        stale = apply(order, Event(kind=EventKind.WENT_STALE, at=order.deadline + late))
        assert len(a_burst([stale], []).broken()) == expected


def test_calls_are_counted_in_any_second_wherever_it_begins() -> None:
    calls = [START + timedelta(milliseconds=ms) for ms in (0, 999, 1000, 1500, 1998, 2500)]

    assert a_burst([], [], calls).busiest_second() == 4
    assert a_burst([], [], calls[:1]).busiest_second() == 1


@given(st.lists(st.integers(0, 5000), min_size=1, max_size=60))
def test_the_busiest_second_is_that_of_a_count_at_each_call(milliseconds: list[int]) -> None:
    calls = [START + timedelta(milliseconds=ms) for ms in milliseconds]
    by_hand = max(sum(0 <= other - ms < 1000 for other in milliseconds) for ms in milliseconds)

    assert a_burst([], [], calls).busiest_second() == by_hand
