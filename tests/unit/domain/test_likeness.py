"""Brokers that echo no tag: one row that can only be our order is adopted, anything less is not."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from order_router.domain.instrument import parse_instrument
from order_router.domain.likeness import find_by_likeness
from order_router.domain.reports import OrderReport, ReportedState
from order_router.domain.vocabulary import OrderType, Product, Side
from tests.fakes.clock import MONDAY_MORNING
from tests.fakes.orders import a_submitting_order

ORDER = a_submitting_order()


def row(broker_order_id: str = "b-1", **changes: Any) -> OrderReport:
    usual: dict[str, Any] = {
        "broker_order_id": broker_order_id,
        "state": ReportedState.OPEN,
        "status": "OPEN",
        "instrument": parse_instrument("NSE:INFY"),
        "side": Side.BUY,
        "quantity": 5,
        "filled_quantity": 0,
        "order_type": OrderType.LIMIT,
        "product": Product.MIS,
        "limit_price": Decimal("1500.05"),
        "placed_at": MONDAY_MORNING + timedelta(seconds=1),
    }
    return OrderReport(**usual | changes)


def tag_of(client_order_id: str) -> str:
    return client_order_id[:20]


def test_the_only_row_that_fits_is_the_order() -> None:
    other = row("b-2", quantity=6)

    assert find_by_likeness(ORDER, [row(), other], tag_of=tag_of, claimed=(), rivals=()) == row()


def test_two_rows_that_fit_are_for_a_person() -> None:
    assert find_by_likeness(ORDER, [row(), row("b-2")], tag_of=tag_of, claimed=(), rivals=()) is None


def test_a_row_that_is_another_order_of_ours_is_never_claimed_again() -> None:
    assert find_by_likeness(ORDER, [row()], tag_of=tag_of, claimed={"b-1"}, rivals=()) is None


def test_a_row_that_fits_two_lost_orders_is_for_a_person() -> None:
    twin = a_submitting_order("k-2")

    assert find_by_likeness(ORDER, [row()], tag_of=tag_of, claimed=(), rivals=[twin]) is None


def test_a_lost_order_of_another_kind_is_no_rival() -> None:
    other = a_submitting_order("k-2", quantity=6)

    assert find_by_likeness(ORDER, [row()], tag_of=tag_of, claimed=(), rivals=[other]) == row()


@pytest.mark.parametrize(
    "changes",
    [
        {"instrument": parse_instrument("NSE:TCS")},
        {"side": Side.SELL},
        {"quantity": 4},
        {"product": Product.CNC},
        {"order_type": OrderType.SL},
        {"limit_price": Decimal("1500.10")},
        {"limit_price": None},
        {"trigger_price": Decimal(1400)},
        {"placed_at": None},
        {"placed_at": MONDAY_MORNING - timedelta(seconds=6)},
        {"placed_at": MONDAY_MORNING + timedelta(seconds=151)},
    ],
)
def test_a_row_that_differs_in_anything_is_not_the_order(changes: dict[str, Any]) -> None:
    assert find_by_likeness(ORDER, [row(**changes)], tag_of=tag_of, claimed=(), rivals=()) is None


@pytest.mark.parametrize("shown", [tag_of(ORDER.client_order_id), tag_of(ORDER.client_order_id)[:8].lower()])
def test_a_row_that_shows_our_tag_or_its_start_is_the_order(shown: str) -> None:
    ours = row(client_tag=shown)

    assert find_by_likeness(ORDER, [ours], tag_of=tag_of, claimed=(), rivals=()) == ours


def test_a_row_that_shows_another_tag_is_somebody_else_s() -> None:
    by_hand, ours = row("b-2", client_tag="by hand"), row()

    assert find_by_likeness(ORDER, [by_hand], tag_of=tag_of, claimed=(), rivals=()) is None
    assert find_by_likeness(ORDER, [by_hand, ours], tag_of=tag_of, claimed=(), rivals=()) == ours


def test_a_row_that_shows_one_of_two_twins_tags_is_that_one() -> None:
    twin = a_submitting_order("k-2")
    ours = row(client_tag=tag_of(ORDER.client_order_id))

    assert find_by_likeness(ORDER, [ours], tag_of=tag_of, claimed=(), rivals=[twin]) == ours


def test_a_price_of_zero_is_no_price() -> None:
    assert (
        find_by_likeness(ORDER, [row(trigger_price=Decimal(0))], tag_of=tag_of, claimed=(), rivals=())
        is not None
    )
