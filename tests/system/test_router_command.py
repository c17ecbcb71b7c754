"""The command `router` on a running stack: from an account to an order's end, and the page that shows it."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.operate import Target
from tests.system.conftest import REPOSITORY, LocalStack
from tests.system.router_transcript import (
    CANARIES,
    PAGED,
    UNATTENDED,
    Ports,
    Transcript,
    record,
    simulators,
    written,
)
from tests.system.trader import Trader, unique

ROUTER = REPOSITORY / "infra" / "cli" / "router"
HISTORIES = (".bash_history", ".python_history", ".zsh_history")


class Router:
    """The command as a shell runs it, from a folder of its own."""

    def __init__(self, stack: LocalStack, folder: Path) -> None:
        self._stack = stack
        self.folder = folder

    def __call__(
        self, *arguments: str, text: str | None = None, **more: str
    ) -> subprocess.CompletedProcess[str]:
        line = [str(ROUTER), "--home", str(self._stack.home), *arguments]
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), **more}
        return subprocess.run(
            line, cwd=self.folder, input=text, capture_output=True, text=True, check=False, env=environment
        )

    def json(self, *arguments: str, **more: str) -> Any:
        """Run a command that must do what it is asked."""
        ran = self(*arguments, "--json", **more)
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout)


@pytest.fixture
def router(stack: LocalStack, tmp_path: Path) -> Router:
    """The command, away from the checkout."""
    return Router(stack, tmp_path)


def test_an_order_is_placed_changed_watched_and_cancelled(router: Router, trader: Trader) -> None:
    usual = {"ROUTER_ACCOUNT": trader.account}
    words = ("BUY", "5", trader.instrument, "--type", "LIMIT", "--limit-price", "90.05", "--product", "CNC")

    placed = router.json("order", "place", *words, "--idempotency-key", "k-1", **usual)
    again = router.json("order", "place", *words, "--idempotency-key", "k-1", **usual)
    changed = router.json("order", "modify", placed["client_order_id"], "--limit-price", "91.10")
    unfinished = router("order", "watch", placed["client_order_id"], "--timeout", "1", "--json")
    router.json("order", "cancel", placed["client_order_id"])
    watched = router.json("order", "watch", placed["client_order_id"])["orders"]

    assert again["client_order_id"] == placed["client_order_id"]
    assert (changed["state"], changed["limit_price"]) == ("open", "91.1")
    assert unfinished.returncode == 1
    assert json.loads(unfinished.stdout)["orders"][0]["state"] == "open"
    assert [order["state"] for order in watched] == ["cancelled"]
    assert [row["state"] for row in router.json("order", "list", **usual)["orders"]] == ["cancelled"]


def test_what_was_bought_shows_in_positions_and_funds(router: Router, trader: Trader) -> None:
    usual = {"ROUTER_ACCOUNT": trader.account}

    order = router.json(
        "order", "place", "BUY", "5", trader.instrument, "--type", "MARKET", "--product", "MIS", **usual
    )
    (held,) = router.json("positions", **usual)["accounts"]
    (money,) = router.json("funds", **usual)["accounts"]

    assert order["state"] == "filled"
    assert [row["instrument"] for row in held["positions"]] == [trader.instrument]
    assert money["account"] == trader.account


def test_a_key_made_by_the_command_opens_the_api_until_it_is_revoked(
    router: Router, trader: Trader, target: Target
) -> None:
    name = f"by-command-{unique()}"
    api_key = router.json("key", "create", name, "--scope", "read", "--account", trader.account)["api_key"]

    listed = router.json("order", "list", "--account", trader.account, ROUTER_API_KEY=api_key)
    other = router("order", "list", "--account", "paper", ROUTER_API_KEY=api_key)
    place = router("order", "cancel", "--all", "--account", trader.account, ROUTER_API_KEY=api_key)
    router.json("key", "revoke", name)

    assert listed["orders"] == []
    assert "ACCOUNT_FORBIDDEN" in other.stderr
    assert "SCOPE_MISSING" in place.stderr
    assert target.settings.caller(api_key) is None
    assert api_key not in other.stderr + place.stderr


def test_a_limit_that_is_set_stands_and_what_is_counted_is_shown(router: Router, trader: Trader) -> None:
    router.json("limits", "set", trader.account, "--max-order-value", "400", "--products", "CNC,MIS")

    refused = router(
        *("order", "place", "BUY", "5", trader.instrument, "--type", "LIMIT", "--limit-price", "90"),
        *("--product", "CNC", "--account", trader.account),
    )
    shown = router.json("limits", "show", trader.account)

    assert refused.returncode == 1
    assert "ORDER_VALUE_LIMIT" in refused.stderr
    assert (shown["limits"]["max_order_value"], shown["limits"]["products"]) == ("400", ["CNC", "MIS"])
    assert shown["counted"]["orders"] == 0


def test_a_new_token_opens_the_webhook_beside_the_old(router: Router, trader: Trader) -> None:
    sender = trader.strategy()

    token = router.json("strategy", "token", sender.strategy)["token"]
    replies = [
        sender.send(sender.message(token=one, position_size=str(index)))
        for index, one in enumerate((sender.token, token))
    ]

    assert [reply.status for reply in replies] == [202, 202]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["order", "show", "A" * 20], 1, "ORDER_NOT_FOUND"),
        (["order", "list", "--day", "soon"], 2, "day must be a date"),
        (["order", "place", "BUY", "x", "NSE:INFY", "--type", "MARKET", "--product", "CNC"], 2, "quantity"),
        (["credentials", "test", "absent"], 1, "there is no account 'absent'"),
        (["credentials", "set", "paper"], 1, "needs no credentials"),
        (["login", "paper"], 1, "needs no login"),
        (["no-such"], 2, "No such command 'no-such'"),
    ],
)
def test_wrong_input_gets_one_line_and_its_exit_code(
    router: Router, arguments: list[str], code: int, words: str
) -> None:
    ran = router(*arguments)

    assert (ran.returncode, ran.stdout) == (code, "")
    assert words in ran.stderr
    assert ran.stderr.count("\n") == 1


def test_credentials_by_pipe_are_stored_and_shown_nowhere(
    router: Router, stack: LocalStack, target: Target
) -> None:
    name = f"z-{unique()}"
    canary = f"canary-{unique()}"
    router.json("account", "add", name, "--broker", "zerodha")
    fields = json.dumps({"api_key": f"key-{unique()}", "api_secret": canary})

    ran = [
        router("credentials", "set", name, "--from-file", "-", "--json", text=fields),
        router("credentials", "status"),
        router("credentials", "status", "--json"),
        router("credentials", "test", name),
        router("session", "list", "--json"),
    ]

    stored = target.secretsmanager.get_secret_value(
        SecretId=f"{target.stack_name}/accounts/{name}/credentials"
    )
    assert json.loads(stored["SecretString"])["api_secret"] == canary
    assert [one.returncode for one in ran] == [0, 0, 0, 1, 0]
    assert not any(canary in one.stdout + one.stderr for one in ran)
    assert canary not in (stack.home / "ministack.log").read_text(errors="replace")
    assert not any((router.folder / history).exists() for history in HISTORIES)


@pytest.fixture(scope="module")
def transcript(stack: LocalStack, kite_port: int, kotak_port: int) -> Iterator[Transcript]:
    """The commands of the page, run on this stack."""
    ports = Ports(kite=kite_port, kotak=kotak_port)
    with simulators(ports):
        yield record(stack, ports)


def test_the_transcript_on_the_page_is_what_the_commands_print(
    transcript: Transcript, router: Router
) -> None:
    ours = {PAGED, UNATTENDED, "paper"}
    others = {one["name"] for one in router.json("account", "list")["accounts"]} - ours

    def lines(text: str) -> list[list[str]]:
        """The words of each line: columns are as wide as the accounts of the stack want them."""
        rows = [line.split() for line in text.splitlines()]
        return [row for row in rows if not row or row[0] not in others]

    assert lines(transcript.text) == lines(written())


def test_nothing_that_was_typed_at_a_hidden_prompt_was_shown_or_logged(
    transcript: Transcript, stack: LocalStack
) -> None:
    log = (stack.home / "ministack.log").read_text(errors="replace")

    assert [canary for canary in CANARIES if canary in transcript.screen] == []
    assert [canary for canary in CANARIES if canary in log] == []
