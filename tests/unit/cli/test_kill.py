"""`router kill`: what goes over the wire, what must be said twice, and what is told of the answer."""

import json
from typing import Any
from urllib.parse import urlsplit

import pytest

from infra.cli.refusal import Refusal
from tests.unit.cli.trying import Stack

ON: dict[str, Any] = {
    "scope": "account",
    "name": "paper",
    "is_on": True,
    "lets_exits": False,
    "since": "2026-11-23T04:30:00.000Z",
    "turned_at": "2026-11-23T04:31:00.000Z",
    "turned_by": "mine",
    "reason": "it buys too much",
}
OFF = ON | {"scope": "global", "name": None, "is_on": False, "reason": None, "turned_by": None, "since": None}
WORK: dict[str, Any] = {
    "account": "paper",
    "strategy": None,
    "phase": "cancelling",
    "close_positions": True,
    "cancelled": [],
    "exits": [],
    "problems": [],
}
CANCELLED = {"client_order_id": "ORD1", "outcome": "cancelled", "code": None, "message": None}
FAILED = {"client_order_id": "ORD2", "outcome": "failed", "code": "RATE_LIMITED", "message": "too many"}
FILLED = {"client_order_id": "ORD3", "state": "filled", "code": None, "message": None}


def sent(stack: Stack) -> tuple[str, str]:
    return stack.answers.last.get_method(), urlsplit(stack.answers.last.full_url).path.removeprefix("/api")


@pytest.mark.parametrize(
    ("options", "body"),
    [
        ((), {"scope": "global"}),
        (("--everything",), {"scope": "global"}),
        (("--account", "paper"), {"scope": "account", "name": "paper"}),
        (("--strategy", "demo"), {"scope": "strategy", "name": "demo"}),
        (("--exits", "--reason", "why"), {"scope": "global", "lets_exits": True, "reason": "why"}),
        (("--no-exits",), {"scope": "global", "lets_exits": False}),
    ],
)
def test_a_stop_is_sent_as_it_was_typed(stack: Stack, options: tuple[str, ...], body: dict[str, Any]) -> None:
    stack.answers.will(ON | {"work": []})

    ran = stack.ok("kill", "on", *options)

    assert sent(stack) == ("POST", "/v1/kill-switch")
    assert stack.answers.body == {"cancel_open": False, **body}
    assert ran.out.startswith("the kill switch of account paper is on since 23 Nov")
    assert ran.out.strip().endswith("no new order leaves, exits are stopped too")


def test_an_account_from_the_environment_narrows_no_stop(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROUTER_ACCOUNT", "paper")
    stack.answers.will(ON | {"work": []})

    stack.ok("kill", "on")

    assert stack.answers.body["scope"] == "global"


def test_closing_positions_must_be_meant(stack: Stack) -> None:
    ran = stack.run("kill", "on", "--close-positions")

    assert ran.code == 2
    assert "--yes" in ran.line
    assert stack.answers.asked == []


def test_what_is_done_besides_is_waited_for_and_told(stack: Stack) -> None:
    stack.answers.will(ON | {"work": [WORK]}, 202)
    stack.answers.will({"switches": [], "work": [WORK | {"phase": "closing"}, WORK | {"account": "other"}]})
    done = WORK | {"phase": "done", "cancelled": [CANCELLED], "exits": [FILLED]}
    stack.answers.will({"switches": [], "work": [done]})

    ran = stack.ok("kill", "on", "--account", "paper", "--close-positions", "--yes")

    posted = json.loads(stack.answers.asked[0].data or b"")  # type: ignore[arg-type]
    assert (posted["close_positions"], posted["confirm"]) == (True, True)
    assert ran.out.strip() == "paper done: 1 of 1 open orders cancelled, 1 of 1 exits filled"
    assert "is on since" in "".join(stack.typist.told)


def test_an_order_that_was_cancelled_before_it_was_sent_counts_as_cancelled(stack: Stack) -> None:
    stack.answers.will(ON | {"work": [WORK | {"close_positions": False}]}, 202)
    unsent = CANCELLED | {"client_order_id": "ORD4", "outcome": "refused"}
    filled = CANCELLED | {"client_order_id": "ORD5", "outcome": "filled"}
    done = WORK | {"phase": "done", "close_positions": False, "cancelled": [CANCELLED, unsent, filled]}
    stack.answers.will({"switches": [], "work": [done]})

    ran = stack.ok("kill", "on", "--account", "paper", "--cancel-open")

    assert ran.out.strip() == "paper done: 2 of 3 open orders cancelled"


def test_what_could_not_be_done_is_told_and_is_no_success(stack: Stack) -> None:
    stack.answers.will(ON | {"work": [WORK | {"close_positions": False}]}, 202)
    left = WORK | {"phase": "done", "close_positions": False, "cancelled": [CANCELLED, FAILED]}
    stack.answers.will({"switches": [], "work": [left | {"problems": ["these may still be open: ORD2"]}]})

    ran = stack.run("kill", "on", "--account", "paper", "--cancel-open")

    assert ran.code == 1
    assert ran.out.splitlines() == [
        "paper done: 1 of 2 open orders cancelled",
        "  ORD2: RATE_LIMITED: too many",
        "  these may still be open: ORD2",
    ]


def test_the_wait_ends(stack: Stack) -> None:
    stack.answers.will(ON | {"work": [WORK]}, 202)
    for _ in range(2):
        stack.answers.will({"switches": [], "work": [WORK]})

    ran = stack.run("kill", "on", "--account", "paper", "--cancel-open", "--wait", "2")

    assert ran.code == 1
    assert "paper cancelling" in ran.out


BUSY = {"status": 503, "code": "STORE_UNAVAILABLE", "detail": "the tables do not answer"}


def test_a_look_that_fails_does_not_end_the_following(stack: Stack) -> None:
    stack.answers.will(ON | {"work": [WORK]}, 202)
    stack.answers.will(BUSY, 503)
    stack.answers.replies.append(Refusal("the stack does not answer"))
    stack.answers.will({"switches": [], "work": [WORK | {"phase": "done", "exits": [FILLED]}]})

    ran = stack.ok("kill", "on", "--account", "paper", "--close-positions", "--yes")

    assert ran.out.strip() == "paper done: 0 of 0 open orders cancelled, 1 of 1 exits filled"


def test_a_stop_that_cannot_be_followed_is_told_as_the_stop_that_it_is(stack: Stack) -> None:
    stack.answers.will(ON | {"work": [WORK]}, 202)
    for _ in range(5):
        stack.answers.will(BUSY, 503)

    ran = stack.run("kill", "on", "--account", "paper", "--cancel-open", "--json")

    assert (ran.code, ran.json["is_on"], ran.json["work"]) == (1, True, [WORK])
    assert stack.answers.replies == []


def test_why_a_stop_cannot_be_followed_is_said(stack: Stack) -> None:
    stack.answers.will(ON | {"work": [WORK]}, 202)
    stack.answers.will({"status": 403, "code": "SCOPE_MISSING", "detail": "it may not read"}, 403)

    ran = stack.run("kill", "on", "--account", "paper", "--cancel-open")

    assert ran.code == 1
    assert "paper cancelling" in ran.out
    assert "cannot be seen: SCOPE_MISSING: it may not read (router kill status)" in ran.err


def test_work_that_is_gone_is_no_success(stack: Stack) -> None:
    stack.answers.will(ON | {"work": [WORK]}, 202)
    stack.answers.will({"switches": [], "work": []})

    ran = stack.run("kill", "on", "--account", "paper", "--cancel-open")

    assert ran.code == 1
    assert "paper: not shown any more" in ran.out


def test_letting_go_needs_a_name_and_a_reason(stack: Stack) -> None:
    assert "--reason" in stack.run("kill", "off", "--everything").err
    assert "name what may trade again" in stack.run("kill", "off", "--reason", "mended").line
    assert "name one" in stack.run("kill", "off", "--everything", "--account", "a", "--reason", "mended").line
    assert stack.answers.asked == []

    stack.answers.will(OFF)
    ran = stack.ok("kill", "off", "--everything", "--reason", "mended")

    assert sent(stack) == ("DELETE", "/v1/kill-switch")
    assert stack.answers.body == {"scope": "global", "reason": "mended"}
    assert ran.out.strip() == "the kill switch of everything is off: orders may leave"


def test_the_status_shows_every_switch_its_turns_and_the_work(stack: Stack) -> None:
    work = WORK | {"phase": "done", "close_positions": False, "cancelled": [CANCELLED]}
    stack.answers.will({"switches": [OFF, ON | {"history": [ON]}], "work": [work]})

    ran = stack.ok("kill", "status", "--history")

    assert urlsplit(stack.answers.last.full_url).query == "history=true"
    lines = ran.out.splitlines()
    assert lines[1].split()[:2] == ["everything", "off"]
    assert lines[2].split()[:3] == ["account", "paper", "on"]
    assert lines[3].startswith("  account paper")
    assert ran.err.splitlines() == ["1 on", "paper done: 1 of 1 open orders cancelled"]


def test_the_status_is_a_document(stack: Stack) -> None:
    stack.answers.will({"switches": [OFF], "work": []})

    assert stack.json("kill", "status") == {"switches": [OFF], "work": []}
