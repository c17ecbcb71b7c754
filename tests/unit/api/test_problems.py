"""Errors as problems with a stable code, refusals never as success."""

import json
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from order_router.adapter import errors as broker_errors
from order_router.api.answers import order_json, placement_answer, row_json
from order_router.api.problems import problem_of, problem_of_validation
from order_router.domain.errors import Reason, RouterError
from order_router.domain.gate import PaceExceeded
from order_router.domain.lifecycle import State
from order_router.domain.request import parse_request
from order_router.service.place import Placement
from order_router.service.reading_books import TooEarly
from tests.fakes.orders import an_order
from tests.fakes.world import World


def test_a_problem_has_its_members_and_type() -> None:
    answer = problem_of(RouterError("no such thing", code="ORDER_NOT_FOUND")).to_gateway()

    assert answer["statusCode"] == 404
    assert answer["headers"]["content-type"] == "application/problem+json"
    assert json.loads(answer["body"]) == {
        "type": "urn:order-router:problem:order-not-found",
        "title": "Order not found",
        "status": 404,
        "code": "ORDER_NOT_FOUND",
        "detail": "no such thing",
    }


def test_a_full_pace_says_when_to_come_back() -> None:
    answer = problem_of(PaceExceeded(0.4))

    assert (answer.status, answer.headers["retry-after"]) == (429, "1")


def test_a_book_in_its_rest_is_asked_for_again() -> None:
    answer = problem_of(TooEarly("read a moment ago"))

    assert (answer.status, answer.headers["retry-after"]) == (503, "5")


def test_every_bad_field_is_named_once_with_what_was_expected() -> None:
    fields = {"account": "paper", "order_type": "LIMIT", "quantity": 0, "limit_price": "x", "colour": "red"}
    with pytest.raises(ValidationError) as raised:
        parse_request(fields)

    answer = problem_of_validation(raised.value)

    assert answer.status == 422
    named = [line["field"] for line in answer.content["errors"]]
    assert sorted(named) == ["colour", "instrument", "limit_price", "product", "quantity", "side"]


@pytest.mark.parametrize("fields", [{}, {"order_type": "STOP"}, {"order_type": 5}])
def test_a_missing_or_unknown_order_type_is_named(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as raised:
        parse_request(fields)

    assert [line["field"] for line in problem_of_validation(raised.value).content["errors"]] == ["order_type"]


@pytest.mark.parametrize(
    ("state", "reason", "status", "replayed"),
    [
        (State.FILLED, None, 201, 200),
        (State.OPEN, None, 201, 200),
        (State.CANCELLED, None, 201, 200),
        (State.UNKNOWN, Reason("BROKER_OUTCOME_UNKNOWN", "timeout"), 202, 202),
        (State.SUBMITTING, None, 202, 202),
        (State.REJECTED, Reason("ORDER_REJECTED", "RMS"), 422, 422),
        (State.REFUSED, Reason("KILL_SWITCH_ON", "on"), 422, 422),
        (State.REFUSED, Reason("BROKER_SESSION_EXPIRED", "log in"), 503, 503),
        (State.STALE, Reason("BROKER_UNREACHABLE", "refused"), 503, 503),
    ],
)
def test_the_state_of_the_order_decides_the_status(
    state: State, reason: Reason | None, status: int, replayed: int
) -> None:
    order = replace(an_order(), state=state, reason=reason)

    first = placement_answer(Placement(order), {})
    repeat = placement_answer(Placement(order, is_replay=True), {})

    assert (first.status, repeat.status) == (status, replayed)
    assert "idempotent-replayed" not in first.headers
    assert repeat.headers["idempotent-replayed"] == "true"


def test_a_refusal_carries_the_order_and_its_code() -> None:
    order = replace(an_order(), state=State.REJECTED, reason=Reason("ORDER_REJECTED", "RMS: margin"))

    content = placement_answer(Placement(order), {}).content

    assert (content["code"], content["detail"]) == ("ORDER_REJECTED", "RMS: margin")
    assert content["order"]["state"] == "rejected"


def test_prices_are_text_and_times_are_utc_in_every_answer() -> None:
    answer = order_json(World().place().order)

    assert (answer["limit_price"], answer["average_price"]) == ("1500.05", "1500.05")
    assert answer["created_at"] == "2026-11-23T04:30:00.000Z"
    assert [step["state"] for step in answer["history"]] == ["received", "submitting", "open", "filled"]
    assert json.loads(json.dumps(answer)) == answer


def test_a_position_s_amounts_are_text() -> None:
    world = World()
    world.place()
    broker = world.desk.broker_of("paper")
    session = world.sessions.session(world.desk.account("paper"))
    book = broker.read_positions(world.transport.sender(session.endpoint, not_after=None), session)

    answer = row_json(book.positions[0])

    assert (answer["instrument"], answer["quantity"], answer["average_price"]) == ("NSE:INFY", 5, "1500.05")


def broker_error_classes() -> list[type[RouterError]]:
    found = [value for value in vars(broker_errors).values() if isinstance(value, type)]
    return [value for value in found if issubclass(value, broker_errors.BrokerError)]


@pytest.mark.parametrize("error", broker_error_classes())
def test_every_broker_error_has_a_code_of_its_own_kind(error: type[RouterError]) -> None:
    assert error("words").code
    assert error.code != RouterError.code
