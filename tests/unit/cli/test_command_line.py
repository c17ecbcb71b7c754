"""The command as a shell starts it: fast, complete, one line for whatever is wrong, nothing shown that is hidden."""

import ast
import getpass
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.cli.app import app
from infra.cli.files import read_private
from infra.cli.refusal import Misuse
from infra.cli.terminal import Terminal
from infra.cli.work import Choice, Work
from tests.architecture.template import REPOSITORY
from tests.unit.cli.screen import Answer, screen_of
from tests.unit.cli.trying import Stack

SCRIPT = REPOSITORY / "infra" / "cli" / "router"
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nowhere",
    "PYTHONPATH": f"{REPOSITORY}/layers/order_router:{REPOSITORY}",
}
# what the help and the completion of a command need not load
HEAVY = (
    "boto3",
    "botocore",
    "rich.table",
    "urllib.request",
    "order_router.aws",
    "order_router.service",
    "moto",
)


def python(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, *arguments]
    environment = ENVIRONMENT | more
    return subprocess.run(line, capture_output=True, text=True, check=False, env=environment, cwd="/")


def groups() -> list[str]:
    return [str(group.name) for group in app.registered_groups]


def test_the_command_starts_without_what_only_some_commands_need() -> None:
    code = f"""
import sys
import typer
from infra.cli.__main__ import app
typer.main.get_command(app)
print([name for name in {HEAVY!r} if name in sys.modules])
"""

    assert python("-c", code).stdout.strip() == "[]"


def test_every_command_takes_json() -> None:
    commands = [one for group in app.registered_groups for one in group.typer_instance.registered_commands]  # type: ignore[union-attr]
    commands += app.registered_commands

    assert len(commands) >= 30
    for one in commands:
        assert one.callback is not None
        assert "as_json" in one.callback.__annotations__


@pytest.mark.parametrize("group", groups())
def test_a_group_without_a_command_shows_its_help(stack: Stack, group: str) -> None:
    ran = stack.run(group)

    assert ran.code == 2
    assert "Usage: router" in ran.out
    assert ran.err == ""


@pytest.mark.parametrize(("words", "found"), [("router acc", "account"), ("router key cr", "create")])
def test_a_shell_completes_commands(words: str, found: str) -> None:
    ran = python(
        "-m",
        "infra.cli",
        _ROUTER_COMPLETE="complete_bash",
        COMP_WORDS=words,
        COMP_CWORD=str(words.count(" ")),
    )

    assert found in ran.stdout.split()


def test_a_shell_completes_nothing_where_no_stack_answers(tmp_path: Path) -> None:
    ran = python(
        "-m",
        "infra.cli",
        _ROUTER_COMPLETE="complete_bash",
        COMP_WORDS=f"router --home {tmp_path} account show ",
        COMP_CWORD="5",
    )

    assert (ran.stdout.strip(), ran.stderr) == ("", "")


def test_a_stack_that_was_never_started_is_told_of_in_one_line(tmp_path: Path) -> None:
    for arguments in (["account", "list"], ["order", "list"], ["credentials", "status"]):
        ran = python("-m", "infra.cli", "--home", str(tmp_path), *arguments)

        assert (ran.returncode, ran.stdout) == (1, "")
        assert ran.stderr.startswith("router: the local stack has not been started: make up")
        assert ran.stderr.count("\n") == 1


def test_a_stack_that_is_down_is_told_of_in_one_line(tmp_path: Path) -> None:
    facts = {
        "api_url": "http://127.0.0.1:9/api",
        "api_key": "k",
        "endpoint_url": "http://127.0.0.1:9",
        "region": "ap-south-1",
        "stack_name": "s",
        "outputs": {"SettingsTableName": "t", "GateTableName": "g"},
    }
    (tmp_path / "stack.json").write_text(json.dumps(facts))

    for arguments in (["account", "list"], ["order", "list"]):
        ran = python("-m", "infra.cli", "--home", str(tmp_path), *arguments, AWS_MAX_ATTEMPTS="1")

        assert (ran.returncode, ran.stdout) == (1, "")
        assert "make up" in ran.stderr
        assert ran.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, "no AWS region: give --region"),
        ({"AWS_DEFAULT_REGION": "ap-south-1", "AWS_EC2_METADATA_DISABLED": "true"}, "no AWS credentials"),
        ({"AWS_PROFILE": "absent"}, "there is no such AWS profile"),
    ],
)
def test_aws_without_a_region_a_key_or_a_profile_says_what_to_do(more: dict[str, str], words: str) -> None:
    ran = python("-m", "infra.cli", "--stack", "s", "account", "list", **more)

    assert (ran.returncode, ran.stdout) == (1, "")
    assert words in ran.stderr
    assert ran.stderr.count("\n") == 1


def test_an_error_of_nobodys_shows_neither_a_trace_nor_its_words(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> None:
        raise ArithmeticError("canary-of-a-defect")

    monkeypatch.setattr(type(stack.target), "settings", property(broken))

    ran = stack.run("account", "list")

    assert ran.code == 1
    assert ran.line == "router: this should not happen (ArithmeticError): ROUTER_TRACEBACK=1 shows where"


def test_the_stacks_own_key_goes_to_no_other_address(tmp_path: Path) -> None:
    (tmp_path / "stack.json").write_text(json.dumps({"api_url": "http://127.0.0.1:9", "api_key": "or_own"}))

    own = Work(Choice(home=tmp_path), environment={}).api
    with pytest.raises(Exception, match="no API key: set ROUTER_API_KEY"):
        _ = Work(Choice(home=tmp_path, api_url="https://api.example"), environment={}).api
    other = Work(
        Choice(home=tmp_path, api_url="https://api.example"), environment={"ROUTER_API_KEY": "or_x"}
    ).api

    given = Work(Choice(home=tmp_path), environment={"ROUTER_API_KEY": "or_x"}).api

    assert (own.url, own.key) == ("http://127.0.0.1:9", "or_own")
    assert (given.url, given.key) == ("http://127.0.0.1:9", "or_x")
    assert (other.url, other.key) == ("https://api.example", "or_x")


def test_a_key_comes_from_a_private_file_before_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.touch(mode=0o600)
    file.write_text("or_filed\n")
    choice = Choice(home=tmp_path, api_url="https://api.example", api_key_file=file)

    assert Work(choice, environment={"ROUTER_API_KEY": "or_x"}).api.key == "or_filed"
    file.chmod(0o644)
    with pytest.raises(Exception, match="can be read by others"):
        _ = Work(choice, environment={}).api


def test_a_pipe_may_be_read_and_a_binary_file_is_not_shown(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.write(writer, b"piped")
    os.close(writer)
    binary = tmp_path / "binary"
    binary.touch(mode=0o600)
    binary.write_bytes(b"\xff\xfecanary")

    assert read_private(Path(f"/dev/fd/{reader}")) == "piped"
    with pytest.raises(Misuse, match="is not text") as failed:
        read_private(binary)
    assert failed.value.__context__ is None
    os.close(reader)


def test_without_a_terminal_nobody_is_asked() -> None:
    ran = python("-c", "from infra.cli.terminal import Terminal; Terminal().require()")

    assert "there is no terminal to ask at: give --from-file FILE" in ran.stderr


def test_what_is_typed_at_a_hidden_prompt_is_not_on_the_screen() -> None:
    code = """
from infra.cli.terminal import Terminal
terminal = Terminal()
terminal.require()
hidden, shown = terminal.ask_hidden('code'), terminal.ask('user')
terminal.tell(f'{len(hidden)} {shown}')
"""
    answers = [Answer("code: ", "canary-of-the-screen"), Answer("user: ", "seen")]

    screen, code_of_exit = screen_of([sys.executable, "-c", code], answers, ENVIRONMENT)

    assert "canary" not in screen
    assert (screen.splitlines()[-1], code_of_exit) == ("20 seen", 0)


def test_the_terminal_asks_through_getpass(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, Any]] = []

    def ask(label: str, stream: Any) -> str:
        asked.append((label, stream))
        return " text \n"

    monkeypatch.setattr(getpass, "getpass", ask)

    assert Terminal().ask_hidden("label") == "text"
    assert asked == [("label: ", sys.stderr)]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["account", "show", "absent"], "ACCOUNT_UNKNOWN"),
        (["key", "create", "k", "--scope", "read", "--account", "absent"], "ACCOUNT_UNKNOWN"),
        (["strategy", "token", "absent"], "STRATEGY_UNKNOWN"),
        (["notify", "remove", "absent"], "CHANNEL_UNKNOWN"),
        (["account", "add", "mine", "--broker", "absent"], "UNKNOWN_BROKER"),
        (["account", "add", "mine", "--broker", "paper", "--algo-id", "7"], "ALGO_ID_NOT_TAKEN"),
    ],
)
def test_what_an_operator_got_wrong_has_a_code_of_its_own(
    capsys: pytest.CaptureFixture[str], arguments: list[str], code: str
) -> None:
    ran = Stack(capsys).run(*arguments, "--json")

    assert (ran.code, ran.json["error"]["code"]) == (1, code)


def test_no_refusal_of_the_command_goes_without_a_code() -> None:
    files = [*(REPOSITORY / "infra").glob("*.py"), *(REPOSITORY / "infra" / "cli").glob("*.py")]
    calls = [
        (file.name, node.lineno, {keyword.arg for keyword in node.keywords})
        for file in files
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "RouterError"
    ]

    assert [found for found in calls if "code" not in found[2]] == []
