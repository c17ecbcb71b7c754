"""What a history is thought to weigh, and from where on it is full."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from order_router.domain.errors import Reason
from order_router.domain.history import FULL, Event, Step, lengthened, weight_of
from order_router.domain.lifecycle import EventKind, State
from tests.fakes.clock import MONDAY_MORNING
from tests.fakes.orders import a_request, a_submitting_order

BARE = Event(kind=EventKind.OPENED, at=MONDAY_MORNING)
LONG = Event(kind=EventKind.MODIFY_REJECTED, at=MONDAY_MORNING, note="n" * 5000)
REQUEST = a_request(account="paper", strategy=None)
NAMES = len(REQUEST.account + REQUEST.instrument.tradingsymbol)


def steps(*events: Event) -> tuple[Step, ...]:
    return tuple(Step(state=State.OPEN, event=event) for event in events)


@pytest.mark.parametrize(
    ("event", "weight"),
    [
        (BARE, 94),
        (replace(BARE, broker_order_id="123"), 94 + 20 + 3),
        (replace(BARE, exchange_order_id="12"), 94 + 20 + 2),
        (replace(BARE, note="€"), 94 + 20 + 3),
        (replace(BARE, filled_quantity=1000), 94 + 20 + 4),
        (replace(BARE, average_price=Decimal("1500.05")), 94 + 20 + 7),
        (replace(BARE, reason=Reason("CODE", "words")), 94 + 2 * 20 + 4 + 5),
        (replace(BARE, evidence=(("seen_in", "book"),)), 94 + 3 + 7 + 4),
        (replace(BARE, request=REQUEST), 94 + 220 + 2 * 20 + NAMES),
        (replace(BARE, note="ab", broker_order_id="1"), 94 + 2 * 20 + 2 + 1),
    ],
)
def test_a_step_weighs_its_words_and_what_stands_around_them(event: Event, weight: int) -> None:
    assert weight_of(steps(event)) == weight
    assert weight_of(steps(event, BARE)) == weight + 94


@pytest.mark.parametrize(("more", "is_full"), [(0, False), (1, True)])
def test_a_history_of_200000_bytes_is_full_with_one_more(more: int, *, is_full: bool) -> None:
    history = steps(*[LONG] * 38)
    room = 200_000 - weight_of(history)
    last = replace(BARE, note="n" * (room - 94 - 20 + more))

    (step,) = lengthened(history, *steps(last))[38:]

    assert (FULL in step.event.evidence) == is_full


@pytest.mark.parametrize(("more", "has_room"), [(0, True), (1, False)])
def test_an_order_may_be_changed_up_to_180000_bytes_of_history(more: int, *, has_room: bool) -> None:
    history = steps(*[LONG] * 34)
    room = 179_999 - weight_of(history)
    last = replace(BARE, at=MONDAY_MORNING + timedelta(1), note="n" * (room - 94 - 20 + more))

    order = replace(a_submitting_order(), history=history + steps(last))

    assert order.has_room_for_changes == has_room
