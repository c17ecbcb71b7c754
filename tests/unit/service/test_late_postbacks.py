"""A postback that was long under way: what it says that an order trades may be over."""

from decimal import Decimal

import pytest

from order_router.domain.lifecycle import EventKind, State
from order_router.domain.order import Order
from order_router.domain.reports import ReportedState
from order_router.domain.request import dump_request
from order_router.service.postbacks import Taken
from tests.unit.service.test_postbacks import Mailroom, report_of, resting


@pytest.fixture
def mail() -> Mailroom:
    return Mailroom()


def price(mail: Mailroom, order: Order) -> str:
    return str(dump_request(mail.order(order).request)["limit_price"])


def changed(mail: Mailroom, order: Order, limit_price: str) -> None:
    assert mail.take(report_of(order, limit_price=Decimal(limit_price))) is Taken.RECORDED


def test_one_of_a_change_that_was_changed_again_does_not_undo_the_last(mail: Mailroom) -> None:
    order = resting(mail)
    changed(mail, order, "1410")
    changed(mail, order, "1420")

    late = [mail.take(report_of(order, limit_price=Decimal(old))) for old in ("1400", "1410", "1420")]

    assert late == [Taken.NOTHING_NEW] * 3
    assert price(mail, order) == "1420"


def test_its_fill_counts_all_the_same(mail: Mailroom) -> None:
    order = resting(mail)
    changed(mail, order, "1410")

    mail.take(report_of(order, ReportedState.PARTIALLY_FILLED, filled_quantity=2))

    assert mail.order(order).filled_quantity == 2
    assert price(mail, order) == "1410"


def test_one_of_the_end_says_what_the_order_traded_last(mail: Mailroom) -> None:
    order = resting(mail)
    changed(mail, order, "1410")

    mail.take(report_of(order, ReportedState.CANCELLED))

    assert mail.order(order).state is State.CANCELLED
    assert price(mail, order) == "1400"
    kinds = [step.event.kind for step in mail.order(order).history[-2:]]
    assert kinds == [EventKind.MODIFIED, EventKind.CANCELLED]
