"""`router credentials test`, `login` and `session`: what is wrong in words, and what to do about it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.unit.cli.invented import CANARIES, CODE, KEY, USER, InventedStack
from tests.unit.cli.trying import API_URL, Ran

FUNDS = {"segment": "all", "available": "992499.75", "used": "0", "cash": None, "collateral": None}
EXPIRED = {"code": "BROKER_SESSION_EXPIRED", "detail": "the broker does not know this token"}


@pytest.fixture
def stack(invented: InventedStack) -> InventedStack:
    """A stack with account `live` (logs in by itself), `page` (on a page) and `paper`; credentials of both stored."""
    # Secrets Manager stamps what is stored with the real time
    invented.clock.advance((datetime.now(UTC) - invented.clock.now()).total_seconds() + 60)
    store(invented, "live", {"user": USER, "code": CODE})
    store(invented, "page", {"user": USER, "code": CODE, "key": KEY})
    return invented


def store(stack: InventedStack, account: str, texts: dict[str, str], kind: str = "credentials") -> None:
    client: Any = stack.secrets
    name = f"{stack.prefix}/{account}/{kind}"
    client.create_secret(Name=name, SecretString=json.dumps(texts))


def funds(stack: InventedStack, account: str, **entry: Any) -> None:
    """Have the API answer the next question for the account's money."""
    stack.answers.will({"accounts": [{"account": account, **(entry or {"funds": [FUNDS]})}]})


def require_silent(*runs: Ran) -> None:
    for ran in runs:
        assert not any(canary in ran.out + ran.err for canary in CANARIES), ran


def steps(ran: Ran) -> dict[str, dict[str, Any]]:
    return {step["step"]: step for step in ran.json["steps"]}


def test_a_good_account_is_logged_in_and_its_money_read(stack: InventedStack) -> None:
    funds(stack, "live")

    ran = stack.ok("credentials", "test", "live")

    assert [line.split()[:2] for line in ran.out.splitlines()] == [
        ["ok", "credentials"],
        ["ok", "session"],
        ["ok", "funds"],
    ]
    assert "logged in until " in ran.out
    assert "all 992,499.75 available" in ran.out
    assert stack.server.logins == 1
    require_silent(ran)


def test_a_session_begun_with_what_is_stored_is_not_replaced(stack: InventedStack) -> None:
    funds(stack, "live")
    funds(stack, "live")
    stack.ok("credentials", "test", "live")

    again = stack.ok("credentials", "test", "live")

    assert "the stored one is good until " in again.out
    assert stack.server.logins == 1


def test_changed_credentials_are_tried_by_a_login_of_their_own(stack: InventedStack, tmp_path: Path) -> None:
    stack.clock.advance(-3600)
    funds(stack, "live")
    stack.ok("credentials", "test", "live")
    path = tmp_path / "fields.json"
    path.touch(mode=0o600)
    path.write_text(json.dumps({"code": "another-code"}))
    stack.ok("credentials", "set", "live", "--from-file", path)
    stack.clock.advance(3660)
    funds(stack, "live")

    ran = stack.ok("credentials", "test", "live")

    assert "logged in until " in ran.out
    assert stack.server.logins == 2


@pytest.mark.parametrize(
    ("word", "code", "advice"),
    [
        (
            "user",
            "CREDENTIALS_REFUSED",
            "compare it with the broker's own page, then router credentials set live",
        ),
        ("code", "TOTP_REFUSED", "the stored TOTP secret is wrong or a clock is off"),
        ("busy", "LOGIN_UNCLEAR", "try again in a minute"),
    ],
)
def test_a_refused_login_says_what_to_do_and_no_secret(
    stack: InventedStack, word: str, code: str, advice: str
) -> None:
    stack.server.refuses = [word, word]

    told, asked = stack.run("credentials", "test", "live"), stack.run("credentials", "test", "live", "--json")

    assert (told.code, asked.code) == (1, 1)
    assert advice in told.out
    assert steps(asked)["session"]["code"] == code
    assert advice in steps(asked)["session"]["advice"]
    assert "funds" not in steps(asked)
    require_silent(told, asked)


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (None, "none are stored"),
        ({"user": USER}, "code missing"),
        ({"user": USER, "code": "C A N A R Y"}, "code: expected 4 to 40 of a-z"),
    ],
)
def test_what_is_not_stored_as_it_must_be_is_found_before_any_login(
    stack: InventedStack, texts: dict[str, str] | None, words: str
) -> None:
    stack.ok("account", "add", "other", "--broker", "invented")
    if texts is not None:
        store(stack, "other", texts)

    ran = stack.run("credentials", "test", "other", "--json")

    assert ran.code == 1
    assert steps(ran) == {
        "credentials": {
            "step": "credentials",
            "ok": False,
            "message": words,
            "code": "CREDENTIALS_MISSING",
            "advice": "store them: router credentials set other",
        }
    }
    assert (stack.server.logins, stack.answers.asked) == (0, [])


def test_an_account_with_a_page_is_sent_to_it_and_not_logged_in(stack: InventedStack) -> None:
    ran = stack.run("credentials", "test", "page")

    assert ran.code == 1
    assert "there is none yet" in ran.out
    assert "what to do   log in: router login page" in ran.out
    assert stack.server.logins == 0


def test_a_stored_session_of_a_page_is_used(stack: InventedStack) -> None:
    store(stack, "page", {"token": "canary-token-1"}, "session")
    funds(stack, "page")

    ran = stack.ok("credentials", "test", "page")

    assert "the stored one is good" in ran.out
    require_silent(ran)


def test_a_session_that_has_ended_is_told_with_its_end(stack: InventedStack) -> None:
    ended = stack.clock.now() - timedelta(hours=1)
    store(stack, "page", {"token": "t", "expires_at": ended.isoformat()}, "session")

    ran = stack.run("credentials", "test", "page")

    assert ran.code == 1
    assert "there is none that is good: it ended " in ran.out


def test_a_worker_with_the_old_session_is_asked_once_more(stack: InventedStack) -> None:
    funds(stack, "live", error=EXPIRED)
    funds(stack, "live")

    assert stack.ok("credentials", "test", "live", "--json").json["ok"] is True


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (EXPIRED, "log in: router login live"),
        ({"code": "BROKER_UNREACHABLE", "detail": "no answer"}, "the broker does not answer"),
        ({"code": "ORDER_REJECTED", "detail": "IP not registered"}, ""),
    ],
)
def test_funds_that_cannot_be_read_keep_the_brokers_words(
    stack: InventedStack, error: dict[str, str], advice: str
) -> None:
    funds(stack, "live", error=error)
    funds(stack, "live", error=error)

    ran = stack.run("credentials", "test", "live", "--json")

    assert ran.code == 1
    found = steps(ran)["funds"]
    assert (found["code"], found["message"]) == (error["code"], error["detail"])
    assert advice in found["advice"]


def test_a_key_that_may_not_read_is_named(stack: InventedStack) -> None:
    stack.answers.will({"code": "API_KEY_UNKNOWN", "detail": "send a valid API key"}, 401)

    ran = stack.run("credentials", "test", "paper")

    assert ran.code == 1
    assert "router key create makes one" in ran.out


def test_a_broker_without_a_login_is_asked_for_its_money(stack: InventedStack) -> None:
    funds(stack, "paper")

    assert "Paper needs none" in stack.ok("credentials", "test", "paper").out


def test_an_unattended_login_is_made_once_unless_it_is_forced(stack: InventedStack) -> None:
    first, again = stack.ok("login", "live"), stack.ok("login", "live")
    logins = stack.server.logins
    stack.clock.advance(60)

    forced = stack.ok("login", "live", "--force", "--json")

    assert first.out.startswith("live is logged in at invented until ")
    assert again.out == first.out
    assert (logins, stack.server.logins) == (1, 2)
    assert forced.json["state"] == "valid"
    require_silent(first, again, forced)


def test_a_login_that_fails_says_what_to_do_in_one_line(stack: InventedStack) -> None:
    stack.server.refuses = ["code"]

    ran = stack.run("login", "live")

    assert ran.code == 1
    assert "the stored TOTP secret is wrong" in ran.line
    require_silent(ran)


def test_a_login_on_a_page_is_a_link_that_leads_through_the_stack(stack: InventedStack) -> None:
    ran = stack.ok("login", "page", "--json")

    link = urlsplit(ran.json["link"])
    assert ran.json["link"].startswith(f"{API_URL}/v1/sessions/page/login?token=")
    assert len(parse_qs(link.query)["token"][0]) >= 32
    require_silent(ran)


def test_no_link_is_given_while_nothing_is_stored_to_log_in_with(stack: InventedStack) -> None:
    stack.ok("account", "add", "other", "--broker", "paged")

    ran = stack.run("login", "other")

    assert (ran.code, ran.out) == (1, "")
    assert "router credentials set other" in ran.line


def paste(stack: InventedStack, query: str) -> Ran:
    """Log `page` in by pasting what the browser shows; {token} is the link's own."""

    class Browser:
        """Reads the link that it is told, and pastes where the broker's page led."""

        link = ""

        def require(self) -> None:
            pass

        def tell(self, line: str) -> None:
            self.link = line.rpartition(" ")[2]

        def ask_hidden(self, _: str) -> str:
            token = parse_qs(urlsplit(self.link).query)["token"][0]
            return f"http://127.0.0.1/?{query.format(token=token)}"

    stack.typist = Browser()  # type: ignore[assignment]  # it is asked and told alike
    return stack.run("login", "page", "--paste")


@pytest.mark.parametrize(
    "query", ["request_token=canary-token-r&state={token}", "request_token=canary-token-r"]
)
def test_a_pasted_address_logs_in_without_a_callback(stack: InventedStack, query: str) -> None:
    ran = paste(stack, query)

    assert (ran.code, stack.server.logins) == (0, 1)
    assert json.loads(stack.stored("page", "session"))["token"] == "canary-token-1"
    require_silent(ran)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("request_token=canary-token-r&state=another", "this address is of another login"),
        ("", "this address holds no answer of a login"),
        ("status=cancelled", "sent no request_token"),
    ],
)
def test_a_pasted_address_that_is_none_of_this_login_makes_no_session(
    stack: InventedStack, query: str, words: str
) -> None:
    ran = paste(stack, query)

    assert (ran.code, stack.server.logins) == (1, 0)
    assert words in ran.line
    require_silent(ran)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["paper"], 1, "account paper is at Paper, which needs no login"),
        (["absent"], 1, "there is no account 'absent'"),
        (["live", "--paste"], 2, "--open and --paste are for a login on a page"),
        ([], 2, "Missing argument"),
    ],
)
def test_a_login_that_cannot_be_gets_one_line(
    stack: InventedStack, arguments: list[str], code: int, words: str
) -> None:
    ran = stack.run("login", *arguments)

    assert (ran.code, ran.out) == (code, "")
    assert words in ran.line


def test_sessions_are_listed_with_what_went_wrong_last(stack: InventedStack) -> None:
    stack.server.refuses = ["user"]
    stack.run("login", "live")
    store(stack, "page", {"token": "canary-token-1"}, "session")

    shown, asked = stack.ok("session", "list"), stack.ok("session", "list", "--json")

    live, page, paper = asked.json["sessions"]
    assert (live["state"], live["last_error"]["code"]) == ("failed", "CREDENTIALS_REFUSED")
    assert (page["state"], page["login"]) == ("valid", "browser")
    assert (paper["login"], paper["last_error"]) == ("none", None)
    require_silent(shown, asked)


def test_a_session_begun_elsewhere_is_stored_without_echo(stack: InventedStack) -> None:
    stack.typist.lines = ["canary-token-9"]

    ran = stack.ok("session", "set", "page")

    assert stack.typist.hidden == ["token"]
    assert json.loads(stack.stored("page", "session")) == {"token": "canary-token-9"}
    require_silent(ran)


def test_a_session_of_the_wrong_shape_is_refused_and_not_shown(stack: InventedStack, tmp_path: Path) -> None:
    path = tmp_path / "session.json"
    path.touch(mode=0o600)
    runs = []
    for content in ('{"token": 7741', '{"token": ["canary-token-9"]}', '{"canary-token-9": "x"}'):
        path.write_text(content)
        runs.append(stack.run("session", "set", "page", "--from-file", path))

    assert [ran.code for ran in runs] == [2, 2, 1]
    require_silent(*runs)
