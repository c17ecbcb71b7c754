"""`router credentials set` and `status`: held against the profile, stored whole or not at all, never shown."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.invented import CANARIES, CODE, KEY, USER, InventedStack
from tests.unit.cli.trying import Ran


@pytest.fixture
def stack(invented: InventedStack) -> InventedStack:
    """A stack with account `live` (logs in by itself), `page` (on a page) and `paper`."""
    return invented


def private(path: Path, content: str) -> Path:
    path.touch(mode=0o600)
    path.write_text(content)
    return path


def require_silent(*runs: Ran) -> None:
    """No run may have shown any of a canary, whole or in part."""
    for ran in runs:
        assert not any(canary in ran.out + ran.err for canary in CANARIES), ran


def test_just_the_brokers_fields_are_asked_for_and_secrets_without_echo(stack: InventedStack) -> None:
    stack.typist.lines = [USER, CODE]

    ran = stack.ok("credentials", "set", "live")

    assert stack.typist.asked == ["User id (user)"]
    assert stack.typist.hidden == ["TOTP secret (code)"]
    assert json.loads(stack.stored("live")) == {"user": USER, "code": CODE}
    assert ran.out.strip() == "stored for live at Invented: user, code"
    assert ran.err.strip() == "next: router credentials test live"
    require_silent(ran)


def test_what_does_not_fit_is_asked_for_again_and_not_repeated(stack: InventedStack) -> None:
    stack.typist.lines = [USER, "CANARY OF A TYPO", CODE]

    ran = stack.ok("credentials", "set", "live")

    assert stack.typist.told == ["code: expected 4 to 40 of a-z"]
    assert "CANARY OF A TYPO" not in ran.out + ran.err
    assert json.loads(stack.stored("live"))["code"] == CODE


def test_after_three_wrong_answers_nothing_is_stored(stack: InventedStack) -> None:
    stack.typist.lines = [USER, "A", "B", "C"]

    ran = stack.run("credentials", "set", "live")

    assert (ran.code, ran.line) == (1, "router: code: not as expected 3 times; nothing was stored")
    assert stack.json("credentials", "status")["accounts"][0]["credentials"]["user"] == "missing"


def test_a_prompt_that_is_left_stores_nothing(stack: InventedStack) -> None:
    stack.typist.lines = [USER]

    ran = stack.run("credentials", "set", "live")

    assert (ran.code, ran.err.strip()) == (1, "router: stopped: nothing was changed")
    assert stack.json("credentials", "status")["accounts"][0]["changed_at"] is None


def test_enter_keeps_what_is_stored(stack: InventedStack) -> None:
    stack.typist.lines = [USER, CODE, "", "another-code"]
    stack.ok("credentials", "set", "live")

    again = stack.ok("credentials", "set", "live")

    assert stack.typist.hidden[-1] == "TOTP secret (code), Enter keeps it"
    assert again.out.strip() == "stored for live at Invented: code"
    assert json.loads(stack.stored("live")) == {"user": USER, "code": "another-code"}


def test_a_field_of_many_lines_comes_from_a_file(stack: InventedStack, tmp_path: Path) -> None:
    key = private(tmp_path / "key.pem", KEY + "\n")
    stack.typist.lines = [USER, CODE, str(key)]

    ran = stack.ok("credentials", "set", "page")

    assert stack.typist.asked[-1] == "file with the Private key (key)"
    assert json.loads(stack.stored("page"))["key"] == KEY
    require_silent(ran)


def test_fields_come_from_files_without_a_question(stack: InventedStack, tmp_path: Path) -> None:
    fields = private(tmp_path / "fields.json", json.dumps({"user": USER, "code": CODE}))
    key = private(tmp_path / "key.pem", KEY)

    ran = stack.ok(
        "credentials", "set", "page", "--from-file", fields, "--field-file", f"key={key}", "--json"
    )

    assert ran.json == {
        "account": "page",
        "broker": "paged",
        "stored": ["code", "key", "user"],
        "fields": ["user", "code", "key"],
    }
    assert json.loads(stack.stored("page")) == {"user": USER, "code": CODE, "key": KEY}
    require_silent(ran)


def test_a_file_of_some_fields_leaves_the_others_as_they_are(stack: InventedStack, tmp_path: Path) -> None:
    stack.typist.lines = [USER, CODE]
    stack.ok("credentials", "set", "live")
    some = private(tmp_path / "some.json", json.dumps({"code": "another-code"}))

    stack.ok("credentials", "set", "live", "--from-file", some)

    assert json.loads(stack.stored("live")) == {"user": USER, "code": "another-code"}


SECRET = "CANARY-9313"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (f'{{"user": "{USER}", "code": "{SECRET}!"}}', "code: expected 4 to 40 of a-z"),
        (f'{{"user": "{USER}", "code": ["{SECRET}"]}}', "code: expected 4 to 40 of a-z"),
        (f'{{"user": "{USER}"}}', "Invented also needs code"),
        (
            f'{{"user": "{USER}", "{SECRET}": "x"}}',
            "1 field that Invented does not know; it takes user, code",
        ),
        (f'{{"user": "{SECRET}', "expected a JSON object of texts"),
        (f'["{SECRET}"]', "expected a JSON object of texts"),
        (f'{{"user": "{SECRET}"}} {{}}', "expected a JSON object of texts"),
        ("[" * 20_000, "expected a JSON object of texts"),
    ],
    ids=["pattern", "list", "missing", "unknown", "cut", "array", "two", "deep"],
)
def test_a_file_of_the_wrong_shape_is_refused_and_nothing_of_it_shown(
    stack: InventedStack, tmp_path: Path, content: str, words: str
) -> None:
    path = private(tmp_path / "fields.json", content)

    ran = stack.run("credentials", "set", "live", "--from-file", path, "--json")

    assert ran.code == 2
    assert words in ran.line
    assert SECRET not in ran.out + ran.err
    assert stack.json("credentials", "status")["accounts"][0]["changed_at"] is None


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_file_that_others_may_read_is_refused(stack: InventedStack, tmp_path: Path, mode: int) -> None:
    path = private(tmp_path / "fields.json", json.dumps({"user": USER, "code": CODE}))
    path.chmod(mode)

    ran = stack.run("credentials", "set", "live", "--from-file", path)

    assert ran.code == 1
    assert ran.line == (
        f"router: {path} can be read by others: chmod 600 {path}, and consider what it holds as seen"
    )


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["paper"], 1, "account paper is at Paper, which needs no credentials"),
        (["absent"], 1, "there is no account 'absent'"),
        (["live", "--from-file", "nowhere"], 2, "cannot read nowhere: No such file"),
        (["live", "--field-file", "code"], 2, "--field-file: expected FIELD=FILE"),
        (["live", CODE], 2, "too many arguments (see router credentials set --help)"),
    ],
)
def test_wrong_input_gets_one_line_and_shows_no_secret(
    stack: InventedStack, arguments: list[str], code: int, words: str
) -> None:
    ran = stack.run("credentials", "set", *arguments)

    assert (ran.code, ran.out) == (code, "")
    assert words in ran.line
    require_silent(ran)


def test_status_tells_of_every_account_and_of_no_value(stack: InventedStack) -> None:
    stack.typist.lines = [USER, CODE]
    stack.ok("credentials", "set", "live")

    shown, asked = stack.ok("credentials", "status"), stack.ok("credentials", "status", "--json")

    live, page, paper = asked.json["accounts"]
    assert live["credentials"] == {"user": "set", "code": "set"}
    assert live["changed_at"] is not None
    assert page["credentials"] == {"user": "missing", "code": "missing", "key": "missing"}
    assert page["changed_at"] is None
    assert (paper["credentials"], paper["session"]["state"]) == ({}, None)
    require_silent(shown, asked)
    assert str(len(CODE)) not in shown.out.split("changed")[0]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"user": "canary-user-7741"}', {"user": "set", "code": "missing"}),
        ('{"user": "canary-user-7741", "code": "C A N A R Y"}', {"user": "set", "code": "malformed"}),
        ('{"user": "canary-user-7741"', {"user": "damaged", "code": "damaged"}),
        ('["canary-user-7741"]', {"user": "damaged", "code": "damaged"}),
    ],
)
def test_status_tells_what_was_stored_by_another_hand(
    stack: InventedStack, text: str, found: dict[str, Any]
) -> None:
    client: Any = stack.secrets
    client.create_secret(Name=f"{stack.prefix}/live/credentials", SecretString=text)

    ran = stack.ok("credentials", "status", "--json")

    assert ran.json["accounts"][0]["credentials"] == found
    require_silent(ran)


def test_what_is_damaged_is_replaced(stack: InventedStack) -> None:
    client: Any = stack.secrets
    client.create_secret(Name=f"{stack.prefix}/live/credentials", SecretString='{"user": ')
    stack.typist.lines = [USER, CODE]

    stack.ok("credentials", "set", "live")

    assert json.loads(stack.stored("live")) == {"user": USER, "code": CODE}


def test_no_credential_is_in_a_repr_of_what_a_command_works_with(stack: InventedStack) -> None:
    stack.environment["ROUTER_API_KEY"] = "canary-code-7741"
    stack.typist.lines = [USER, CODE]
    stack.ok("credentials", "set", "live")

    assert not any(canary in repr(stack.work()) + repr(stack.work().api) for canary in CANARIES)
