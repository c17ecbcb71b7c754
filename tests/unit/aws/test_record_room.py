"""An order's record stays far below what a table takes, and its end can always be written."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from order_router.aws.order_record import order_item, read_order
from order_router.domain.errors import MAX_WORDS, Reason
from order_router.domain.history import FULL, ROOM, SHORT, Event, weight_of
from order_router.domain.lifecycle import TRANSITIONS, EventKind, State
from order_router.domain.order import Order, apply, witnessed
from tests.fakes.clock import MONDAY_MORNING
from tests.fakes.orders import a_request, a_submitting_order
from tests.unit.aws.test_record_samples import weight

ITEM_ROOM = 300_000
LONGEST = "€" * MAX_WORDS
"""The longest words that are kept of a broker's; a sign of it takes three bytes."""

GATE = (("calls_per_second", "9"), ("limits", "account paper: " + "orders at most 100, " * 20))
TERMS: dict[str, Any] = {
    "instrument": "NASDAQ:" + "A" * 50,
    "account": "a" * 32,
    "strategy": "s" * 32,
    "position_effect": "CLOSE",
    "quantity": 10_000_000,
    "disclosed_quantity": 10_000_000,
    "order_type": "SL",
    "limit_price": "9999999999.9999",
    "trigger_price": "9999999999.9999",
}
CHANGES = (EventKind.MODIFIED, EventKind.PROTECTED)
COUNTING = (EventKind.PARTIALLY_FILLED, EventKind.LATE_FILL)
ENDED = Reason("ORDER_REJECTED", LONGEST)


def events_like(kind: EventKind, words: str, first_fill: int) -> Iterator[Event]:
    """Yield what happens of this kind again and again, each time with as much as it can say."""
    for number in range(first_fill, 10_000_000):
        yield Event(
            kind=kind,
            at=MONDAY_MORNING + timedelta(seconds=number),
            broker_order_id="261123000001",
            request=a_request(**TERMS) if kind in CHANGES else None,
            filled_quantity=number if kind in COUNTING else None,
            average_price=Decimal("1500.3333333333") if kind in COUNTING else None,
            note=words,
            evidence=(("seen_in", "the broker's book, read 10:00:00 UTC"),),
        )


def lived(order: Order, kind: EventKind, words: str, times: int) -> Order:
    happening = events_like(kind, words, order.filled_quantity + 1)
    for _ in range(times):
        if kind not in TRANSITIONS[order.state]:
            return order
        before, order = order, apply(order, next(happening))
        assert order.history[: len(before.history)] == before.history
        order = witnessed(order, GATE) if len(order.history) > len(before.history) else order
    return order


def weight_in_table(order: Order) -> int:
    return weight({"M": order_item(order, "w-1")})


def busy(kind: EventKind, words: str = "too late", times: int = 1500) -> Order:
    opened = lived(a_submitting_order(**TERMS), EventKind.OPENED, LONGEST, 1)
    return lived(opened, kind, words, times)


HABITS = st.tuples(
    st.sampled_from(sorted(set(EventKind) - {EventKind.RECEIVED})),
    st.sampled_from(["", "too late", LONGEST]),
    st.integers(1, 200),
)


@given(habits=st.lists(HABITS, max_size=8))
def test_whatever_happens_to_an_order_its_record_and_its_end_have_room(
    habits: list[tuple[EventKind, str, int]],
) -> None:
    order = a_submitting_order(**TERMS)
    for habit in habits:
        order = lived(order, *habit)
    ends = [kind for kind, state in TRANSITIONS[order.state].items() if state.is_final]
    ended = [apply(order, Event(kind=kind, at=MONDAY_MORNING, note=LONGEST, reason=ENDED)) for kind in ends]

    assert all(one.last in ends for one in ended if not order.state.is_final)
    assert max(weight_in_table(one) for one in (order, *ended)) < ITEM_ROOM


def test_a_history_is_thought_no_lighter_than_its_record_is() -> None:
    for kind in EventKind:
        order = busy(kind, times=20)
        bare = weight_in_table(replace(order, history=()))
        assert weight_of(order.history) > weight_in_table(order) - bare


def test_a_history_that_is_not_weighed_has_room_for_the_heaviest_steps() -> None:
    heaviest = replace(next(events_like(EventKind.MODIFIED, LONGEST, 10)), reason=ENDED)
    order = a_submitting_order(**TERMS)
    while len(order.history) <= SHORT:
        kind = EventKind.MODIFIED if EventKind.MODIFIED in TRANSITIONS[order.state] else EventKind.OPENED
        order = witnessed(apply(order, replace(heaviest, kind=kind)), GATE)

    assert weight_of(order.history) < ROOM


def test_a_full_history_says_so_once_and_still_counts_what_it_does_not_list() -> None:
    order = busy(EventKind.PARTIALLY_FILLED)

    full = [step for step in order.history if FULL in step.event.evidence]
    assert full == [order.history[-1]]
    assert order.filled_quantity == 1500 > len(order.history)
    assert order.version == 1502
    assert read_order(order_item(order, "w-1")) == order


def test_what_an_order_has_not_met_before_is_listed_when_its_history_is_full() -> None:
    order = busy(EventKind.MODIFY_REJECTED, LONGEST, 200)

    after = apply(order, Event(kind=EventKind.CANCEL_REQUESTED, at=MONDAY_MORNING))
    again = apply(after, Event(kind=EventKind.CANCEL_REQUESTED, at=MONDAY_MORNING))

    assert [one.event.kind for one in after.history[len(order.history) :]] == [EventKind.CANCEL_REQUESTED]
    assert again.history == after.history
    assert again.version == after.version + 1


def test_an_order_that_waits_for_its_turn_for_ever_stays_where_it_is_known() -> None:
    order: Order = a_submitting_order()
    for _ in range(400):
        for kind in (EventKind.NEVER_SENT, EventKind.SUBMITTING):
            order = lived(order, kind, LONGEST, 1)

    assert order.state is State.SUBMITTING
    assert weight_in_table(order) < ITEM_ROOM
