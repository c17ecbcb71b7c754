"""Events in: every body is judged before anything else looks at it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from order_router.api.endpoint import answer_event
from order_router.api.http import (
    MAX_BODY,
    Answer,
    ApiRequest,
    BodyTooLarge,
    BodyUnreadable,
    Forbidden,
    Unauthenticated,
)
from order_router.domain.account import Scope
from tests.fakes.clock import MONDAY_MORNING
from tests.unit.api.events import NOBODY, READER, TRADER, event, request


def echo(asked: ApiRequest) -> Answer:
    return Answer(content=asked.json_object())


def test_the_age_of_a_request_counts_from_the_gateway_s_clock() -> None:
    assert request("GET /v1/orders").received_at == MONDAY_MORNING


@pytest.mark.parametrize("is_base64", [False, True])
def test_a_body_is_read_however_the_gateway_hands_it_over(is_base64: bool) -> None:
    assert request("POST /v1/orders", {"quantity": 5}, is_base64=is_base64).json_object() == {"quantity": 5}


@pytest.mark.parametrize(
    "body",
    [
        "",
        "not json",
        "[]",
        "5",
        "null",
        '{"a": 1, "a": 2}',
        '{"a": {"b": 1, "b": 2}}',
        '{"a": NaN}',
        '{"a": Infinity}',
        '{"a": 1',
        "[" * 20_000,
        '{"a": ' + "[" * 20_000,
        "\ud800",
    ],
)
def test_an_unreadable_body_is_a_400_that_says_why(body: str) -> None:
    answer = answer_event(event("POST /v1/orders", body), echo)

    assert (answer.status, answer.content["code"]) == (400, "BODY_UNREADABLE")


def test_a_body_over_64_kib_is_refused() -> None:
    fits = '{"a": "' + "x" * (MAX_BODY - 9) + '"}'

    assert len(fits) == MAX_BODY
    assert answer_event(event("POST /v1/orders", fits), echo).status == 200
    assert answer_event(event("POST /v1/orders", fits + " "), echo).content["code"] == "BODY_TOO_LARGE"
    assert answer_event(event("POST /v1/orders", fits + " ", is_base64=True), echo).status == 413


@given(st.text(max_size=40))
def test_no_body_makes_anything_but_an_object_or_a_400(body: str) -> None:
    answer = answer_event(event("POST /v1/orders", body), echo)

    assert answer.status in {200, 400}


def test_nobody_has_no_scope_and_a_reader_does_not_trade() -> None:
    with pytest.raises(Unauthenticated):
        request("GET /v1/orders", caller=NOBODY).require(Scope.READ)
    with pytest.raises(Forbidden):
        request("POST /v1/orders", caller=READER).require(Scope.TRADE)

    assert request("POST /v1/orders", caller=TRADER).require(Scope.READ).key_id == "k-trade"


def test_a_key_bound_to_an_account_is_for_no_other() -> None:
    with pytest.raises(Forbidden) as raised:
        request("POST /v1/orders", caller=TRADER).require_account(Scope.TRADE, "second")

    assert raised.value.code == "ACCOUNT_FORBIDDEN"


def test_an_unexpected_error_shows_nothing_of_itself() -> None:
    def fail(_request: ApiRequest) -> Answer:
        raise KeyError("hunter2")

    answer = answer_event(event("GET /v1/orders"), fail).to_gateway()

    assert answer["statusCode"] == 500
    assert "hunter2" not in str(answer)
    assert "INTERNAL_ERROR" in answer["body"]


def test_a_request_s_repr_shows_no_header_and_no_body() -> None:
    asked: Any = request("POST /v1/orders", '{"token": "hunter2"}', headers={"X-API-Key": "hunter3"})

    assert "hunter" not in repr(asked)


def test_errors_of_the_body_are_raised_before_the_handler_runs() -> None:
    with pytest.raises(BodyTooLarge):
        request("POST /v1/orders", "x" * (2 * MAX_BODY + 1))
    with pytest.raises(BodyUnreadable):
        request("POST /v1/orders", "\ud800")
