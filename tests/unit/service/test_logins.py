"""Logging in on the broker's page: one link, one account, one login."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from order_router.adapter.errors import OutcomeUnknown
from order_router.adapter.login import CredentialsRefused, LoginFailed, LoginUnclear
from order_router.domain.account import Account
from order_router.domain.broker_session import SessionState, leased
from order_router.ports import RenewalPending, StoreUnavailable
from order_router.service.desk import AccountUnknown
from order_router.service.login_links import ASKED_LINK_LIFE, LinkInvalid, note_address
from order_router.service.logins import (
    CALLBACK_PATIENCE,
    NoLoginPage,
    broker_page,
    finish_login,
    login_link,
)
from order_router.service.sessions import LOGIN_LEASE, look, status
from tests.fakes.login_world import ADDRESS, CREDENTIALS, LoginWorld

BACK = {"status": "success", "request_token": "canary-request-token"}


@pytest.fixture
def world() -> LoginWorld:
    return LoginWorld()


def token_of(url: str) -> str:
    return parse_qs(urlsplit(url).query)["token"][0]


def a_token(world: LoginWorld, account: str = "page") -> str:
    return token_of(login_link(world.desk, account, ADDRESS).url)


def test_a_link_leads_to_the_broker_s_page_and_back_to_a_session(world: LoginWorld) -> None:
    link = login_link(world.desk, "page", ADDRESS)
    address = broker_page(world.desk, "page", token_of(link.url))
    state = parse_qs(urlsplit(address).query)["state"][0]

    after = finish_login(world.desk, "page", state, BACK)

    assert link.url.startswith(f"{ADDRESS}/v1/sessions/page/login?token=")
    assert link.expires_at == world.clock.now() + ASKED_LINK_LIFE
    assert (after.state, after.last_error) == (SessionState.VALID, None)
    assert world.token("page") == world.server.token
    assert not world.records.get("page").is_leased(world.clock.now())


def test_only_a_digest_of_a_token_is_stored_and_no_repr_shows_one(world: LoginWorld) -> None:
    link = login_link(world.desk, "page", ADDRESS)

    assert token_of(link.url) not in repr([vars(world.tickets), link])


def test_looking_at_a_link_uses_nothing_up(world: LoginWorld) -> None:
    token = a_token(world)
    for _ in range(3):
        broker_page(world.desk, "page", token)

    assert finish_login(world.desk, "page", token, BACK).state is SessionState.VALID


def test_a_callback_is_taken_once(world: LoginWorld) -> None:
    token = a_token(world)
    finish_login(world.desk, "page", token, BACK)
    first = world.token("page")

    for _ in range(2):
        with pytest.raises(LinkInvalid):
            finish_login(world.desk, "page", token, BACK)
        with pytest.raises(LinkInvalid):
            broker_page(world.desk, "page", token)

    assert (world.server.logins, world.token("page")) == (1, first)


def test_a_callback_that_failed_needs_a_new_link(world: LoginWorld) -> None:
    token = a_token(world)
    world.server.refuses = ["busy"]
    with pytest.raises(LoginUnclear) as caught:
        finish_login(world.desk, "page", token, BACK)
    failed = status(world.desk, world.account("page"))
    with pytest.raises(LinkInvalid):
        finish_login(world.desk, "page", token, BACK)

    assert (failed.state, failed.last_error) == (SessionState.FAILED, caught.value.reason)
    assert failed.failed_at == world.clock.now()
    assert finish_login(world.desk, "page", a_token(world), BACK).state is SessionState.VALID


@pytest.mark.parametrize("token", ["", "nonce-99", "x" * 5000, "₹", "nonce-1%00"])
def test_a_forged_state_begins_nothing(world: LoginWorld, token: str) -> None:
    a_token(world)

    with pytest.raises(LinkInvalid):
        finish_login(world.desk, "page", token, BACK)
    with pytest.raises(LinkInvalid):
        broker_page(world.desk, "page", token)

    assert world.server.logins == 0
    assert status(world.desk, world.account("page")).state is SessionState.NEVER


@pytest.mark.parametrize("account", ["live", "paper", "nobody", "", "PAGE"])
def test_a_link_is_for_its_account_alone(world: LoginWorld, account: str) -> None:
    token = a_token(world)

    with pytest.raises(LinkInvalid):
        finish_login(world.desk, account, token, BACK)

    assert world.server.logins == 0
    finish_login(world.desk, "page", token, BACK)


def test_a_link_of_one_page_account_opens_no_other(world: LoginWorld) -> None:
    world.settings.put_account(Account(name="second", broker="paged"))
    world.secrets.put_credentials("second", CREDENTIALS)

    with pytest.raises(LinkInvalid):
        finish_login(world.desk, "second", a_token(world), BACK)


def test_a_link_expires(world: LoginWorld) -> None:
    token = a_token(world)
    world.clock.advance(ASKED_LINK_LIFE.total_seconds())

    with pytest.raises(LinkInvalid):
        broker_page(world.desk, "page", token)
    with pytest.raises(LinkInvalid):
        finish_login(world.desk, "page", token, BACK)


def test_a_link_that_expires_while_another_login_runs_is_not_used(world: LoginWorld) -> None:
    token = a_token(world)
    world.clock.advance(ASKED_LINK_LIFE.total_seconds() - 2)
    before = world.records.get("page")
    until = world.clock.now() + timedelta(seconds=4)
    world.records.write(leased(before, "other", until), replacing=before)

    with pytest.raises(LinkInvalid):
        finish_login(world.desk, "page", token, BACK)

    assert world.server.logins == 0
    assert not world.records.get("page").is_leased(world.clock.now())


def test_a_link_survives_waiting_for_another_login_in_vain(world: LoginWorld) -> None:
    token = a_token(world)
    before = world.records.get("page")
    until = world.clock.now() + LOGIN_LEASE
    world.records.write(leased(before, "other", until), replacing=before)
    began = world.clock.now()
    with pytest.raises(RenewalPending, match="load this page again"):
        finish_login(world.desk, "page", token, BACK)
    assert world.clock.now() - began <= CALLBACK_PATIENCE
    world.clock.advance(LOGIN_LEASE.total_seconds())

    assert finish_login(world.desk, "page", token, BACK).state is SessionState.VALID


def test_a_failed_login_is_told_once_and_shows_nothing(
    world: LoginWorld, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    shown: list[object] = []
    world.server.refuses = ["user", "user"]
    for _ in range(2):
        with pytest.raises(CredentialsRefused) as caught:
            finish_login(world.desk, "page", a_token(world), BACK)
        shown += [caught.value, caught.value.message, caught.value.__context__]
    shown += [world.records.get("page"), world.notifier.notices, caplog.text]

    assert world.told() == [("login_failed", "page")]
    assert "canary" not in repr(shown)


def test_short_words_of_a_page_are_no_secrets(world: LoginWorld) -> None:
    with pytest.raises(LoginUnclear, match=r"the page of \*\*\* sent no request_token"):
        finish_login(world.desk, "page", a_token(world), {"status": "sent", "action": "page"})


@pytest.mark.parametrize("error", [KeyError("canary-code-7741"), OutcomeUnknown("canary-request-token")])
def test_whatever_an_adapter_raises_is_a_failed_login(
    world: LoginWorld, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        def redeem_login(self, *_: Any) -> Any:
            raise error

    token = a_token(world)
    world.login = Broken()

    with pytest.raises(LoginFailed) as caught:
        finish_login(world.desk, "page", token, BACK)

    assert "canary" not in repr([caught.value, caught.value.__context__, caplog.text])
    assert not world.records.get("page").is_leased(world.clock.now())


def test_no_credentials_are_said_before_a_link_is_used_up(world: LoginWorld) -> None:
    world.secrets = type(world.secrets)("invented://broker")
    token = a_token(world)
    with pytest.raises(CredentialsRefused) as caught:
        broker_page(world.desk, "page", token)
    assert caught.value.code == "CREDENTIALS_MISSING"
    with pytest.raises(CredentialsRefused):
        finish_login(world.desk, "page", token, BACK)
    world.secrets.put_credentials("page", CREDENTIALS)

    assert finish_login(world.desk, "page", token, BACK).state is SessionState.VALID


def test_a_login_clears_what_was_told_so_that_the_next_day_tells_again(world: LoginWorld) -> None:
    look(world.desk)
    token = token_of(world.notifier.notices[1].link or "")
    finish_login(world.desk, "page", token, BACK)
    world.clock.advance(24 * 3600)

    look(world.desk)

    assert world.told().count(("login_needed", "page")) == 2


def test_a_link_leads_nowhere_once_its_account_is_at_a_broker_without_a_page(world: LoginWorld) -> None:
    token = a_token(world)
    world.settings.put_account(Account(name="page", broker="invented"))

    with pytest.raises(LinkInvalid):
        broker_page(world.desk, "page", token)
    with pytest.raises(LinkInvalid):
        finish_login(world.desk, "page", token, BACK)
    assert world.server.logins == 0
    assert "login_failed" not in [kind for kind, _ in world.told()]


@pytest.mark.parametrize("account", ["live", "hand", "paper"])
def test_a_broker_without_a_page_has_no_link(world: LoginWorld, account: str) -> None:
    with pytest.raises(NoLoginPage):
        login_link(world.desk, account, ADDRESS)


def test_an_unknown_account_has_no_link(world: LoginWorld) -> None:
    with pytest.raises(AccountUnknown):
        login_link(world.desk, "nobody", ADDRESS)


def test_the_schedule_s_address_does_not_replace_a_laptop_s_own(world: LoginWorld) -> None:
    note_address(world.desk, "https://two.example")
    assert world.tickets.address() == "https://two.example"
    world.tickets.remember_address("http://127.0.0.1:4566/_aws/execute-api/a1")

    note_address(world.desk, "https://two.example")

    assert world.tickets.address() == "http://127.0.0.1:4566/_aws/execute-api/a1"


def test_an_address_that_is_known_is_not_written_again_and_a_failure_stops_no_schedule(
    world: LoginWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = list[str]()
    monkeypatch.setattr(world.tickets, "remember_address", written.append)
    for _ in range(2):
        note_address(world.desk, ADDRESS)
    assert written == []

    def failing() -> str:
        raise StoreUnavailable("reading the API's address: Throttled")

    monkeypatch.setattr(world.tickets, "address", failing)
    note_address(world.desk, "https://two.example")

    assert written == []
