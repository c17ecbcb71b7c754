"""How far from our own clock a broker may stamp an order that can still be ours."""

from datetime import datetime, timedelta

import pytest

from order_router.domain.history import Event
from order_router.domain.lifecycle import EventKind
from order_router.domain.likeness import find_by_likeness, is_like
from order_router.domain.order import Order, apply
from tests.unit.domain.test_likeness import ORDER, row, tag_of

INSTANT = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("placed_at", "fits"),
    [
        (ORDER.received_at - timedelta(seconds=5), True),
        (ORDER.received_at - timedelta(seconds=5) - INSTANT, False),
        (ORDER.deadline + timedelta(seconds=120), True),
        (ORDER.deadline + timedelta(seconds=120) + INSTANT, False),
    ],
)
def test_a_row_is_ours_from_five_seconds_before_to_two_minutes_after_its_time(
    placed_at: object, fits: bool
) -> None:
    assert is_like(ORDER, row(placed_at=placed_at)) is fits


TOLD_AT = ORDER.received_at + timedelta(seconds=15)


def told_twice() -> Order:
    order = apply(ORDER, Event(kind=EventKind.OUTCOME_LOST, at=ORDER.received_at + timedelta(seconds=10)))
    for at in (TOLD_AT, TOLD_AT + timedelta(seconds=60)):
        order = apply(order, Event(kind=EventKind.PERSON_TOLD, at=at))
    return order


@pytest.mark.parametrize(
    ("placed_at", "is_found"),
    [(TOLD_AT - timedelta(seconds=5) - INSTANT, True), (TOLD_AT - timedelta(seconds=5), False)],
)
def test_what_may_have_been_placed_once_a_person_was_told_by_whichever_clock_is_not_the_order(
    placed_at: datetime, is_found: bool
) -> None:
    found = find_by_likeness(told_twice(), [row(placed_at=placed_at)], tag_of=tag_of, claimed=(), rivals=())

    assert (found is not None) is is_found


def test_an_order_that_a_person_was_told_of_is_still_a_rival() -> None:
    late = row(placed_at=TOLD_AT)

    assert find_by_likeness(ORDER, [late], tag_of=tag_of, claimed=(), rivals=[told_twice()]) is None
