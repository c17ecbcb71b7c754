"""What a report becomes, field by field: prices only of fills, reasons only where something ended badly."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from order_router.domain.errors import Reason
from order_router.domain.following import events_of, with_terms_of
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.reports import ReportedState
from tests.fakes.clock import MONDAY_MORNING
from tests.fakes.orders import a_request
from tests.unit.domain.test_following import followed, lost_order, open_order, report

LATER = MONDAY_MORNING + timedelta(seconds=5)
PRICE = Decimal("1500.05")


def test_a_report_s_ids_are_taken_over() -> None:
    order = followed(lost_order(), report(ReportedState.OPEN, exchange_order_id="e-1"))

    assert (order.broker_order_id, order.exchange_order_id) == ("b-1", "e-1")


@pytest.mark.parametrize(("filled", "price"), [(0, None), (1, PRICE)])
def test_an_average_price_is_one_of_fills(filled: int, price: Decimal | None) -> None:
    [news] = events_of(lost_order(), report(ReportedState.CANCELLED, filled, average_price=PRICE), LATER)

    assert news.average_price == price


def test_one_share_that_filled_is_a_fill() -> None:
    order = followed(lost_order(), report(ReportedState.OPEN, 1))

    assert (order.state, order.filled_quantity) == (State.PARTIALLY_FILLED, 1)


def test_a_rejection_that_tells_of_a_fill_is_no_rejection() -> None:
    order = followed(lost_order(), report(ReportedState.REJECTED, 2, message="RMS: margin exceeds"))

    assert (order.state, order.filled_quantity) == (State.CANCELLED, 2)
    assert order.reason == Reason("ORDER_REJECTED", "RMS: margin exceeds")


def test_a_late_fill_is_no_refusal() -> None:
    cancelled = followed(open_order(), report(ReportedState.CANCELLED))

    [late] = events_of(cancelled, report(ReportedState.REJECTED, 3, message="odd"), LATER)

    assert (late.kind, late.reason) == (EventKind.LATE_FILL, None)


def test_a_late_report_without_a_larger_fill_is_no_news() -> None:
    cancelled = followed(open_order(), report(ReportedState.CANCELLED, 2))

    assert events_of(cancelled, report(ReportedState.FILLED, 2), LATER) == ()


@pytest.mark.parametrize("price", [Decimal("0.05"), Decimal(1), Decimal("1499.5")])
def test_any_price_above_nothing_that_the_book_shows_is_the_order_s(price: Decimal) -> None:
    shown = replace(report(ReportedState.OPEN), limit_price=price)

    assert with_terms_of(a_request(), shown).limit_price == price


@pytest.mark.parametrize("price", [None, Decimal(0)])
def test_a_price_that_the_book_does_not_show_stays_as_it_was(price: Decimal | None) -> None:
    shown = replace(report(ReportedState.OPEN), limit_price=price)

    assert with_terms_of(a_request(), shown).limit_price == PRICE
