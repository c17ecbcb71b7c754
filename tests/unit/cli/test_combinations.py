"""`router instruments combine`: legs as a trader says them."""

import json

import pytest

from tests.unit.cli.trying import Stack

LONG, SHORT = "OPRA:AAPL261218C00200000", "OPRA:AAPL261218C00205000"
LEGS = [{"side": "BUY", "ratio": 1, "instrument": LONG}, {"side": "SELL", "ratio": 2, "instrument": SHORT}]


def test_a_combination_is_defined_leg_by_leg(stack: Stack) -> None:
    stack.answers.will({"instrument": "COMBO:AAPL-DEC", "expiry": "2026-12-18", "legs": LEGS}, 201)

    ran = stack.ok(
        *("instruments", "combine", "aapl-dec", f"buy 1 {LONG}", f"SELL  2 {SHORT}", "--account", "live")
    )

    sent = stack.answers.last.data
    assert isinstance(sent, bytes)
    assert json.loads(sent) == {"account": "live", "name": "AAPL-DEC", "legs": LEGS}
    assert stack.answers.last.full_url.endswith("/v1/instruments/combinations")
    assert f"BUY 1 {LONG}, SELL 2 {SHORT}" in " ".join(ran.out.split())


@pytest.mark.parametrize("leg", [LONG, f"HOLD 1 {LONG}", f"BUY -1 {LONG}", "BUY 1", f"BUY one {LONG}"])
def test_a_leg_that_is_none_is_told_in_one_line_and_nothing_is_asked(stack: Stack, leg: str) -> None:
    ran = stack.run("instruments", "combine", "X", leg, f"SELL 1 {SHORT}", "--account", "live")

    assert ran.code == 1
    assert "expected a leg such as 'BUY 1 OPRA:AAPL261218C00200000'" in ran.err
    assert stack.answers.asked == []


def test_without_an_account_nothing_is_asked(stack: Stack) -> None:
    ran = stack.run("instruments", "combine", "X", f"BUY 1 {LONG}", f"SELL 1 {SHORT}")

    assert (ran.code, "--account" in ran.err) == (1, True)
    assert stack.answers.asked == []
