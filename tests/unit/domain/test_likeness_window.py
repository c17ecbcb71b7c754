"""How far from our own clock a broker may stamp an order that can still be ours."""

from datetime import timedelta

import pytest

from order_router.domain.likeness import is_like
from tests.unit.domain.test_likeness import ORDER, row

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
