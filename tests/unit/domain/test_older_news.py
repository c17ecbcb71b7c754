"""News that is older than what we know says nothing, whatever it says."""

from decimal import Decimal

import pytest

from order_router.domain.following import apply_fitting, events_of, shows_terms_that_it_left
from order_router.domain.history import Event
from order_router.domain.lifecycle import EventKind
from order_router.domain.reports import OrderReport, ReportedState
from order_router.domain.request import dump_request
from tests.unit.domain.test_following import LATER, followed, open_order, report


@pytest.mark.parametrize("state", [ReportedState.CANCELLED, ReportedState.REJECTED, ReportedState.EXPIRED])
def test_an_older_report_is_no_news_whatever_it_says(state: ReportedState) -> None:
    part = followed(open_order(), report(ReportedState.PARTIALLY_FILLED, 3))

    assert events_of(part, report(state, 2), LATER) == ()


def test_events_that_would_shrink_a_fill_are_left_out() -> None:
    part = followed(open_order(), report(ReportedState.PARTIALLY_FILLED, 3))
    older = Event(kind=EventKind.PARTIALLY_FILLED, at=LATER, filled_quantity=2)

    assert apply_fitting(part, [older]) is part


@pytest.mark.parametrize("filled", [0, 2])
def test_of_a_report_whose_terms_are_not_taken_only_the_fill_is(filled: int) -> None:
    dearer = report(ReportedState.OPEN, filled, limit_price=Decimal(1600), quantity=7)

    after = apply_fitting(open_order(), events_of(open_order(), dearer, LATER, takes_terms=False))

    assert after.request == open_order().request
    assert (after.filled_quantity, after.has(EventKind.MODIFIED)) == (filled, False)


@pytest.mark.parametrize("end", [ReportedState.FILLED, ReportedState.CANCELLED, ReportedState.EXPIRED])
def test_the_report_of_an_end_has_the_last_terms(end: ReportedState) -> None:
    filled = 7 if end is ReportedState.FILLED else 0
    ended = report(end, filled, limit_price=Decimal(1600), quantity=7)

    after = apply_fitting(open_order(), events_of(open_order(), ended, LATER, takes_terms=False))

    assert (after.state.is_final, after.request.quantity) == (True, 7)
    assert dump_request(after.request)["limit_price"] == "1600"


def priced(price: str) -> OrderReport:
    return report(ReportedState.OPEN, limit_price=Decimal(price))


def test_an_order_left_the_terms_that_it_had_before_its_present_ones() -> None:
    order = followed(open_order(), priced("1400"), priced("1300"))
    again = followed(order, priced("1400"))

    prices = ("1500.05", "1400", "1300", "1250")
    assert [shows_terms_that_it_left(order, priced(price)) for price in prices] == [True, True, False, False]
    assert [shows_terms_that_it_left(again, priced(price)) for price in prices] == [True, False, True, False]
    assert not shows_terms_that_it_left(open_order(), priced("1500.05"))


def test_terms_that_our_request_cannot_have_are_none_that_it_left() -> None:
    order = followed(open_order(), priced("1400"))

    assert not shows_terms_that_it_left(order, report(ReportedState.OPEN, quantity=0))
