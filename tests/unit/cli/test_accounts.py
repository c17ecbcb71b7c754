"""`router account`: nothing that is there is reset in silence."""

import pytest

from tests.unit.cli.trying import Stack


def test_an_account_is_added_and_listed(stack: Stack) -> None:
    added = stack.ok("account", "add", "mine", "--broker", "zerodha")

    assert added.out.strip() == "account mine at zerodha is there"
    assert added.err.strip() == "next: router credentials set mine"
    (listed,) = stack.json("account", "list")["accounts"]
    assert (listed["name"], listed["broker"], listed["is_enabled"]) == ("mine", "zerodha", True)
    assert listed["limits"]["max_orders_per_day"] == 200


def test_an_account_that_is_there_keeps_what_is_not_named(stack: Stack) -> None:
    stack.ok("account", "add", "mine", "--broker", "paper", "--max-orders-per-day", "50")
    stack.ok("account", "disable", "mine")

    again = stack.ok("account", "add", "mine", "--broker", "paper", "--market-band-percent", "1.5")

    assert again.out.strip() == "account mine was there already: market_band_percent None is now 1.5"
    shown = stack.json("account", "show", "mine")
    assert (shown["limits"]["max_orders_per_day"], shown["is_enabled"], shown["market_band_percent"]) == (
        50,
        False,
        "1.5",
    )


def test_an_account_added_twice_alike_is_told_to_be_unchanged(stack: Stack) -> None:
    stack.ok("account", "add", "mine", "--broker", "paper", "--max-orders-per-day", "50")

    again = stack.ok("account", "add", "mine", "--broker", "paper")

    assert again.out.strip() == "account mine was there already: nothing was changed"
    assert stack.json("account", "show", "mine")["limits"]["max_orders_per_day"] == 50


def test_a_market_band_is_taken_away_by_name(stack: Stack) -> None:
    stack.ok("account", "add", "mine", "--broker", "paper", "--market-band-percent", "2")

    stack.ok("account", "add", "mine", "--broker", "paper", "--market-band-percent", "off")

    assert stack.json("account", "show", "mine")["market_band_percent"] is None


def test_an_account_does_not_move_to_another_broker(stack: Stack) -> None:
    stack.ok("account", "add", "mine", "--broker", "paper")

    moved = stack.run("account", "add", "mine", "--broker", "zerodha")

    assert moved.code == 1
    assert moved.line == "router: account mine is at paper: give the one at zerodha another name"
    assert stack.json("account", "show", "mine")["broker"] == "paper"


def test_an_unknown_broker_is_named_even_for_an_account_that_is_there(stack: Stack) -> None:
    stack.ok("account", "add", "mine", "--broker", "paper")

    assert "no broker is called 'nobody'" in stack.run("account", "add", "mine", "--broker", "nobody").line


def test_disable_and_enable_change_nothing_else(stack: Stack) -> None:
    stack.ok("account", "add", "mine", "--broker", "paper", "--max-orders-per-day", "50")

    assert stack.json("account", "disable", "mine")["is_enabled"] is False
    enabled = stack.json("account", "enable", "mine")

    assert (enabled["is_enabled"], enabled["limits"]["max_orders_per_day"]) == (True, 50)


def test_show_tells_which_strategies_trade_an_account_and_what_its_broker_needs(stack: Stack) -> None:
    stack.ok("account", "add", "mine", "--broker", "zerodha")

    shown = stack.json("account", "show", "mine")

    assert shown["broker_title"] == "Zerodha"
    assert shown["login"] == "browser"
    assert shown["strategies"] == []


@pytest.mark.parametrize("command", ["show", "enable", "disable"])
def test_an_account_from_the_environment_is_the_one_that_is_meant(
    stack: Stack, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.ok("account", "add", "mine", "--broker", "paper")
    monkeypatch.setenv("ROUTER_ACCOUNT", "mine")

    assert stack.json("account", command)["name"] == "mine"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["account", "add", "mine", "--broker", "nobody"], 1, "no broker is called 'nobody'; there are "),
        (["account", "add", "No Such", "--broker", "paper"], 2, "name: expected lower case letters"),
        (["account", "add", "mine"], 2, "Missing option '--broker'"),
        (
            ["account", "add", "m", "--broker", "paper", "--max-orders-per-day", "0"],
            2,
            "--max-orders-per-day",
        ),
        (
            ["account", "add", "m", "--broker", "paper", "--market-band-percent", "x"],
            2,
            "market_band_percent: ",
        ),
        (["account", "add", "all", "--broker", "paper"], 1, "all is what notices call every account"),
        (["account", "add", "unknown", "--broker", "paper"], 1, "unknown is what notices call every account"),
        (["account", "show", "absent"], 1, "there is no account 'absent': add it first (router account add)"),
        (["account", "enable", "absent"], 1, "there is no account 'absent'"),
        (["account", "shwo"], 2, "Did you mean 'show'?"),
        (["account", "show"], 2, "Missing argument"),
    ],
)
def test_wrong_input_gets_one_line_and_changes_nothing(
    stack: Stack, arguments: list[str], code: int, words: str
) -> None:
    ran = stack.run(*arguments)

    assert (ran.code, ran.out) == (code, "")
    assert words in ran.line
    assert stack.json("account", "list") == {"accounts": []}


def test_a_failure_is_one_json_document_where_json_was_asked_for(stack: Stack) -> None:
    ran = stack.run("account", "show", "absent", "--json")

    assert ran.json["error"]["message"].startswith("there is no account 'absent'")
    assert ran.line.startswith("router: there is no account 'absent'")


def test_an_account_that_cannot_be_read_hides_no_other(
    stack: Stack, caplog: pytest.LogCaptureFixture
) -> None:
    stack.ok("account", "add", "mine", "--broker", "paper")
    stack.dynamodb.put_item(
        TableName="SettingsTable",
        Item={"kind": {"S": "ACCOUNT"}, "id": {"S": "torn"}, "document": {"S": "{"}},
    )

    listed = stack.json("account", "list")["accounts"]

    assert [one["name"] for one in listed] == ["mine"]
    assert "a setting is not readable" in caplog.text


def test_brokers_are_listed_with_what_must_be_stored(stack: Stack) -> None:
    brokers = {one["broker"]: one for one in stack.json("broker", "list")["brokers"]}

    assert brokers["paper"]["credentials"] == []
    assert brokers["zerodha"]["credentials"] == ["api_key", "api_secret"]
