"""Sessions over the API, and the two pages that a person sees: what is said, and what never is."""

from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from order_router.adapter.login import LoginFailed
from order_router.api.endpoint import answer_event
from order_router.api.http import Answer
from order_router.api.pages import STYLE_HASH, page
from order_router.api.renewal import answer_call
from order_router.api.sessions import begin_session, close_login, list_sessions, open_login
from order_router.domain.account import Account
from order_router.service.login_links import ASKED_LINK_LIFE
from order_router.service.sessions import renew
from tests.fakes.login_world import LoginWorld
from tests.unit.api.events import NOBODY, event

LIST, BEGIN = "GET /v1/sessions", "POST /v1/sessions/{account}"
LOGIN, CALLBACK = "GET /v1/sessions/{account}/login", "GET /v1/sessions/{account}/callback"
FORM = CALLBACK.replace("GET", "POST")
HANDLERS = {
    LIST: list_sessions,
    BEGIN: begin_session,
    LOGIN: open_login,
    CALLBACK: close_login,
    FORM: close_login,
}
ALL = {"key_id": "k", "scopes": "trade", "accounts": ""}
READ_ALL = {"key_id": "k", "scopes": "read", "accounts": ""}
BACK = {"status": "success", "request_token": "canary-request-token"}


@pytest.fixture
def world() -> LoginWorld:
    return LoginWorld()


def ask(world: LoginWorld, route: str, account: str = "page", body: object = None, **more: Any) -> Answer:
    desk = world.desk
    return answer_event(
        event(route, body, path={"account": account}, **{"caller": ALL, **more}),
        lambda request: HANDLERS[route](desk, request),
    )


def a_token(world: LoginWorld, account: str = "page") -> str:
    login_url: str = ask(world, BEGIN, account).content["login_url"]
    return parse_qs(urlsplit(login_url).query)["token"][0]


class Page(HTMLParser):
    """What a page shows and of what elements it is made."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.words = ""
        self.elements: list[str] = []
        assert answer.text is not None
        self.feed(answer.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)

    def handle_data(self, data: str) -> None:
        self.words += f" {data}" if self.elements[-1:] != ["style"] else ""


def test_every_account_s_session_is_listed_without_a_secret(world: LoginWorld) -> None:
    renew(world.desk, "live")
    world.server.refuses = ["user"]
    world.settings.put_account(Account(name="broken", broker="invented"))
    world.secrets.put_credentials("broken", {"user": "canary-u", "code": "canary-c"})
    with pytest.raises(LoginFailed):
        renew(world.desk, "broken")

    answer = ask(world, LIST, caller=READ_ALL)

    rows = {row["account"]: row for row in answer.content["sessions"]}
    assert {name: row["state"] for name, row in rows.items()} == {
        "broken": "failed",
        "hand": "never",
        "live": "valid",
        "page": "never",
        "paper": "valid",
    }
    assert rows["live"] == {
        "account": "live",
        "broker": "invented",
        "login": "unattended",
        "state": "valid",
        "expires_at": "2026-11-23T20:30:00.000Z",
        "last_login_at": "2026-11-23T04:30:00.000Z",
        "last_error": None,
    }
    assert rows["broken"]["last_error"] == {
        "code": "CREDENTIALS_REFUSED",
        "message": 'user refused for *** with {"code": "***"}',
        "at": "2026-11-23T04:30:00.000Z",
    }
    assert "canary" not in str(answer.to_gateway())


def test_a_caller_sees_the_sessions_of_its_accounts(world: LoginWorld) -> None:
    reader = READ_ALL | {"accounts": "live paper"}

    listed = ask(world, LIST, caller=reader).content["sessions"]

    assert [row["account"] for row in listed] == ["live", "paper"]
    assert ask(world, LIST, caller=NOBODY).status == 401
    assert ask(world, LIST, caller=reader, query={"account": "page"}).status == 403


@pytest.mark.parametrize(
    ("caller", "status", "code"),
    [
        (NOBODY, 401, "API_KEY_UNKNOWN"),
        (READ_ALL, 403, "SCOPE_MISSING"),
        (ALL | {"accounts": "other"}, 403, "ACCOUNT_FORBIDDEN"),
    ],
)
@pytest.mark.parametrize("account", ["live", "page"])
def test_only_who_may_trade_an_account_logs_it_in(
    world: LoginWorld, account: str, caller: dict[str, str], status: int, code: str
) -> None:
    answer = ask(world, BEGIN, account, caller=caller)

    assert (answer.status, answer.content.get("code")) == (status, code)
    assert world.server.logins == 0


def test_a_session_is_begun_by_a_call_and_once_only(world: LoginWorld) -> None:
    answers = [ask(world, BEGIN, "live") for _ in range(3)]

    assert [answer.content["state"] for answer in answers] == ["valid"] * 3
    assert world.server.logins == 1


def test_a_forced_login_is_asked_for_by_name(world: LoginWorld) -> None:
    ask(world, BEGIN, "live")
    world.clock.advance(1)

    assert ask(world, BEGIN, "live", query={"force": "true"}).status == 200
    assert world.server.logins == 2
    assert ask(world, BEGIN, "live", query={"force": "yes"}).content["code"] == "INVALID_REQUEST"


@pytest.mark.parametrize(
    ("word", "status", "code"),
    [
        ("user", 422, "CREDENTIALS_REFUSED"),
        ("code", 422, "TOTP_REFUSED"),
        ("busy", 503, "LOGIN_UNCLEAR"),
    ],
)
def test_a_failed_login_is_a_problem_with_a_code(
    world: LoginWorld, word: str, status: int, code: str
) -> None:
    world.server.refuses = [word]

    answer = ask(world, BEGIN, "live")

    assert (answer.status, answer.content["code"]) == (status, code)
    assert "canary" not in str(answer.to_gateway())
    assert world.told() == []


def test_a_person_who_mended_the_credentials_need_not_wait(world: LoginWorld) -> None:
    world.server.refuses = ["user"]
    ask(world, BEGIN, "live")
    world.clock.advance(1)

    assert ask(world, BEGIN, "live").content["state"] == "valid"


def test_an_account_that_is_not_there_is_said_to_be(world: LoginWorld) -> None:
    assert ask(world, BEGIN, "nobody").content["code"] == "ACCOUNT_UNKNOWN"


def test_a_link_begins_with_the_address_of_the_api(world: LoginWorld) -> None:
    answer = ask(world, BEGIN)

    assert answer.content["state"] == "never"
    assert answer.content["login_url"].startswith("https://api.example/v1/sessions/page/login?token=")
    assert answer.content["login_url_expires_at"] == "2026-11-23T04:45:00.000Z"


def test_a_link_leads_to_the_broker_and_leaves_a_cookie_that_no_script_reads(world: LoginWorld) -> None:
    token = a_token(world)

    answer = ask(world, LOGIN, query={"token": token}, caller=NOBODY).to_gateway()

    assert answer["statusCode"] == 302
    assert answer["headers"]["location"] == (
        f"https://broker.example/login?user=canary-user-7741&state={token}"
    )
    cookie, *rules = answer["headers"]["set-cookie"].split("; ")
    assert cookie == f"__Host-login-page={token}"
    assert set(rules) == {"Max-Age=900", "Path=/", "Secure", "HttpOnly", "SameSite=None"}
    assert answer["headers"]["referrer-policy"] == "no-referrer"
    assert answer["headers"]["cache-control"] == "no-store"
    assert answer["body"] == ""


def test_the_broker_s_answer_becomes_a_session_and_a_page_that_says_done(world: LoginWorld) -> None:
    answer = ask(world, CALLBACK, query=BACK | {"state": a_token(world)}, caller=NOBODY)

    assert answer.status == 200
    assert "Done Account page is logged in until 23 November, 20:30 UTC." in Page(answer).words
    assert world.token("page") == world.server.token
    assert "canary" not in str(answer.to_gateway())


def test_a_page_that_brings_no_state_back_is_known_by_the_browser_s_cookie(world: LoginWorld) -> None:
    cookie = f"other=1; __Host-login-page={a_token(world)}"

    answer = ask(world, FORM, body="request_token=canary-request-token", cookies=[cookie], caller=NOBODY)

    assert answer.status == 200
    assert world.server.logins == 1


@pytest.mark.parametrize(
    "cookies",
    [
        [],
        ["__Host-login-page="],
        ["__Host-login-page=forged"],
        ["__Host-login-other={token}"],
        ["login={token}"],
    ],
)
def test_without_the_browser_s_cookie_nothing_begins(world: LoginWorld, cookies: list[str]) -> None:
    token = a_token(world)
    sent = [one.replace("{token}", token) for one in cookies]

    answer = ask(world, FORM, body="request_token=x", cookies=sent, caller=NOBODY)

    assert (answer.status, "LOGIN_LINK_INVALID" in Page(answer).words) == (403, True)
    assert world.server.logins == 0


def test_a_callback_that_is_replayed_or_forged_is_a_page_that_says_so(world: LoginWorld) -> None:
    token = a_token(world)
    ask(world, CALLBACK, query=BACK | {"state": token}, caller=NOBODY)

    for state in (token, "forged", "", "<script>alert(1)</script>"):
        answer = ask(world, CALLBACK, query=BACK | {"state": state}, caller=NOBODY)
        assert answer.status == 403
        assert "LOGIN_LINK_INVALID" in Page(answer).words
    assert world.server.logins == 1


@pytest.mark.parametrize(("route", "status"), [(LOGIN, 403), (CALLBACK, 403), (FORM, 403)])
def test_an_account_that_is_not_there_looks_like_a_wrong_link(
    world: LoginWorld, route: str, status: int
) -> None:
    unknown = ask(world, route, "nobody", query={"token": "x", "state": "x"}, caller=NOBODY)
    known = ask(world, route, "page", query={"token": "x", "state": "x"}, caller=NOBODY)

    assert unknown == known
    assert unknown.status == status


def test_a_vendor_s_words_are_shown_as_words(world: LoginWorld) -> None:
    class Rude:
        def redeem_login(self, *_: Any) -> Any:
            raise LoginFailed('<script>alert("canary-user-7741")</script><b>no</b> & "so"')

    token = a_token(world)
    world.login = Rude()

    answer = ask(world, CALLBACK, query=BACK | {"state": token}, caller=NOBODY)

    shown = Page(answer)
    assert '<script>alert("***")</script><b>no</b> & "so"' in shown.words
    assert not {"script", "b"} & set(shown.elements)
    assert answer.status == 422


@pytest.mark.parametrize(
    "answer",
    [page(200, "Done", "It is."), page(500, "Not logged in", "It is not.", "INTERNAL_ERROR")],
)
def test_a_page_runs_nothing_and_loads_nothing(answer: Answer) -> None:
    sent = answer.to_gateway()
    policy = sent["headers"]["content-security-policy"]

    assert sent["headers"]["content-type"] == "text/html; charset=utf-8"
    assert sent["headers"]["cache-control"] == "no-store"
    assert sent["headers"]["x-content-type-options"] == "nosniff"
    assert sent["headers"]["referrer-policy"] == "no-referrer"
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert f"style-src 'sha256-{STYLE_HASH}'" in policy
    assert "unsafe" not in policy
    assert not {"script", "img", "link", "form", "a", "iframe"} & set(Page(answer).elements)


@pytest.mark.parametrize("body", ["%", "a=1&" * 60, "\ud800", "=", "&&&"])
def test_an_odd_form_is_a_page_and_begins_nothing(world: LoginWorld, body: str) -> None:
    answer = ask(world, FORM, body=body, caller=NOBODY)

    assert answer.status in {400, 403}
    assert world.server.logins == 0


def test_a_defect_is_a_page_without_a_trace(world: LoginWorld) -> None:
    token = a_token(world)

    class Gone:
        def find(self, *_: Any) -> Any:
            raise RuntimeError("canary")

    world.tickets = Gone()  # type: ignore[assignment]

    answer = ask(world, CALLBACK, query=BACK | {"state": token}, caller=NOBODY)

    assert (answer.status, "INTERNAL_ERROR" in Page(answer).words) == (500, True)
    assert "canary" not in str(answer.to_gateway())


def test_a_link_s_life_is_said_to_the_browser(world: LoginWorld) -> None:
    assert ASKED_LINK_LIFE.total_seconds() == 900


@pytest.mark.parametrize(
    ("account", "words", "renewal"),
    [
        ("live", [], "done"),
        ("live", ["user"], "failed"),
        ("page", [], "expired"),
        ("nobody", [], "unavailable"),
    ],
)
def test_a_function_that_asks_for_a_session_is_told_how_that_went(
    world: LoginWorld, account: str, words: list[str], renewal: str
) -> None:
    world.server.refuses = words
    call = {"renew": account, "refused": None, "until": "2026-11-23T04:30:06+00:00"}

    answer = answer_call(world.desk, call)

    assert answer["renewal"] == renewal
    assert "canary" not in str(answer)
