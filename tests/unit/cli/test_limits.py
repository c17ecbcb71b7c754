"""`router limits`: what is named is set and nothing else, and what is counted stands beside it."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from order_router.aws.settings_table import SettingsTable
from tests.unit.cli.trying import Stack

COUNTED = {"orders": "12", "open": "3", "gross": "7500.25", "net": "-7500.25", "loss": "-40"}
COUNTED |= {"net_if_bought": "-100", "net_if_sold": "-7600.5"}


@pytest.fixture
def paper(stack: Stack) -> Stack:
    """A stack with account `paper`."""
    stack.ok("account", "add", "paper", "--broker", "paper")
    return stack


def count(stack: Stack, name: str) -> None:
    item = {"gate": {"S": name}, **{attribute: {"N": number} for attribute, number in COUNTED.items()}}
    stack.dynamodb.put_item(TableName="GateTable", Item=item)


def test_limits_and_what_is_counted_are_shown_beside_each_other(paper: Stack) -> None:
    paper.ok("limits", "set", "paper", "--max-gross-exposure", "100000", "--max-open-orders", "10")
    count(paper, "meter#account#paper#2026-11-23")

    ran = paper.ok("limits", "show", "paper")

    lines = {line.split()[0]: line.split()[1:] for line in ran.out.splitlines() if line.strip()}
    assert lines["max_gross_exposure"] == ["100000", "7500.25"]
    assert lines["max_open_orders"] == ["10", "3"]
    assert lines["max_orders_per_day"] == ["1000", "12"]
    assert lines["max_net_exposure"] == ["none", "-7600.5", "to", "-100"]
    assert lines["max_daily_loss"] == ["none", "-40"]
    assert lines["max_quantity"] == ["none"]


def test_only_what_is_named_is_changed_and_none_takes_it_away(paper: Stack) -> None:
    paper.ok("limits", "set", "paper", "--max-order-value", "200000", "--max-quantity", "50")

    limits = paper.json(
        "limits", "set", "paper", "--max-quantity", "none", "--instruments", "NSE:INFY, NSE:TCS"
    )["limits"]

    assert (limits["max_order_value"], limits["max_quantity"]) == ("200000", None)
    assert limits["instruments"] == ["NSE:INFY", "NSE:TCS"]
    cleared = paper.json("limits", "set", "paper", "--instruments", "none", "--max-orders-per-day", "none")
    assert (cleared["limits"]["instruments"], cleared["limits"]["max_orders_per_day"]) == ([], 1000)


def test_every_limit_can_be_set(paper: Stack) -> None:
    asked = {
        "max_quantity": "50",
        "max_order_value": "200000",
        "price_band_percent": "2.5",
        "instruments": "NSE:INFY",
        "denied_instruments": "NSE:TCS",
        "exchanges": "NSE,BSE",
        "products": "CNC,MIS",
        "max_orders_per_day": "100",
        "max_open_orders": "10",
        "max_gross_exposure": "1000000.50",
        "max_net_exposure": "500000",
        "max_instrument_gross_exposure": "400000",
        "max_instrument_net_exposure": "300000",
        "max_daily_loss": "20000",
        "margin": "funds",
    }

    options = [part for name, word in asked.items() for part in (f"--{name.replace('_', '-')}", word)]
    limits = paper.json("limits", "set", "paper", *options)["limits"]

    told = {
        name: ",".join(value) if isinstance(value, list) else str(value) for name, value in limits.items()
    }
    assert told == asked | {"exchanges": "BSE,NSE", "max_gross_exposure": "1000000.5"}
    account = SettingsTable(paper.dynamodb, "SettingsTable", paper.clock).account("paper")
    assert account is not None
    assert account.limits.max_gross_exposure == Decimal("1000000.50")


STRATEGY = {
    "name": "demo",
    "accounts": ["paper"],
    "order_type": "MARKET",
    "product": "MIS",
    "max_quantity": 10,
}


def test_a_strategy_has_limits_of_its_own(paper: Stack, tmp_path: Path) -> None:
    (tmp_path / "demo.json").write_text(json.dumps(STRATEGY))
    token = paper.ok("strategy", "add", tmp_path / "demo.json").out.strip()
    count(paper, "meter#strategy#demo#2026-11-23")

    shown = paper.json("limits", "set", "--strategy", "demo", "--max-open-orders", "2")

    assert (shown["strategy"], shown["limits"]["max_open_orders"], shown["counted"]["open"]) == ("demo", 2, 3)
    settings = SettingsTable(paper.dynamodb, "SettingsTable", paper.clock)
    assert settings.strategy_of_token(token) is not None, "its tokens stay"
    assert paper.run("limits", "set", "--strategy", "demo", "--max-daily-loss", "5").code != 0


def test_a_strategy_that_is_named_goes_before_the_account_of_the_environment(
    paper: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROUTER_ACCOUNT", "paper")
    assert paper.json("limits", "show")["account"] == "paper"

    assert paper.run("limits", "show", "--strategy", "demo").line == "router: there is no strategy demo"


def test_what_does_not_fit_is_said_and_changes_nothing(paper: Stack) -> None:
    before = paper.json("limits", "show", "paper")

    for words in (["--max-quantity", "0"], ["--max-order-value", "much"], ["--products", "CNC,XYZ"], []):
        ran = paper.run("limits", "set", "paper", *words)
        assert ran.code == 2, ran
    assert paper.run("limits", "show").code == 2
    assert paper.run("limits", "show", "nobody").line == "router: there is no account nobody"
    assert paper.json("limits", "show", "paper") == before


def test_setting_limits_undoes_nothing_that_somebody_else_changed(paper: Stack) -> None:
    paper.ok("account", "disable", "paper")

    paper.ok("limits", "set", "paper", "--max-quantity", "5")
    paper.ok("account", "enable", "paper")

    account = SettingsTable(paper.dynamodb, "SettingsTable", paper.clock).account("paper")
    assert account is not None
    assert (account.is_enabled, account.limits.max_quantity) == (True, 5)


def test_a_loss_limit_that_does_not_hold_in_full_at_this_broker_is_warned_of(stack: Stack) -> None:
    stack.ok("account", "add", "mine", "--broker", "icici_breeze")

    warned = stack.ok("limits", "set", "mine", "--max-daily-loss", "20000").err
    quiet = stack.ok("limits", "set", "mine", "--max-daily-loss", "none").err

    assert "ICICI Breeze does not say what was realised" in warned
    assert "workers may take" in warned
    assert "ICICI" not in quiet
