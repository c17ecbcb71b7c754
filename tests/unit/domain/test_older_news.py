"""News that is older than what we know says nothing, whatever it says."""

import pytest

from order_router.domain.following import apply_fitting, events_of
from order_router.domain.history import Event
from order_router.domain.lifecycle import EventKind
from order_router.domain.reports import ReportedState
from tests.unit.domain.test_following import LATER, followed, open_order, report


@pytest.mark.parametrize("state", [ReportedState.CANCELLED, ReportedState.REJECTED, ReportedState.EXPIRED])
def test_an_older_report_is_no_news_whatever_it_says(state: ReportedState) -> None:
    part = followed(open_order(), report(ReportedState.PARTIALLY_FILLED, 3))

    assert events_of(part, report(state, 2), LATER) == ()


def test_events_that_would_shrink_a_fill_are_left_out() -> None:
    part = followed(open_order(), report(ReportedState.PARTIALLY_FILLED, 3))
    older = Event(kind=EventKind.PARTIALLY_FILLED, at=LATER, filled_quantity=2)

    assert apply_fitting(part, [older]) is part
