"""`router breaker`: how the breakers stand, and closing one."""

import json
from typing import Any

from tests.unit.cli.trying import Stack

CLOSED: dict[str, Any] = {
    "account": "paper",
    "broker": "paper",
    "state": "closed",
    "failures": 0,
    "since": None,
    "next_probe_at": None,
    "by": None,
    "reason": None,
}
OPEN = CLOSED | {
    "account": "live",
    "broker": "zerodha",
    "state": "open",
    "failures": 3,
    "since": "2026-11-23T04:30:00.000Z",
    "next_probe_at": "2026-11-23T04:30:15.000Z",
    "by": "failures",
    "reason": {"code": "BROKER_UNREACHABLE", "message": "no connection"},
}


def test_every_breaker_is_shown_and_an_open_one_is_bad_news(stack: Stack) -> None:
    stack.answers.will({"breakers": [CLOSED, OPEN]}, 200)

    ran = stack.run("breaker", "status")

    assert ran.code == 1
    assert "BROKER_UNREACHABLE: no connection" in ran.out
    assert "23 Nov 10:00 IST" in ran.out
    assert stack.answers.last.full_url.endswith("/v1/breakers")


def test_one_account_is_asked_for_and_a_closed_one_is_well(stack: Stack) -> None:
    stack.answers.will({"breakers": [CLOSED]}, 200)

    ran = stack.run("breaker", "status", "--account", "paper", "--json")

    assert ran.code == 0
    assert json.loads(ran.out) == {"breakers": [CLOSED]}
    assert stack.answers.last.full_url.endswith("/v1/breakers?account=paper")


def test_a_breaker_is_closed_by_hand(stack: Stack) -> None:
    stack.answers.will(CLOSED | {"account": "live", "broker": "zerodha"}, 200)

    ran = stack.run("breaker", "reset", "live")

    assert ran.out.strip() == "orders of live go to zerodha again"
    assert stack.answers.last.get_method() == "DELETE"
    assert stack.answers.last.full_url.endswith("/v1/breakers/live")
