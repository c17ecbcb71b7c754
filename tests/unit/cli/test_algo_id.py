"""`router account add --algo-id`: an id that would never be sent is not stored."""

import pytest

from tests.unit.cli.trying import Stack


def test_an_algo_id_is_stored_shown_and_taken_away(stack: Stack) -> None:
    stack.ok("account", "add", "mine", "--broker", "zerodha", "--algo-id", "999900001234")
    assert stack.json("account", "show", "mine")["algo_id"] == "999900001234"

    stack.ok("account", "add", "mine", "--broker", "zerodha", "--algo-id", "off")
    assert stack.json("account", "show", "mine")["algo_id"] is None


def test_a_broker_that_takes_no_algo_id_gets_none(stack: Stack) -> None:
    refused = stack.run("account", "add", "mine", "--broker", "kotak_neo", "--algo-id", "1")

    assert (refused.code, refused.line) == (1, "router: Kotak Neo takes no algo id")
    assert stack.json("account", "list")["accounts"] == []


def test_an_account_that_is_there_is_not_given_one_in_vain(stack: Stack) -> None:
    stack.ok("account", "add", "mine", "--broker", "kotak_neo")

    assert stack.run("account", "add", "mine", "--broker", "kotak_neo", "--algo-id", "1").code == 1
    assert stack.json("account", "show", "mine")["algo_id"] is None


@pytest.mark.parametrize("algo_id", ["", "a b", "x" * 33, "<script>", "\u0661"])
def test_what_is_no_id_is_refused(stack: Stack, algo_id: str) -> None:
    assert stack.run("account", "add", "mine", "--broker", "zerodha", "--algo-id", algo_id).code == 2
