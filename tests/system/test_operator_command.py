"""The operator's command on a running stack: what a trader sets up, works."""

import json
import subprocess
import sys
from pathlib import Path

from tests.system.conftest import REPOSITORY, LocalStack


def command(stack: LocalStack, *arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "infra.cli", "--home", str(stack.home), *arguments]
    return subprocess.run(line, cwd=REPOSITORY, input=text, capture_output=True, text=True, check=False)


def printed(stack: LocalStack, *arguments: str, text: str | None = None) -> str:
    finished = command(stack, *arguments, text=text)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.strip()


def test_an_account_a_strategy_and_a_key_are_made_by_three_commands(stack: LocalStack) -> None:
    printed(stack, "account", "add", "practice", "--broker", "paper")
    token = printed(stack, "strategy", "add", str(REPOSITORY / "infra/cli/strategy.json"))
    key = printed(stack, "key", "add", "trading", "--scope", "trade", "--account", "practice")

    accounts = {
        one["name"]: one for one in json.loads(printed(stack, "account", "list", "--json"))["accounts"]
    }
    assert (accounts["practice"]["broker"], accounts["practice"]["is_enabled"]) == ("paper", True)
    assert len(token) >= 32
    assert key.startswith("or_")


def test_a_session_is_stored_from_a_file_and_never_shown(stack: LocalStack, tmp_path: Path) -> None:
    session = tmp_path / "session.json"
    session.write_text(json.dumps({"api_key": "kitesimulator", "access_token": "canary-of-the-command"}))
    session.chmod(0o600)
    printed(stack, "account", "add", "kite-by-command", "--broker", "zerodha")

    output = printed(stack, "session", "set", "kite-by-command", "--from-file", str(session))

    assert output == "the session of kite-by-command is stored"


def test_wrong_input_gets_a_line_that_says_what_to_do(stack: LocalStack) -> None:
    cases = {
        ("account", "add", "mine", "--broker", "nobody"): "no broker is called 'nobody'",
        ("account", "add", "No Such", "--broker", "paper"): "name:",
        ("session", "set", "absent"): "there is no account 'absent': add it first",
    }

    for arguments, words in cases.items():
        finished = command(stack, *arguments)
        assert finished.returncode != 0
        assert words in finished.stderr
        assert "Traceback" not in finished.stderr


def test_a_strategy_for_an_unknown_account_is_refused(stack: LocalStack) -> None:
    document = {
        "name": "s",
        "accounts": ["absent"],
        "order_type": "MARKET",
        "product": "MIS",
        "max_quantity": 1,
    }

    finished = command(stack, "strategy", "add", "-", text=json.dumps(document))

    assert finished.returncode != 0
    assert "there is no account 'absent'" in finished.stderr
