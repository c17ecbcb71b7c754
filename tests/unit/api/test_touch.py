"""The call before the open, and the question for a function's address."""

from collections.abc import Mapping
from typing import Any

import pytest

from order_router.adapter.errors import NotSent
from order_router.api.touch import touchable

API_CALL = {"version": "2.0", "routeKey": "POST /v1/orders", "body": '{"source":"touch"}'}


def usual(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    return {"answered": dict(event)}


def unasked() -> str:
    pytest.fail("nobody asked for the address")


def unreachable() -> str:
    raise NotSent("https://echo.example: no connection (TimeoutError)")


def test_the_call_before_the_open_reaches_nothing() -> None:
    assert touchable(usual, unasked)({"source": "touch"}, None) == {"touched": True}


@pytest.mark.parametrize("event", [API_CALL, {"Records": []}, {"source": "keep-alive"}])
def test_every_other_event_is_answered_as_before(event: dict[str, Any]) -> None:
    assert touchable(usual, unasked)(event, None) == {"answered": event}


def test_a_function_tells_its_address() -> None:
    assert touchable(usual, lambda: "13.200.1.2")({"source": "address"}, None) == {"address": "13.200.1.2"}


def test_a_function_that_reaches_nothing_says_so() -> None:
    answer = touchable(usual, unreachable)({"source": "address"}, None)

    assert answer["error"]["code"] == "BROKER_UNREACHABLE"
    assert "no connection" in answer["error"]["message"]
