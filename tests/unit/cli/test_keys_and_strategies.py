"""`router key` and `router strategy`: shown once, kept as hashes, replaced only when that is said."""

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import pytest

from infra.cli.options import ScopeWord
from order_router.domain.account import Scope
from tests.fakes.dynamodb import FakeDynamoDB
from tests.unit.cli.trying import Stack

STRATEGY: dict[str, Any] = {
    "name": "swing",
    "accounts": ["mine"],
    "order_type": "MARKET",
    "product": "MIS",
    "max_quantity": 100,
    "instruments": ["NSE:INFY"],
}


@pytest.fixture
def document(tmp_path: Path, stack: Stack) -> Path:
    """A strategy's file, and the account that it trades."""
    stack.ok("account", "add", "mine", "--broker", "paper")
    path = tmp_path / "strategy.json"
    path.write_text(json.dumps(STRATEGY))
    return path


def strategy_of(stack: Stack, token: str) -> str | None:
    found = stack.target.settings.strategy_of_token(token)
    return None if found is None else found.name


def test_a_key_is_printed_alone_once_and_listed_by_its_name(stack: Stack) -> None:
    stack.ok("account", "add", "mine", "--broker", "paper")

    created = stack.ok("key", "create", "trading", "--scope", "trade", "--account", "mine")

    api_key = created.out.strip()
    assert api_key.startswith("or_")
    assert created.err.strip() == "this key is kept nowhere: copy it now"
    listed = stack.ok("key", "list", "--json")
    assert listed.json["keys"] == [{"key_id": "trading", "scopes": ["trade"], "accounts": ["mine"]}]
    assert api_key not in listed.out + json.dumps(stack.dynamodb.items("SettingsTable"))
    caller = stack.target.settings.caller(api_key)
    assert caller is not None
    assert caller.key_id == "trading"


def test_a_revoked_key_opens_nothing_and_the_others_still_do(stack: Stack) -> None:
    revoked = stack.json("key", "create", "old", "--scope", "read")["api_key"]
    kept = stack.json("key", "create", "new", "--scope", "admin", "--scope", "read")["api_key"]

    said = stack.ok("key", "revoke", "old").out

    assert said.strip() == "key old is revoked (the gateway may take 60 s to forget it)"
    assert stack.target.settings.caller(revoked) is None
    assert stack.target.settings.caller(kept) is not None
    assert [one["key_id"] for one in stack.json("key", "list")["keys"]] == ["new"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["key", "create", "there", "--scope", "read"], 1, "there is a key there: take another name"),
        (
            ["key", "create", "k", "--scope", "trade", "--account", "absent"],
            1,
            "there is no account 'absent'",
        ),
        (["key", "create", "k", "--scope", "all"], 2, "--scope"),
        (["key", "create", "k"], 2, "Missing option '--scope'"),
        (["key", "create", "a b", "--scope", "read"], 2, "KEY_ID: expected letters"),
        (["key", "revoke", "absent"], 1, "there is no key 'absent'"),
    ],
)
def test_a_key_that_cannot_be_made_or_revoked_gets_one_line(
    stack: Stack, arguments: list[str], code: int, words: str
) -> None:
    stack.ok("key", "create", "there", "--scope", "read")

    ran = stack.run(*arguments)

    assert (ran.code, ran.out) == (code, "")
    assert words in ran.line
    assert len(stack.json("key", "list")["keys"]) == 1


def test_the_words_of_scope_are_the_routers_own() -> None:
    assert {word.value for word in ScopeWord} == {scope.value for scope in Scope}


def test_a_new_strategy_prints_its_token_alone(stack: Stack, document: Path) -> None:
    added = stack.ok("strategy", "add", document)

    assert strategy_of(stack, added.out.strip()) == "swing"
    assert added.err.strip() == "this token is kept nowhere: copy it now"


def test_a_strategy_added_again_is_changed_and_keeps_its_token_and_switch(
    stack: Stack, document: Path
) -> None:
    token = stack.json("strategy", "add", document)["token"]
    stack.ok("strategy", "disable", "swing")
    document.write_text(json.dumps(STRATEGY | {"max_quantity": 7}))

    again = stack.ok("strategy", "add", document)

    assert again.out == ""
    assert "its token stays" in again.err
    assert strategy_of(stack, token) == "swing"
    shown = stack.json("strategy", "show", "swing")
    assert (shown["max_quantity"], shown["is_enabled"], shown["tokens"]) == (7, False, 1)
    assert shown["instruments"] == ["NSE:INFY"]


def test_a_strategy_added_again_keeps_the_limits_that_its_file_does_not_name(
    stack: Stack, document: Path
) -> None:
    stack.ok("strategy", "add", document)
    stack.ok("limits", "set", "--strategy", "swing", "--max-open-orders", "2")
    document.write_text(json.dumps(STRATEGY | {"max_quantity": 7}))

    again = stack.ok("strategy", "add", document)

    assert "its limits stay" in again.err
    shown = stack.json("strategy", "show", "swing")
    assert (shown["max_quantity"], shown["limits"]["max_open_orders"]) == (7, 2)


def test_a_strategy_added_again_with_limits_in_its_file_has_those(stack: Stack, document: Path) -> None:
    stack.ok("strategy", "add", document)
    stack.ok("limits", "set", "--strategy", "swing", "--max-open-orders", "2")
    document.write_text(json.dumps(STRATEGY | {"limits": {"max_orders_per_day": 5}}))

    again = stack.ok("strategy", "add", document)

    assert "its limits stay" not in again.err
    limits = stack.json("strategy", "show", "swing")["limits"]
    assert (limits["max_open_orders"], limits["max_orders_per_day"]) == (None, 5)


def test_a_new_token_works_beside_the_old_until_that_is_revoked(stack: Stack, document: Path) -> None:
    old = stack.json("strategy", "add", document)["token"]

    new = stack.ok("strategy", "token", "swing")
    both = [strategy_of(stack, token) for token in (old, new.out.strip())]
    revoked = stack.json("strategy", "token", "swing", "--revoke-old")

    assert "1 older work beside it" in new.err
    assert both == ["swing", "swing"]
    assert revoked["ended"] == 1
    assert [strategy_of(stack, token) for token in (old, new.out.strip())] == [None, "swing"]


@dataclass
class Lagging:
    """A table service whose plain reads do not see the last writes yet, as DynamoDB's may not."""

    now: FakeDynamoDB
    before: FakeDynamoDB

    def get_item(self, **request: Any) -> Any:
        seen = self.now if request.get("ConsistentRead") else self.before
        return seen.get_item(**request)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.now, name)


@pytest.fixture
def lagging(capsys: pytest.CaptureFixture[str]) -> Stack:
    """A stack of which plain reads see nothing that these commands write."""
    stack = Stack(capsys)
    return replace(stack, dynamodb=cast("FakeDynamoDB", Lagging(stack.dynamodb, deepcopy(stack.dynamodb))))


def test_a_read_that_lags_loses_no_token_and_undoes_no_limits(lagging: Stack, document: Path) -> None:
    lagging.ok("account", "add", "mine", "--broker", "paper")
    first = lagging.json("strategy", "add", document)["token"]
    lagging.ok("limits", "set", "--strategy", "swing", "--max-open-orders", "2")

    second = lagging.json("strategy", "token", "swing")["token"]
    document.write_text(json.dumps(STRATEGY | {"max_quantity": 7}))
    lagging.ok("strategy", "add", document)

    shown = lagging.json("strategy", "show", "swing")
    assert (shown["max_quantity"], shown["tokens"], shown["limits"]["max_open_orders"]) == (7, 2, 2)
    assert first != second


@dataclass
class Between:
    """A table service that does something right before the next write of a token."""

    tables: FakeDynamoDB
    first: list[Callable[[], object]]

    def put_item(self, **request: Any) -> Any:
        if self.first and request["Item"]["kind"] == {"S": "TOKEN"}:
            self.first.pop()()
        return self.tables.put_item(**request)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.tables, name)


@pytest.mark.parametrize("how", [(), ("--replace",)])
def test_limits_that_are_set_while_a_token_is_made_stay(
    stack: Stack, document: Path, how: tuple[str, ...]
) -> None:
    stack.ok("strategy", "add", document)
    meanwhile = [lambda: stack.ok("limits", "set", "--strategy", "swing", "--max-open-orders", "2")]
    meddled = replace(stack, dynamodb=cast("FakeDynamoDB", Between(stack.dynamodb, [*meanwhile])))

    token = meddled.json("strategy", "token", "swing", *how)["token"]

    shown = stack.json("strategy", "show", "swing")
    assert (shown["limits"]["max_open_orders"], shown["tokens"]) == (2, 1 if how else 2)
    assert strategy_of(stack, token) == "swing"


def test_an_account_just_added_is_changed_and_not_begun_anew(lagging: Stack) -> None:
    lagging.ok("account", "add", "mine", "--broker", "paper")
    lagging.ok("account", "disable", "mine")

    again = lagging.ok("account", "add", "mine", "--broker", "paper", "--max-orders-per-day", "7")

    assert "was there already" in again.out
    shown = lagging.json("account", "show", "mine")
    assert (shown["is_enabled"], shown["limits"]["max_orders_per_day"]) == (False, 7)


def test_a_leaked_token_is_replaced_at_once(stack: Stack, document: Path) -> None:
    old = stack.json("strategy", "add", document)["token"]

    new = stack.json("strategy", "token", "swing", "--replace")["token"]

    assert [strategy_of(stack, token) for token in (old, new)] == [None, "swing"]


def test_no_token_or_digest_is_shown_again(stack: Stack, document: Path) -> None:
    token = stack.json("strategy", "add", document)["token"]
    (digest,) = stack.target.settings.strategies()[0].token_digests

    told = stack.ok("strategy", "list").out + stack.ok("strategy", "list", "--json").out
    told += stack.ok("strategy", "show", "swing").out + stack.ok("strategy", "disable", "swing", "--json").out

    assert token not in told
    assert digest not in told


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"accounts": ["absent"]}, 1, "there is no account 'absent'"),
        ({"token_digests": ["d"]}, 2, "token_digests: leave it out"),
        ({"product": "SOON"}, 2, "product: "),
        ({"nonsense": 1}, 2, "nonsense: "),
    ],
)
def test_a_strategy_that_cannot_be_is_refused_in_one_line(
    stack: Stack, document: Path, changes: dict[str, Any], code: int, words: str
) -> None:
    document.write_text(json.dumps(STRATEGY | changes))

    ran = stack.run("strategy", "add", document)

    assert (ran.code, ran.out) == (code, "")
    assert words in ran.line
    assert stack.json("strategy", "list") == {"strategies": []}


def test_a_strategy_that_is_there_is_not_changed_to_trade_an_unknown_account(
    stack: Stack, document: Path
) -> None:
    stack.ok("strategy", "add", document)
    document.write_text(json.dumps(STRATEGY | {"accounts": ["absent"]}))

    ran = stack.run("strategy", "add", document)

    assert ran.code == 1
    assert stack.json("strategy", "show", "swing")["accounts"] == ["mine"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["strategy", "add", "nowhere.json"], 2, "cannot read nowhere.json"),
        (["strategy", "token", "absent"], 1, "there is no strategy 'absent'"),
        (["strategy", "token", "absent", "--replace", "--revoke-old"], 2, "not both"),
        (["strategy", "show", "absent"], 1, "there is no strategy 'absent'"),
    ],
)
def test_wrong_input_about_a_strategy_gets_one_line(
    stack: Stack, arguments: list[str], code: int, words: str
) -> None:
    ran = stack.run(*arguments)

    assert (ran.code, ran.out) == (code, "")
    assert words in ran.line
