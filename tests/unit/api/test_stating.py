"""What a person may say of an unknown order over the API, and what is refused before it is believed."""

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from order_router.api.http import Forbidden
from order_router.api.stating import statement_of
from order_router.service.stating import Ending, Statement
from tests.unit.api.events import ADMIN, TRADER, request

ROUTE = "POST /v1/orders/AAAAAAAAAAAAAAAAAAAA/settle"
WHY = {"reason": "looked it up"}


def read(body: dict[str, Any], caller: dict[str, str] = ADMIN) -> Statement:
    return statement_of(request(ROUTE, body, caller=caller))


@pytest.mark.parametrize(
    ("body", "broker_order_id", "ending"),
    [
        ({"outcome": "not_placed"}, None, None),
        ({"outcome": "placed", "broker_order_id": "2511-7"}, "2511-7", None),
        ({"outcome": "ended", "broker_order_id": "7", "filled_quantity": 0}, "7", Ending(0)),
        (
            {"outcome": "ended", "broker_order_id": "7", "filled_quantity": 5, "average_price": "1500.05"},
            "7",
            Ending(5, Decimal("1500.05")),
        ),
    ],
)
def test_each_outcome_says_what_it_needs_to(
    body: dict[str, Any], broker_order_id: str | None, ending: Ending | None
) -> None:
    said = read(body | WHY)

    assert said == Statement(
        by="key k-admin", why="looked it up", broker_order_id=broker_order_id, ending=ending
    )


@pytest.mark.parametrize(
    "body",
    [
        {"outcome": "lost"},
        {"outcome": "not_placed", "broker_order_id": "7"},
        {"outcome": "not_placed", "filled_quantity": 0},
        {"outcome": "placed"},
        {"outcome": "placed", "broker_order_id": ""},
        {"outcome": "placed", "broker_order_id": "7 8"},
        {"outcome": "placed", "broker_order_id": "7", "filled_quantity": 5, "average_price": "1"},
        {"outcome": "ended", "broker_order_id": "7"},
        {"outcome": "ended", "filled_quantity": 5, "average_price": "1"},
        {"outcome": "ended", "broker_order_id": "7", "filled_quantity": 5},
        {"outcome": "ended", "broker_order_id": "7", "filled_quantity": 0, "average_price": "1"},
        {"outcome": "ended", "broker_order_id": "7", "filled_quantity": -1},
        {"outcome": "ended", "broker_order_id": "7", "filled_quantity": 1.5, "average_price": "1"},
        {"outcome": "not_placed", "reason": ""},
        {"outcome": "not_placed", "reason": "two\nlines"},
        {"outcome": "not_placed", "by": "me"},
        {},
    ],
)
def test_what_does_not_fit_its_outcome_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        read(WHY | body)


def test_a_reason_must_be_given() -> None:
    with pytest.raises(ValidationError):
        read({"outcome": "not_placed"})


def test_who_may_only_trade_settles_nothing() -> None:
    with pytest.raises(Forbidden):
        read({"outcome": "not_placed"} | WHY, TRADER)
