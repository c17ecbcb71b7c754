"""Kite's refusals and rows, one by one: what each proves about the order, and what is not believed."""

from decimal import Decimal
from typing import Any

import pytest

from order_router.adapter import errors
from order_router.adapter.http import HttpRequest, HttpResponse
from order_router.adapter.port import OrderTarget
from order_router.adapter.session import BrokerSession, Secret
from order_router.brokers import zerodha
from order_router.brokers.zerodha import wire
from order_router.brokers.zerodha.refusals import Refusal, read_refusal
from tests.fakes.orders import a_request
from tests.unit.brokers.test_zerodha_wire import ROW

TIMED_OUT = "Order request timed out. Please check the order book and confirm before placing again."
DAY_LIMIT = "Maximum allowed order requests exceeded."


@pytest.mark.parametrize(
    ("refusal", "means"),
    [
        (Refusal(400, "OrderException", TIMED_OUT), errors.OutcomeUnknown),
        (Refusal(400, "OrderException", "Order request timed out."), errors.OutcomeUnknown),
        (Refusal(400, "NetworkException", "ORDER REQUEST TIMED OUT"), errors.OutcomeUnknown),
        (Refusal(400, "OrderException", "Couldn't connect to kitetrade-oms"), errors.OutcomeUnknown),
        (Refusal(429, "NetworkException", "Too many requests"), errors.RateLimited),
        (Refusal(429, "GeneralException", "Too many requests"), errors.OutcomeUnknown),
        (Refusal(429, "OrderException", "Too many requests"), errors.OutcomeUnknown),
        (Refusal(429, "NetworkException", DAY_LIMIT), errors.Rejected),
        (Refusal(400, "NetworkException", "Gateway timed out"), errors.OutcomeUnknown),
        (Refusal(403, "TokenException", "Incorrect `api_key` or `access_token`."), errors.SessionExpired),
        (Refusal(400, "TokenException", "Incorrect `api_key` or `access_token`."), errors.OutcomeUnknown),
        (Refusal(403, "PermissionException", "Insufficient permission"), errors.PermissionDenied),
        (Refusal(403, "UserException", "Account is blocked"), errors.PermissionDenied),
        (Refusal(400, "MarginException", "Insufficient funds."), errors.InsufficientFunds),
        (Refusal(400, "HoldingException", "Insufficient holdings"), errors.InsufficientFunds),
        (Refusal(400, "InputException", "Invalid `quantity`"), errors.InvalidOrder),
        (
            Refusal(400, "InputException", "The instrument has either expired or does not exist."),
            errors.InvalidSymbol,
        ),
        (
            Refusal(400, "OrderException", "The instrument has either expired or does not exist."),
            errors.InvalidSymbol,
        ),
        (Refusal(400, "OrderException", "Markets are closed right now."), errors.Rejected),
        (Refusal(400, "GeneralException", "Something went wrong"), errors.OutcomeUnknown),
        (Refusal(400, "DataException", "Something went wrong"), errors.OutcomeUnknown),
        (Refusal(408, "OrderException", "Markets are closed right now."), errors.OutcomeUnknown),
        (Refusal(399, "OrderException", "Markets are closed right now."), errors.OutcomeUnknown),
        (Refusal(499, "OrderException", "Markets are closed right now."), errors.Rejected),
        (Refusal(500, "OrderException", "Markets are closed right now."), errors.OutcomeUnknown),
    ],
)
def test_each_refusal_means_what_kite_documents(refusal: Refusal, means: type[errors.BrokerError]) -> None:
    error = read_refusal(refusal, names_an_order=False)

    assert type(error) is means
    assert (error.message, error.broker_code) == (refusal.message, refusal.error_type)


@pytest.mark.parametrize(
    "refusal",
    [
        Refusal(400, "OrderException", "Couldn't find that `order_id`."),
        Refusal(404, "OrderException", "Not here"),
    ],
)
def test_an_order_is_not_found_only_where_one_was_named(refusal: Refusal) -> None:
    assert type(read_refusal(refusal, names_an_order=True)) is errors.OrderNotFound
    assert type(read_refusal(refusal, names_an_order=False)) is errors.Rejected


def answering(order_id: str) -> Any:
    body = b'{"status": "success", "data": {"order_id": "%s"}}' % order_id.encode()
    answer = HttpResponse(status=200, headers={"content-type": "application/json"}, body=body)

    def send(_request: HttpRequest) -> HttpResponse:
        return answer

    return send


def test_an_answer_for_another_order_is_no_answer() -> None:
    secrets = {"api_key": Secret("key"), "access_token": Secret("token")}
    session = BrokerSession("main", "https://api.kite.trade", secrets)
    target = OrderTarget(broker_order_id="1990345678901234567", request=a_request())

    zerodha.cancel_order(answering("1990345678901234567"), session, target)
    with pytest.raises(errors.OutcomeUnknown, match="another order"):
        zerodha.cancel_order(answering("1990345678901234568"), session, target)


def test_a_row_with_a_status_that_nobody_knows_is_not_read() -> None:
    with pytest.raises(errors.OutcomeUnknown, match="DREAMT"):
        wire.read_row(ROW | {"status": "DREAMT"})


@pytest.mark.parametrize("name", ["quantity", "filled_quantity"])
def test_a_fraction_of_a_share_is_not_believed(name: str) -> None:
    with pytest.raises(errors.OutcomeUnknown, match="whole number"):
        wire.read_row(ROW | {name: Decimal("2.5")})


def test_a_price_below_nothing_is_not_believed() -> None:
    with pytest.raises(errors.OutcomeUnknown, match="negative"):
        wire.read_row(ROW | {"average_price": Decimal("-0.05")})
