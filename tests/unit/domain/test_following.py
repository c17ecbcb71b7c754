"""What a broker's report means: fills are adopted, late news does no harm."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from order_router.domain.following import apply_fitting, events_of
from order_router.domain.history import Event
from order_router.domain.instrument import parse_instrument
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.order import Order, apply
from order_router.domain.reports import OrderReport, ReportedState
from order_router.domain.vocabulary import OrderType, Product, Side
from tests.fakes.clock import MONDAY_MORNING
from tests.fakes.orders import a_submitting_order

LATER = MONDAY_MORNING + timedelta(seconds=5)


def report(state: ReportedState, filled: int = 0, **changes: Any) -> OrderReport:
    usual: dict[str, Any] = {
        "broker_order_id": "b-1",
        "state": state,
        "status": state.upper(),
        "instrument": parse_instrument("NSE:INFY"),
        "side": Side.BUY,
        "quantity": 5,
        "filled_quantity": filled,
        "order_type": OrderType.LIMIT,
        "product": Product.MIS,
        "limit_price": Decimal("1500.05"),
        "average_price": Decimal("1500.05") if filled else None,
    }
    return OrderReport(**usual | changes)


def open_order() -> Order:
    return apply(a_submitting_order(), Event(kind=EventKind.OPENED, at=MONDAY_MORNING, broker_order_id="b-1"))


def lost_order() -> Order:
    return apply(a_submitting_order(), Event(kind=EventKind.OUTCOME_LOST, at=MONDAY_MORNING))


def followed(order: Order, *reports: OrderReport) -> Order:
    for one in reports:
        order = apply_fitting(order, events_of(order, one, LATER))
    return order


@pytest.mark.parametrize(
    ("reported", "filled", "state"),
    [
        (ReportedState.PENDING, 0, State.OPEN),
        (ReportedState.OPEN, 0, State.OPEN),
        (ReportedState.OPEN, 2, State.PARTIALLY_FILLED),
        (ReportedState.PARTIALLY_FILLED, 2, State.PARTIALLY_FILLED),
        (ReportedState.FILLED, 5, State.FILLED),
        (ReportedState.CANCELLED, 2, State.CANCELLED),
        (ReportedState.REJECTED, 0, State.REJECTED),
        (ReportedState.EXPIRED, 0, State.EXPIRED),
    ],
)
def test_an_unknown_order_becomes_what_the_book_says(
    reported: ReportedState, filled: int, state: State
) -> None:
    order = followed(lost_order(), report(reported, filled))

    assert (order.state, order.filled_quantity, order.broker_order_id) == (state, filled, "b-1")


def test_a_report_that_says_nothing_new_changes_nothing() -> None:
    part = followed(open_order(), report(ReportedState.PARTIALLY_FILLED, 2))

    assert events_of(open_order(), report(ReportedState.OPEN), LATER) == ()
    assert events_of(part, report(ReportedState.PARTIALLY_FILLED, 2), LATER) == ()


def test_an_older_report_never_takes_a_fill_back() -> None:
    part = followed(open_order(), report(ReportedState.PARTIALLY_FILLED, 3))

    assert followed(part, report(ReportedState.OPEN, 0), report(ReportedState.PARTIALLY_FILLED, 2)) == part


def test_a_fill_that_overtakes_a_cancel_corrects_the_quantity_and_not_the_end() -> None:
    cancelled = followed(open_order(), report(ReportedState.CANCELLED))

    order = followed(cancelled, report(ReportedState.FILLED, 5))

    assert (order.state, order.filled_quantity) == (State.CANCELLED, 5)
    assert order.history[-1].event.kind is EventKind.LATE_FILL


def test_a_rejection_after_a_fill_keeps_what_has_filled() -> None:
    order = followed(
        open_order(), report(ReportedState.PARTIALLY_FILLED, 2), report(ReportedState.REJECTED, 2)
    )

    assert (order.state, order.filled_quantity) == (State.CANCELLED, 2)


def test_a_rejection_keeps_the_broker_s_words() -> None:
    order = followed(open_order(), report(ReportedState.REJECTED, message="RMS: margin exceeds"))

    assert order.reason is not None
    assert (order.reason.code, order.reason.message) == ("ORDER_REJECTED", "RMS: margin exceeds")


def test_terms_changed_at_the_broker_are_adopted() -> None:
    order = followed(open_order(), report(ReportedState.OPEN, quantity=8, limit_price=Decimal("1499.5")))

    assert (order.request.quantity, order.request.limit_price) == (8, Decimal("1499.5"))
    assert order.state is State.OPEN


def test_the_first_change_keeps_the_terms_before_it_and_no_other_does() -> None:
    order = followed(
        open_order(), report(ReportedState.OPEN, quantity=8), report(ReportedState.OPEN, quantity=9)
    )

    changes = [step.event for step in order.history if step.event.kind is EventKind.MODIFIED]
    assert [[name for name, _ in change.evidence] for change in changes] == [["terms_before"], []]


def test_a_type_changed_at_the_broker_is_adopted_with_its_prices() -> None:
    stop: dict[str, Any] = {
        "order_type": OrderType.SL,
        "limit_price": Decimal(1605),
        "trigger_price": Decimal(1600),
    }

    order = followed(open_order(), report(ReportedState.OPEN, **stop))
    back = followed(order, report(ReportedState.OPEN, trigger_price=None))

    asked = (order.request.order_type, order.request.limit_price, order.request.trigger_price)
    assert asked == ("SL", Decimal(1605), Decimal(1600))
    assert back.request == open_order().request


@pytest.mark.parametrize(
    ("asked", "shown"), [(OrderType.MARKET, OrderType.LIMIT), (OrderType.SL_M, OrderType.SL)]
)
def test_a_market_order_that_the_broker_protects_with_a_limit_stays_one(
    asked: OrderType, shown: OrderType
) -> None:
    trigger_price = Decimal(1510) if asked is OrderType.SL_M else None
    order = a_submitting_order(order_type=asked, limit_price=None, trigger_price=trigger_price)
    order = apply(order, Event(kind=EventKind.OPENED, at=MONDAY_MORNING, broker_order_id="b-1"))

    after = followed(order, report(ReportedState.OPEN, order_type=shown, trigger_price=trigger_price))

    assert after == order


@pytest.mark.parametrize("end", [ReportedState.FILLED, ReportedState.CANCELLED, ReportedState.EXPIRED])
def test_an_end_brings_the_terms_of_a_change_whose_answer_was_lost(end: ReportedState) -> None:
    order = followed(open_order(), report(end, 8, quantity=8, limit_price=Decimal("1499.5")))

    assert (order.state, order.filled_quantity, order.request.quantity) == (State(end), 8, 8)
    assert order.request.limit_price == Decimal("1499.5")


@pytest.mark.parametrize("state", [ReportedState.OPEN, ReportedState.FILLED])
def test_terms_that_our_request_cannot_have_do_not_stop_the_news(state: ReportedState) -> None:
    order = a_submitting_order(disclosed_quantity=4)
    order = apply(order, Event(kind=EventKind.OPENED, at=MONDAY_MORNING, broker_order_id="b-1"))

    order = followed(order, report(state, 3 if state is ReportedState.FILLED else 0, quantity=3))

    assert (order.state, order.request.quantity) == (State(state), 5)


REPORTS = st.lists(st.tuples(st.sampled_from(ReportedState), st.integers(0, 5)), max_size=8)


@given(st.sampled_from(["open", "lost"]), REPORTS)
def test_no_order_of_reports_undoes_an_end_or_a_fill(
    start: str, sequence: list[tuple[ReportedState, int]]
) -> None:
    order = open_order() if start == "open" else lost_order()
    for state, filled in sequence:
        before = order
        order = followed(order, report(state, filled))
        assert order.filled_quantity >= before.filled_quantity
        assert not before.state.is_final or order.state is before.state


@given(REPORTS)
def test_reports_said_twice_change_nothing_the_second_time(sequence: list[tuple[ReportedState, int]]) -> None:
    order = open_order()
    for state, filled in sequence:
        order = followed(order, report(state, filled))
        again = followed(order, report(state, filled))
        assert replace(again, version=0, history=()) == replace(order, version=0, history=())
        assert again.version == order.version


def closed_order() -> Order:
    """Return an order that the day's last books lacked."""
    return apply(lost_order(), Event(kind=EventKind.CLOSED_ABSENT, at=MONDAY_MORNING))


def refused_order() -> Order:
    """Return an order that its broker refused in words."""
    return apply(a_submitting_order(), Event(kind=EventKind.REJECTED, at=MONDAY_MORNING))


@pytest.mark.parametrize("order", [closed_order(), refused_order()])
@pytest.mark.parametrize("state", [ReportedState.FILLED, ReportedState.CANCELLED])
def test_a_fill_of_an_order_that_was_rejected_is_written_down(order: Order, state: ReportedState) -> None:
    after = followed(order, report(state, 5), report(state, 5))

    assert (after.state, after.filled_quantity, after.broker_order_id) == (State.REJECTED, 5, "b-1")
    assert [step.event.kind for step in after.history[len(order.history) :]] == [EventKind.LATE_FILL]


@pytest.mark.parametrize("order", [closed_order(), refused_order()])
def test_an_order_that_trades_and_was_rejected_is_told_once_and_its_fills_follow(order: Order) -> None:
    after = followed(
        order,
        report(ReportedState.OPEN),
        report(ReportedState.OPEN),
        report(ReportedState.PARTIALLY_FILLED, 2),
        report(ReportedState.FILLED, 5),
    )

    kinds = [step.event.kind for step in after.history[len(order.history) :]]
    assert kinds == [EventKind.PERSON_TOLD, EventKind.LATE_FILL, EventKind.LATE_FILL]
    assert "its broker has it: b-1 is open" in (after.history[len(order.history)].event.note or "")
    assert (after.state, after.filled_quantity, after.broker_order_id) == (State.REJECTED, 5, "b-1")


def test_a_part_that_filled_does_not_hide_that_the_rest_still_trades() -> None:
    after = followed(refused_order(), report(ReportedState.PARTIALLY_FILLED, 2))

    assert [step.event.kind for step in after.history[-2:]] == [EventKind.PERSON_TOLD, EventKind.LATE_FILL]


@pytest.mark.parametrize(
    "state", [ReportedState.PENDING, ReportedState.CANCELLED, ReportedState.REJECTED, ReportedState.EXPIRED]
)
def test_what_trades_nothing_is_no_news_of_a_rejected_order(state: ReportedState) -> None:
    assert followed(refused_order(), report(state)) == refused_order()


def test_an_older_report_of_an_order_that_was_rejected_after_it_was_taken_is_no_news() -> None:
    rejected = followed(open_order(), report(ReportedState.REJECTED))

    assert followed(rejected, report(ReportedState.OPEN)) == rejected
