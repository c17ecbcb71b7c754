"""An order that became another than anybody asked for is noticed: as it is stored, and in its broker's book."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from order_router.aws.order_record import order_item
from order_router.domain.history import Event
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.order import Order, apply
from tests.fakes.clock import MONDAY_MORNING, FakeClock
from tests.fakes.orders import a_submitting_order
from tests.simulation.judge import Judge
from tests.simulation.venues import Held
from tests.simulation.wants import Terms, terms_of

PRICE = Decimal("1500.05")
FILLED = Event(
    kind=EventKind.FILLED,
    at=MONDAY_MORNING,
    broker_order_id="b-1",
    filled_quantity=5,
    average_price=Decimal(1500),
)


def stored(judge: Judge, order: Order) -> Order:
    judge.order_written(order_item(order, "w-1"))
    return order


def a_row(order: Order, **changes: Any) -> Held:
    terms = terms_of(order.request)
    row = Held(order.client_order_id, "b-1", State.FILLED, 5, terms, order.average_price)
    return replace(row, **changes)


def judged(order: Order, row: Held) -> list[str]:
    judge = Judge(FakeClock())
    stored(judge, a_submitting_order())
    stored(judge, order)
    judge.judge_end([row])
    return judge.broken


def test_an_order_as_its_broker_has_it_is_right() -> None:
    order = apply(a_submitting_order(), FILLED)

    assert judged(order, a_row(order)) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"average_price": Decimal("1499.95")},
        {"average_price": None},
        {"terms": Terms("NSE:INFY", "BUY", 10, PRICE)},
        {"terms": Terms("NSE:INFY", "SELL", 5, PRICE)},
        {"terms": Terms("NSE:TCS", "BUY", 5, PRICE)},
        {"terms": Terms("NSE:INFY", "BUY", 5, Decimal(1500))},
        {"terms": Terms("NSE:INFY", "BUY", 5, None)},
    ],
)
def test_a_record_that_is_not_its_broker_s_truth_is_noticed(changes: dict[str, Any]) -> None:
    order = apply(a_submitting_order(), FILLED)

    assert judged(order, a_row(order, **changes)) != []


@pytest.mark.parametrize("terms", [{"quantity": 10}, {"limit_price": Decimal(1499)}])
def test_terms_that_nobody_asked_for_are_noticed_though_both_sides_have_them(terms: dict[str, Any]) -> None:
    order = a_submitting_order()
    changed = order.request.model_copy(update=terms)
    order = apply(replace(order, request=changed), FILLED)

    assert any("nobody wanted" in rule for rule in judged(order, a_row(order)))


def test_a_change_that_somebody_asked_for_may_have_been_made() -> None:
    judge = Judge(FakeClock())
    order = stored(judge, a_submitting_order())
    judge.wants.ask_to_change(order.client_order_id, {"quantity": 7, "limit_price": Decimal(1499)})
    changed = order.request.model_copy(update={"quantity": 7, "limit_price": Decimal(1499)})
    order = stored(judge, apply(replace(order, request=changed), FILLED))

    judge.judge_end([a_row(order)])

    assert judge.broken == []


def test_an_order_that_is_stored_as_nobody_asked_for_it_is_noticed() -> None:
    judge, order = Judge(FakeClock()), a_submitting_order()
    judge.wants.ask(order.client_order_id, Terms("NSE:INFY", "BUY", 50, PRICE), MONDAY_MORNING)

    stored(judge, order)

    assert any("asked for was" in rule for rule in judge.broken)
