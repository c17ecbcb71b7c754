"""Sessions that are renewed by themselves: one login, the trader told once, a broker's patience spared."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from infra.calendar.build import SHIPPED
from order_router.adapter.errors import SessionExpired
from order_router.adapter.login import CodeRefused, CredentialsRefused, LoginFailed, LoginKind, LoginUnclear
from order_router.domain.broker_session import RESTS_FOR, SessionState, leased, login_failed
from order_router.domain.errors import Reason
from order_router.domain.trading_calendar import NO_CALENDAR, TradingCalendar, parse_calendar
from order_router.ports import RenewalPending
from order_router.service.session_notices import tell_calendar_ends
from order_router.service.sessions import (
    LOGIN_LEASE,
    Wanted,
    keep_alive,
    look,
    renew,
    report_dead,
    status,
    statuses,
)
from tests.fakes.clock import FakeClock
from tests.fakes.login_world import CREDENTIALS, LoginWorld


@pytest.fixture
def world() -> LoginWorld:
    return LoginWorld()


def begin(world: LoginWorld) -> str:
    renew(world.desk, "live")
    return world.token("live")


def test_an_account_without_a_session_is_logged_in(world: LoginWorld) -> None:
    after = renew(world.desk, "live")

    assert world.token("live") == world.server.token
    assert (after.state, after.login) == (SessionState.VALID, LoginKind.UNATTENDED)
    assert after.expires_at == world.clock.now() + world.server.lives_for
    assert after.last_login_at == world.clock.now()
    assert world.told() == []


def test_a_good_session_is_left_alone(world: LoginWorld) -> None:
    first = begin(world)
    world.clock.advance(60)

    for wanted in (Wanted(), Wanted(refused="another"), Wanted(is_asked=True)):
        renew(world.desk, "live", wanted)

    assert (world.server.logins, world.token("live")) == (1, first)


def test_a_refused_session_is_replaced(world: LoginWorld) -> None:
    begin(world)
    world.clock.advance(60)
    refused = world.secrets.session(world.account("live")).fingerprint

    renew(world.desk, "live", Wanted(refused=refused))

    assert world.server.logins == 2
    assert world.token("live") == world.server.token


def test_a_refused_session_that_was_replaced_meanwhile_needs_no_login(world: LoginWorld) -> None:
    begin(world)
    world.clock.advance(60)
    refused = world.secrets.session(world.account("live")).fingerprint
    renew(world.desk, "live", Wanted(refused=refused))

    renew(world.desk, "live", Wanted(refused=refused))

    assert world.server.logins == 2


def test_sessions_that_are_refused_one_after_the_other_are_not_replaced_at_once(world: LoginWorld) -> None:
    def refused() -> Wanted:
        return Wanted(refused=world.secrets.session(world.account("live")).fingerprint)

    begin(world)
    renew(world.desk, "live", refused())
    world.clock.advance(59)
    for _ in range(2):
        with pytest.raises(LoginFailed) as caught:
            renew(world.desk, "live", refused())
    assert caught.value.code == "SESSION_REFUSED_AT_ONCE"
    assert (world.server.logins, world.told()) == (2, [("login_failed", "live")])
    world.clock.advance(1)
    renew(world.desk, "live", refused())

    assert world.server.logins == 3


def test_a_session_that_somebody_stored_after_a_death_is_taken(world: LoginWorld) -> None:
    dead = world.secrets.put_session("live", "dead")
    world.server.refuses = ["busy"]
    with pytest.raises(LoginUnclear):
        renew(world.desk, "live", Wanted(refused=dead.fingerprint))
    world.secrets.put_session("live", "by-hand", world.clock.now() + timedelta(hours=9))

    assert renew(world.desk, "live").state is SessionState.VALID
    assert world.server.logins == 1


def test_a_session_that_will_not_last_is_replaced(world: LoginWorld) -> None:
    world.secrets.put_session("live", "old", world.clock.now() + timedelta(hours=2))

    renew(world.desk, "live", Wanted(lasting_until=world.clock.now() + timedelta(hours=1)))
    assert world.server.logins == 0
    renew(world.desk, "live", Wanted(lasting_until=world.clock.now() + timedelta(hours=3)))

    assert world.server.logins == 1


def test_a_young_session_is_not_replaced_before_its_end(world: LoginWorld) -> None:
    world.server.lives_for = timedelta(hours=2)
    begin(world)

    renew(world.desk, "live", Wanted(lasting_until=world.clock.now() + timedelta(hours=10)))
    assert world.server.logins == 1
    world.clock.advance(2 * 3600)
    renew(world.desk, "live", Wanted(lasting_until=world.clock.now() + timedelta(hours=10)))

    assert world.server.logins == 2


def test_a_forced_login_replaces_a_good_session(world: LoginWorld) -> None:
    begin(world)
    world.clock.advance(1)

    renew(world.desk, "live", Wanted(is_forced=True, is_asked=True))

    assert world.server.logins == 2


@pytest.mark.parametrize(
    ("word", "error"), [("user", CredentialsRefused), ("code", CodeRefused), ("busy", LoginUnclear)]
)
def test_a_failed_login_says_why_and_shows_nothing(
    world: LoginWorld, word: str, error: type[LoginFailed], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    world.server.refuses = [word]

    with pytest.raises(error) as caught:
        renew(world.desk, "live")

    after = status(world.desk, world.account("live"))
    assert after.state is SessionState.FAILED
    assert after.last_error is not None
    assert after.last_error.code == error.code
    assert after.failed_at == world.clock.now()
    shown = [caught.value, caught.value.__context__, after, world.notifier.notices, caplog.text]
    assert not [text for text in CREDENTIALS.values() if text in repr(shown)]
    assert f"{word} refused for ***" in after.last_error.message
    assert world.told() == [("login_failed", "live")]


def test_after_a_definite_no_only_a_person_tries_again(world: LoginWorld) -> None:
    world.server.refuses = ["user", "user"]
    with pytest.raises(CredentialsRefused):
        renew(world.desk, "live")

    for _ in range(5):
        world.clock.advance(600)
        with pytest.raises(LoginFailed) as caught:
            renew(world.desk, "live")
        assert caught.value.code == "CREDENTIALS_REFUSED"
    assert world.server.logins == 1
    with pytest.raises(CredentialsRefused):
        renew(world.desk, "live", Wanted(is_asked=True))
    assert world.server.logins == 2
    world.clock.advance(RESTS_FOR.total_seconds())
    renew(world.desk, "live")

    assert world.server.logins == 3
    assert world.told() == [("login_failed", "live")]


def test_a_definite_no_is_left_alone_for_six_hours(world: LoginWorld) -> None:
    world.server.refuses = ["user"]
    with pytest.raises(CredentialsRefused):
        renew(world.desk, "live")

    world.clock.advance(6 * 3600 - 1)
    with pytest.raises(LoginFailed, match="the last login failed"):
        renew(world.desk, "live")
    assert world.server.logins == 1
    world.clock.advance(1)

    assert renew(world.desk, "live").state is SessionState.VALID


def test_a_refused_code_may_have_been_the_last_of_its_half_minute(world: LoginWorld) -> None:
    world.server.refuses = ["code", "code"]
    with pytest.raises(CodeRefused):
        renew(world.desk, "live")
    world.clock.advance(60)
    with pytest.raises(CodeRefused):
        renew(world.desk, "live")
    assert world.server.logins == 2

    world.clock.advance(600)
    with pytest.raises(LoginFailed, match="the last login failed"):
        renew(world.desk, "live")

    assert world.server.logins == 2


def test_a_silent_broker_is_asked_again_after_a_minute(world: LoginWorld) -> None:
    world.server.refuses = ["busy"]
    with pytest.raises(LoginUnclear):
        renew(world.desk, "live")
    world.clock.advance(59)
    with pytest.raises(LoginFailed):
        renew(world.desk, "live")
    assert world.server.logins == 1
    world.clock.advance(1)

    assert renew(world.desk, "live").state is SessionState.VALID
    assert status(world.desk, world.account("live")).last_error is None


def test_no_credentials_means_store_them_first(world: LoginWorld) -> None:
    world.secrets = type(world.secrets)("invented://broker")

    with pytest.raises(CredentialsRefused) as caught:
        renew(world.desk, "live")

    assert caught.value.code == "CREDENTIALS_MISSING"
    assert world.server.logins == 0


def test_a_defect_of_an_adapter_is_a_failed_login_that_shows_nothing(
    world: LoginWorld, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        def log_in(self, _send: Any, credentials: Any) -> Any:
            raise KeyError(credentials.secret("code"))

    world.login = Broken()

    with pytest.raises(LoginUnclear, match="KeyError") as caught:
        renew(world.desk, "live")

    assert "canary" not in repr([caught.value, caught.value.__context__, caplog.records, caplog.text])
    assert not world.records.get("live").is_leased(world.clock.now())


def test_who_waits_for_another_login_takes_its_session(world: LoginWorld) -> None:
    before = world.records.get("live")
    world.records.write(leased(before, "other", world.clock.now() + LOGIN_LEASE), replacing=before)

    def other_is_done() -> None:
        if len(world.clock.slept) == 3:
            world.secrets.put_session("live", "theirs", world.clock.now() + timedelta(hours=9))

    world.clock.on_sleep = other_is_done

    assert renew(world.desk, "live").state is SessionState.VALID
    assert (world.server.logins, world.token("live")) == (0, "theirs")


def test_a_person_who_waited_for_a_login_that_failed_does_not_repeat_it(world: LoginWorld) -> None:
    before = world.records.get("live")
    until = world.clock.now() + LOGIN_LEASE
    theirs = world.records.write(leased(before, "other", until), replacing=before)

    def other_fails() -> None:
        if len(world.clock.slept) == 3:
            reason, at = Reason("CREDENTIALS_REFUSED", "no"), world.clock.now()
            world.records.write(login_failed(theirs, reason, at, RESTS_FOR), replacing=theirs)

    world.clock.on_sleep = other_fails

    with pytest.raises(LoginFailed, match="the last login failed: no"):
        renew(world.desk, "live", Wanted(is_asked=True))
    assert world.server.logins == 0


def test_who_waits_too_long_for_another_login_gives_up(world: LoginWorld) -> None:
    before = world.records.get("live")
    until = world.clock.now() + LOGIN_LEASE
    world.records.write(leased(before, "other", until), replacing=before)
    started = world.clock.now()

    with pytest.raises(RenewalPending):
        renew(world.desk, "live", Wanted(until=started + timedelta(seconds=3)))

    assert world.clock.now() <= started + timedelta(seconds=3)
    assert world.server.logins == 0
    assert world.told() == []


def test_a_lease_that_its_owner_left_ends(world: LoginWorld) -> None:
    before = world.records.get("live")
    until = world.clock.now() + LOGIN_LEASE
    world.records.write(leased(before, "dead", until), replacing=before)
    world.clock.advance(LOGIN_LEASE.total_seconds())

    assert renew(world.desk, "live").state is SessionState.VALID
    assert world.server.logins == 1


def test_a_login_that_outlasts_its_lease_stores_nothing(world: LoginWorld) -> None:
    world.server.on_login = lambda: world.clock.advance(LOGIN_LEASE.total_seconds())

    with pytest.raises(LoginUnclear, match="took too long"):
        renew(world.desk, "live")

    assert world.secrets.kept == []


def test_no_request_of_a_login_leaves_near_the_end_of_its_lease(world: LoginWorld) -> None:
    class Slow:
        def log_in(self, send: Any, credentials: Any) -> Any:
            world.clock.advance(LOGIN_LEASE.total_seconds() - 10)
            return login.log_in(send, credentials)

    login, world.login = world.login, Slow()

    with pytest.raises(LoginUnclear, match="too old"):
        renew(world.desk, "live")

    assert world.server.logins == 0


def test_a_session_that_cannot_be_stored_is_a_failed_login(world: LoginWorld) -> None:
    world.secrets.is_down = True

    with pytest.raises(LoginUnclear, match="could not be stored"):
        renew(world.desk, "live")

    assert status(world.desk, world.account("live")).state is SessionState.FAILED


def test_a_failed_extra_login_leaves_a_living_session_valid(world: LoginWorld) -> None:
    begin(world)
    world.server.refuses = ["user"]
    world.clock.advance(1)

    with pytest.raises(CredentialsRefused):
        renew(world.desk, "live", Wanted(is_forced=True, is_asked=True))

    assert status(world.desk, world.account("live")).state is SessionState.VALID


def test_before_the_open_each_account_gets_its_session_or_its_trader_is_told_once(
    world: LoginWorld,
) -> None:
    for _ in range(3):
        look(world.desk)
        world.clock.advance(3600)

    states = {one.account: one.state for one in statuses(world.desk, world.settings.accounts())}
    assert states == {
        "live": SessionState.VALID,
        "page": SessionState.LOGIN_NEEDED,
        "hand": SessionState.EXPIRED,
        "paper": SessionState.VALID,
    }
    assert world.server.logins == 1
    assert world.told() == [("login_needed", "hand"), ("login_needed", "page")]


def test_a_trader_who_must_log_in_is_sent_a_link_that_no_repr_shows(world: LoginWorld) -> None:
    look(world.desk)

    by_account = {notice.account: notice for notice in world.notifier.notices}
    link = by_account["page"].link
    assert link is not None
    assert link.startswith("https://api.example/v1/sessions/page/login?token=")
    assert link not in repr(by_account["page"])
    assert by_account["hand"].link is None


def test_a_browser_session_that_a_person_began_lasts_the_day(world: LoginWorld) -> None:
    world.secrets.put_session("page", "begun", world.clock.now() + timedelta(hours=16))

    look(world.desk)

    assert status(world.desk, world.account("page")).state is SessionState.VALID
    assert ("login_needed", "page") not in world.told()


def test_a_browser_session_that_ends_within_the_day_is_told_before_it_ends(world: LoginWorld) -> None:
    world.secrets.put_session("page", "begun", world.clock.now() + timedelta(hours=3))

    look(world.desk)

    assert ("login_needed", "page") in world.told()


def test_on_a_day_without_trading_nobody_is_asked_and_nothing_fails(world: LoginWorld) -> None:
    world.clock.advance(5 * 86_400)
    assert look(world.desk) == ()
    world.clock.advance(2 * 86_400)
    assert world.desk.is_trading_day()

    assert world.told() == []
    assert world.server.logins == 0


def test_a_named_holiday_is_a_day_without_trading_where_no_calendar_is_kept(world: LoginWorld) -> None:
    today = world.clock.now().date()
    desk = replace(world.desk, holidays=lambda: frozenset({today}))

    assert look(desk) == ()
    assert not desk.is_trading_day()
    assert replace(desk, holidays=lambda: frozenset({today + timedelta(days=1)})).is_trading_day()


def kept_calendar() -> TradingCalendar:
    return parse_calendar(SHIPPED.read_text(encoding="utf-8"))


def test_a_kept_holiday_is_a_day_without_trading_and_a_kept_sunday_session_is_not(world: LoginWorld) -> None:
    desk = replace(world.desk, calendar=kept_calendar)
    assert desk.is_trading_day()

    # the next day commodities trade in the evening
    assert replace(desk, clock=FakeClock(datetime(2026, 11, 24, 2, tzinfo=UTC))).is_trading_day()

    christmas = replace(desk, clock=FakeClock(datetime(2026, 12, 25, 2, tzinfo=UTC)))
    assert not christmas.is_trading_day()
    assert look(christmas) == ()
    assert [kind for kind, _ in world.told()] == ["calendar_unknown"]

    sunday = FakeClock(datetime(2026, 2, 1, 2, tzinfo=UTC))
    assert replace(desk, clock=sunday).is_trading_day()
    assert not replace(desk, clock=sunday, calendar=lambda: NO_CALENDAR).is_trading_day()


def test_a_calendar_that_ends_within_three_weeks_is_told(world: LoginWorld) -> None:
    early, late = datetime(2026, 12, 9, 2, tzinfo=UTC), datetime(2026, 12, 11, 2, tzinfo=UTC)

    tell_calendar_ends(replace(world.desk, calendar=kept_calendar, clock=FakeClock(early)))
    assert world.told() == []

    tell_calendar_ends(replace(world.desk, calendar=kept_calendar, clock=FakeClock(late)))
    assert world.told() == [("calendar_unknown", "all")]
    assert "NSE until 2026-12-31" in world.notifier.notices[0].message


def test_a_disabled_account_is_left_out(world: LoginWorld) -> None:
    for name in ("live", "page", "hand"):
        account = world.account(name)
        world.settings.put_account(account.model_copy(update={"is_enabled": False}))

    look(world.desk)
    keep_alive(world.desk)

    assert (world.server.logins, world.told()) == (0, [])


def test_one_account_s_defect_does_not_keep_the_others_waiting(world: LoginWorld) -> None:
    broker_of = world.broker_of

    def defective(name: str) -> Any:
        if name == "by-hand":
            raise RuntimeError("defect")
        return broker_of(name)

    looked = look(replace(world.desk, broker_of=defective))

    assert [one.account for one in looked] == ["live", "paper"]
    assert world.told() == [("login_needed", "page")]


def test_a_session_that_must_be_used_is_used_each_minute(world: LoginWorld) -> None:
    begin(world)

    assert keep_alive(world.desk) == ("live",)
    assert keep_alive(world.desk) == ("live",)

    assert (world.server.pings, world.server.logins) == (2, 1)


def test_a_session_found_dead_by_keeping_it_alive_is_replaced(world: LoginWorld) -> None:
    begin(world)
    world.clock.advance(60)
    world.server.token = "somebody else's"

    assert keep_alive(world.desk) == ("live",)

    assert world.server.logins == 2
    assert world.token("live") == world.server.token


def test_a_session_about_to_die_is_replaced_before_it_does(world: LoginWorld) -> None:
    begin(world)
    world.clock.advance(15.75 * 3600)

    keep_alive(world.desk)

    assert (world.server.logins, world.server.pings) == (2, 0)
    assert world.told() == []


def test_keeping_alive_costs_nothing_where_no_account_needs_it(world: LoginWorld) -> None:
    world.settings.put_account(world.account("live").model_copy(update={"broker": "paper"}))

    assert keep_alive(world.desk) == ()

    assert (world.server.pings, world.records.writes) == (0, 0)


def test_keeping_alive_at_a_silent_broker_waits_for_the_next_minute(world: LoginWorld) -> None:
    begin(world)
    world.handlers.clear()

    assert keep_alive(world.desk) == ()

    assert world.told() == []
    assert world.server.logins == 1


def test_a_failure_on_a_day_without_trading_tells_nobody_until_there_is_one(world: LoginWorld) -> None:
    world.clock.advance(5 * 86_400)
    world.server.refuses = ["user"]
    for _ in range(3):
        keep_alive(world.desk)
        world.clock.advance(60)
    assert world.told() == []
    world.clock.advance(2 * 86_400)
    world.server.refuses = ["user"]

    keep_alive(world.desk)
    keep_alive(world.desk)

    assert world.told() == [("login_failed", "live")]


def test_an_order_that_found_a_browser_session_dead_tells_once(world: LoginWorld) -> None:
    dead = world.secrets.put_session("page", "dead", world.clock.now() + timedelta(hours=9))

    for _ in range(3):
        report_dead(world.desk, "page", dead.fingerprint)

    assert world.told() == [("login_needed", "page")]
    assert status(world.desk, world.account("page")).state is SessionState.LOGIN_NEEDED


def test_a_dead_session_that_was_replaced_meanwhile_is_not_told(world: LoginWorld) -> None:
    dead = world.secrets.put_session("page", "dead", world.clock.now() + timedelta(hours=9))
    world.secrets.put_session("page", "new", world.clock.now() + timedelta(hours=9))

    report_dead(world.desk, "page", dead.fingerprint)

    assert world.told() == []
    assert status(world.desk, world.account("page")).state is SessionState.VALID


def test_a_session_that_died_is_not_good_because_its_clock_says_so(world: LoginWorld) -> None:
    dead = world.secrets.put_session("page", "dead", world.clock.now() + timedelta(hours=16))
    report_dead(world.desk, "page", dead.fingerprint)

    look(world.desk)

    assert status(world.desk, world.account("page")).state is SessionState.LOGIN_NEEDED
    with pytest.raises(SessionExpired):
        renew(world.desk, "page")


def test_a_valid_session_has_expired_once_its_clock_says_so(world: LoginWorld) -> None:
    begin(world)
    world.clock.advance(16 * 3600)

    assert status(world.desk, world.account("live")).state is SessionState.EXPIRED


def test_a_session_stored_by_hand_counts_before_anybody_looked(world: LoginWorld) -> None:
    assert status(world.desk, world.account("hand")).state is SessionState.NEVER
    world.secrets.put_session("hand", "by-hand")

    assert status(world.desk, world.account("hand")).state is SessionState.VALID
