"""Which session is good enough, whose login it is, and what is said of one that failed: at each edge."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from order_router.adapter.errors import OutcomeUnknown, SessionExpired
from order_router.adapter.login import CodeRefused, CredentialsRefused, LoginFailed, LoginUnclear
from order_router.aws.secrets_manager import SecretUnavailable
from order_router.domain.account import Account
from order_router.domain.broker_session import SessionState, leased, logged_in
from order_router.ports import StoreUnavailable
from order_router.service.sessions import (
    LOGIN_LEASE,
    Wanted,
    as_login_failure,
    keep_alive,
    look,
    renew,
    status,
)
from tests.fakes.login_world import LoginWorld
from tests.fakes.trading_logins import Remembering

FORCED = Wanted(is_forced=True, is_asked=True)


@pytest.fixture
def world() -> LoginWorld:
    return LoginWorld()


def somebody_logs_in(world: LoginWorld) -> None:
    """Have somebody else log account `live` in, who is done at our third look."""
    before = world.records.get("live")
    until = world.clock.now() + LOGIN_LEASE
    theirs = world.records.write(leased(before, "another", until), replacing=before)

    def done() -> None:
        if len(world.clock.slept) == 3:
            at = world.clock.now()
            world.secrets.put_session("live", "theirs", at + timedelta(hours=9))
            world.records.write(logged_in(theirs, at, at + timedelta(hours=9)), replacing=theirs)

    world.clock.on_sleep = done


@pytest.mark.parametrize(("lasts_s", "logins"), [(36_001, 0), (36_000, 1)])
def test_before_the_open_a_session_must_last_for_ten_hours(
    world: LoginWorld, lasts_s: int, logins: int
) -> None:
    world.secrets.put_session("live", "old", world.clock.now() + timedelta(seconds=lasts_s))

    look(world.desk)

    assert world.server.logins == logins


def test_a_session_that_is_kept_alive_is_replaced_half_an_hour_before_its_end(world: LoginWorld) -> None:
    renew(world.desk, "live")
    world.clock.advance(15.5 * 3600 - 1)
    keep_alive(world.desk)
    assert (world.server.pings, world.server.logins) == (1, 1)
    world.clock.advance(1)

    keep_alive(world.desk)

    assert (world.server.pings, world.server.logins) == (1, 2)


def test_a_session_is_young_for_four_hours(world: LoginWorld) -> None:
    world.server.lives_for = timedelta(hours=6)
    renew(world.desk, "live")
    world.clock.advance(4 * 3600 - 1)
    look(world.desk)
    assert world.server.logins == 1
    world.clock.advance(1)

    look(world.desk)

    assert world.server.logins == 2


def test_who_wants_a_new_session_takes_the_one_that_somebody_began_meanwhile(world: LoginWorld) -> None:
    renew(world.desk, "live")
    world.clock.advance(60)
    somebody_logs_in(world)

    assert renew(world.desk, "live", FORCED).state is SessionState.VALID
    assert (world.server.logins, world.token("live")) == (1, "theirs")


def test_two_who_want_a_new_session_at_once_get_one(world: LoginWorld) -> None:
    for _ in range(2):
        renew(world.desk, "live", FORCED)

    assert world.server.logins == 1


def test_two_who_try_at_once_what_fails_try_it_once(world: LoginWorld) -> None:
    world.server.refuses = ["user", "user"]
    with pytest.raises(CredentialsRefused):
        renew(world.desk, "live", Wanted(is_asked=True))

    with pytest.raises(LoginFailed, match="the last login failed"):
        renew(world.desk, "live", Wanted(is_asked=True))

    assert world.server.logins == 1


def test_while_a_person_tries_again_after_a_failure_the_others_wait_for_it(world: LoginWorld) -> None:
    world.server.refuses = ["user"]
    with pytest.raises(CredentialsRefused):
        renew(world.desk, "live")
    world.clock.advance(60)
    somebody_logs_in(world)

    assert renew(world.desk, "live").state is SessionState.VALID
    assert (world.server.logins, world.token("live")) == (1, "theirs")


def test_only_a_person_replaces_a_good_session_of_a_page(world: LoginWorld) -> None:
    world.secrets.put_session("page", "good", world.clock.now() + timedelta(hours=16))

    with pytest.raises(SessionExpired, match="a person must log in"):
        renew(world.desk, "page", FORCED)

    assert status(world.desk, world.account("page")).state is SessionState.LOGIN_NEEDED


def test_a_refused_session_whose_replacement_fails_is_not_called_valid(world: LoginWorld) -> None:
    renew(world.desk, "live")
    world.clock.advance(60)
    world.server.refuses = ["user"]
    refused = world.secrets.session(world.account("live")).fingerprint

    with pytest.raises(CredentialsRefused):
        renew(world.desk, "live", Wanted(refused=refused))

    assert status(world.desk, world.account("live")).state is SessionState.FAILED


def test_a_worker_that_remembers_an_old_session_looks_at_the_stored_one(world: LoginWorld) -> None:
    desk = replace(world.desk, sessions=Remembering(world.secrets))
    world.secrets.put_session("live", "old", world.clock.now() + timedelta(hours=1))
    desk.sessions.session(world.account("live"))
    world.secrets.put_session("live", "by-hand", world.clock.now() + timedelta(hours=16))

    renew(desk, "live", Wanted(lasting_until=world.clock.now() + timedelta(hours=10)))

    assert world.server.logins == 0
    assert desk.sessions.session(world.account("live")).secret("token") == "by-hand"


def test_a_worker_that_logged_in_uses_the_new_session(world: LoginWorld) -> None:
    desk = replace(world.desk, sessions=Remembering(world.secrets))
    world.secrets.put_session("live", "old", world.clock.now() + timedelta(hours=16))

    renew(desk, "live", FORCED)

    assert desk.sessions.session(world.account("live")).secret("token") == world.server.token


def test_what_came_back_from_a_page_is_hidden_unless_it_is_a_mere_word() -> None:
    failure = as_login_failure(LoginUnclear("got success and 12345678"), None, "success", "12345678")

    assert failure.message == "got success and ***"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (CodeRefused("no", broker_code="E-9"), CodeRefused),
        (OutcomeUnknown("no", broker_code="E-9"), LoginUnclear),
    ],
)
def test_a_failed_login_keeps_the_broker_s_own_code(
    error: CodeRefused | OutcomeUnknown, kind: type[LoginFailed]
) -> None:
    failure = as_login_failure(error, None)

    assert (type(failure), failure.message, failure.broker_code) == (kind, "no", "E-9")


def two_to_keep_alive(world: LoginWorld) -> None:
    """Begin a session of account `live`, and let account `first` come before it at a broker of its own."""
    renew(world.desk, "live")
    world.settings.put_account(Account(name="first", broker="another"))
    assert next(one.name for one in world.settings.accounts()) == "first"


@pytest.mark.parametrize(
    "error",
    [
        SecretUnavailable("reading the session of first: AccessDeniedException"),
        StoreUnavailable("the settings: Throttled"),
        RuntimeError("defect"),
    ],
)
def test_an_account_whose_session_cannot_be_read_keeps_no_other_s_from_being_used(
    world: LoginWorld, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    two_to_keep_alive(world)
    broker_of, session = world.broker_of, world.secrets.session

    def unreadable(account: Account) -> Any:
        if account.name == "first":
            raise error
        return session(account)

    monkeypatch.setattr(world.secrets, "session", unreadable)
    desk = replace(world.desk, broker_of=lambda name: broker_of("invented" if name == "another" else name))

    assert keep_alive(desk) == ("live",)
    assert (world.server.pings, world.server.logins, world.told()) == (1, 1, [])


def test_an_account_whose_broker_cannot_be_loaded_keeps_no_other_s_session_from_being_used(
    world: LoginWorld,
) -> None:
    two_to_keep_alive(world)
    broker_of = world.broker_of

    def defective(name: str) -> Any:
        if name == "another":
            raise RuntimeError("defect")
        return broker_of(name)

    assert keep_alive(replace(world.desk, broker_of=defective)) == ("live",)
    assert world.server.pings == 1
