"""What the memory of alerts promises: in memory it is asked here, of DynamoDB in `integration/`."""

from datetime import timedelta

import pytest

from order_router.ports import SeenAlerts
from tests.fakes.clock import MONDAY_MORNING as NOON


class SeenAlertsContract:
    """Inherit this and offer `seen`."""

    def test_a_body_seen_first_is_seen_now(self, seen: SeenAlerts) -> None:
        assert seen.first_seen("d-1", NOON, window_s=30) == NOON
        assert seen.first_seen("d-2", NOON + timedelta(seconds=1), window_s=30) == NOON + timedelta(seconds=1)

    @pytest.mark.parametrize("later_s", [0, 0.000001, 5, 29.998])
    def test_a_resend_within_the_window_is_the_first_one(self, seen: SeenAlerts, later_s: float) -> None:
        first = NOON + timedelta(microseconds=123456)
        seen.first_seen("d-1", first, window_s=30)

        assert seen.first_seen("d-1", first + timedelta(seconds=later_s), window_s=30) == first

    @pytest.mark.parametrize("later_s", [30, 30.001, 86_400])
    def test_the_same_body_after_the_window_is_a_new_one(self, seen: SeenAlerts, later_s: float) -> None:
        later = NOON + timedelta(seconds=later_s)
        seen.first_seen("d-1", NOON, window_s=30)

        assert seen.first_seen("d-1", later, window_s=30) == later
        assert seen.first_seen("d-1", later + timedelta(seconds=1), window_s=30) == later

    def test_a_resend_does_not_lengthen_the_window(self, seen: SeenAlerts) -> None:
        seen.first_seen("d-1", NOON, window_s=30)
        seen.first_seen("d-1", NOON + timedelta(seconds=20), window_s=30)
        later = NOON + timedelta(seconds=40)

        assert seen.first_seen("d-1", later, window_s=30) == later
