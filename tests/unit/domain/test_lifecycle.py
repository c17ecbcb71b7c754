"""The life of an order: what may follow what, and what never changes back."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from order_router.domain.errors import IllegalTransition, Reason
from order_router.domain.history import Event
from order_router.domain.lifecycle import FINAL, TRANSITIONS, EventKind, State
from order_router.domain.order import Order, apply, new_order
from tests.fakes.clock import MONDAY_MORNING
from tests.fakes.orders import a_submitting_order, an_order


def event(kind: EventKind, **fields: object) -> Event:
    return Event(kind=kind, at=MONDAY_MORNING, **fields)  # type: ignore[arg-type]


def test_every_state_has_a_row_and_every_event_but_birth_can_happen() -> None:
    happening = {kind for row in TRANSITIONS.values() for kind in row}

    assert set(TRANSITIONS) == set(State)
    assert happening == set(EventKind) - {EventKind.RECEIVED}


@pytest.mark.parametrize("state", sorted(FINAL))
def test_an_ended_order_never_changes_state_again(state: State) -> None:
    assert set(TRANSITIONS[state].values()) <= {state}


def test_only_a_provably_unsent_order_may_be_submitted_again() -> None:
    leading_to_submitting = {state for state, row in TRANSITIONS.items() if State.SUBMITTING in row.values()}
    leading_to_received = {
        (state, kind)
        for state, row in TRANSITIONS.items()
        for kind, after in row.items()
        if after is State.RECEIVED
    }

    assert leading_to_submitting == {State.RECEIVED}
    assert leading_to_received == {
        (State.SUBMITTING, EventKind.NEVER_SENT),
        (State.RECEIVED, EventKind.PERSON_TOLD),
        (State.RECEIVED, EventKind.HELD),
        (State.RECEIVED, EventKind.PROTECTED),
    }


def test_an_illegal_event_raises_and_changes_nothing() -> None:
    order = an_order()

    with pytest.raises(IllegalTransition, match="filled cannot follow received"):
        apply(order, event(EventKind.FILLED))

    assert order == an_order()


def test_filled_quantity_never_goes_down() -> None:
    order = apply(a_submitting_order(), event(EventKind.PARTIALLY_FILLED, filled_quantity=3))

    with pytest.raises(IllegalTransition, match="from 3 to 2"):
        apply(order, event(EventKind.PARTIALLY_FILLED, filled_quantity=2))


def test_history_tells_each_step_with_its_time_and_state() -> None:
    order = apply(new_order(an_order()), event(EventKind.SUBMITTING))
    order = apply(order, event(EventKind.OPENED, broker_order_id="b-1"))

    assert [(step.event.kind, step.state) for step in order.history] == [
        (EventKind.RECEIVED, State.RECEIVED),
        (EventKind.SUBMITTING, State.SUBMITTING),
        (EventKind.OPENED, State.OPEN),
    ]
    assert order.broker_order_id == "b-1"


def test_a_reason_is_dropped_once_the_order_goes_on() -> None:
    lost = apply(
        a_submitting_order(),
        event(EventKind.OUTCOME_LOST, reason=Reason("BROKER_OUTCOME_UNKNOWN", "timeout")),
    )
    found = apply(lost, event(EventKind.OPENED, broker_order_id="b-1"))

    assert lost.reason == Reason("BROKER_OUTCOME_UNKNOWN", "timeout")
    assert found.reason is None


def test_pending_quantity_is_what_may_still_fill() -> None:
    part = apply(a_submitting_order(quantity=10), event(EventKind.PARTIALLY_FILLED, filled_quantity=4))
    cancelled = apply(part, event(EventKind.CANCELLED))

    assert (part.pending_quantity, cancelled.pending_quantity) == (6, 0)
    assert cancelled.filled_quantity == 4


def test_what_an_event_does_not_say_stays_as_it_was() -> None:
    price = Decimal("1500.05")
    part = apply(
        a_submitting_order(quantity=10),
        event(
            EventKind.PARTIALLY_FILLED,
            broker_order_id="b-1",
            exchange_order_id="e-1",
            filled_quantity=4,
            average_price=price,
        ),
    )

    told = apply(part, event(EventKind.PERSON_TOLD))

    assert (told.broker_order_id, told.exchange_order_id) == ("b-1", "e-1")
    assert (told.filled_quantity, told.average_price, told.request) == (4, price, part.request)


KINDS = st.lists(st.tuples(st.sampled_from(EventKind), st.integers(0, 6)), max_size=12)


@given(KINDS)
def test_no_sequence_of_events_leaves_an_end_or_shrinks_a_fill(steps: list[tuple[EventKind, int]]) -> None:
    order: Order = replace(a_submitting_order(), updated_at=MONDAY_MORNING - timedelta(seconds=1))
    for kind, filled in steps:
        before = order
        try:
            order = apply(order, event(kind, filled_quantity=filled, average_price=Decimal("1500.05")))
        except IllegalTransition:
            assert order is before
            continue
        assert order.filled_quantity >= before.filled_quantity
        assert not before.state.is_final or order.state is before.state
        assert order.version == before.version + 1
        assert len(order.history) == len(before.history) + 1
