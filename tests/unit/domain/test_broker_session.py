"""What an account's record says after a login, a death or a word to the trader: what goes, what stays."""

from dataclasses import replace
from datetime import timedelta

import pytest

from order_router.domain.broker_session import (
    SessionRecord,
    SessionState,
    begun_telling,
    day_begun,
    found_dead,
    found_good,
    logged_in,
    marked_told,
)
from order_router.domain.errors import Reason
from tests.fakes.clock import MONDAY_MORNING as NOW

EXPIRES_AT = NOW + timedelta(hours=16)
TROUBLED = SessionRecord(
    account="live",
    state=SessionState.FAILED,
    expires_at=EXPIRES_AT,
    last_login_at=NOW - timedelta(days=1),
    previous_login_at=NOW - timedelta(days=2),
    last_error=Reason("TOTP_REFUSED", "the code was not taken"),
    failed_at=NOW - timedelta(minutes=2),
    refused="0123456789abcdef",
    retry_at=NOW + timedelta(hours=6),
    told=("needed",),
    telling=(("failed:CODE_REFUSED", NOW),),
    told_at=NOW - timedelta(minutes=2),
    owner="nonce",
    lease_until=NOW + timedelta(seconds=75),
    version=4,
)
"""Everything that can be said of a session before a login."""


@pytest.mark.parametrize("state", SessionState)
def test_a_login_leaves_nothing_of_what_went_wrong_before(state: SessionState) -> None:
    after = logged_in(replace(TROUBLED, state=state), NOW, EXPIRES_AT)

    assert after == SessionRecord(
        account="live",
        state=SessionState.VALID,
        expires_at=EXPIRES_AT,
        last_login_at=NOW,
        previous_login_at=NOW - timedelta(days=1),
        version=4,
    )


def test_a_session_that_is_found_good_is_as_good_as_a_new_one_and_no_login() -> None:
    assert found_good(TROUBLED, EXPIRES_AT) == SessionRecord(
        account="live",
        state=SessionState.VALID,
        expires_at=EXPIRES_AT,
        last_login_at=NOW - timedelta(days=1),
        previous_login_at=NOW - timedelta(days=2),
        version=4,
    )


def test_a_good_session_that_is_seen_again_changes_nothing_and_another_one_has_its_own_end() -> None:
    good = replace(TROUBLED, state=SessionState.VALID)

    assert found_good(good, EXPIRES_AT) is good
    assert found_good(good, EXPIRES_AT + timedelta(hours=8)).expires_at == EXPIRES_AT + timedelta(hours=8)
    assert found_good(good, None).expires_at is None


def test_the_next_session_that_is_refused_is_remembered_in_place_of_the_last() -> None:
    dead = found_dead(TROUBLED, SessionState.EXPIRED, "first")

    assert (dead.state, dead.refused) == (SessionState.EXPIRED, "first")
    assert found_dead(dead, SessionState.EXPIRED, "second").refused == "second"
    assert found_dead(dead, SessionState.EXPIRED, "first") is dead
    assert found_dead(dead, SessionState.EXPIRED, None) is dead
    assert found_dead(dead, SessionState.LOGIN_NEEDED, None).refused == "first"


def test_what_the_trader_was_told_is_kept_once_with_the_time_of_the_last_of_it() -> None:
    later, what = NOW + timedelta(hours=1), "failed:TOTP_REFUSED"
    telling = begun_telling(TROUBLED, what, NOW)
    told = marked_told(telling, what, NOW, later)

    assert telling.telling == (*TROUBLED.telling, (what, NOW))
    assert begun_telling(telling, what, later) is telling
    assert (told.told, told.told_at, told.telling) == (("needed", what), later, TROUBLED.telling)
    assert begun_telling(told, what, later) is told


def test_what_was_to_be_told_before_a_login_does_not_count_as_told_after_it() -> None:
    telling = begun_telling(TROUBLED, "failed", NOW)
    after = begun_telling(logged_in(telling, NOW, EXPIRES_AT), "failed", NOW + timedelta(seconds=1))

    assert marked_told(after, "failed", NOW, NOW) is after


MIDNIGHT = NOW.replace(hour=18, minute=30)
"""Of the same day in Kolkata."""


@pytest.mark.parametrize(
    ("later", "is_another_day"), [(-timedelta(microseconds=1), False), (timedelta(), True)]
)
def test_what_was_told_on_an_earlier_day_is_news_again(later: timedelta, is_another_day: bool) -> None:
    at = MIDNIGHT + later

    begun = day_begun(TROUBLED, at)

    assert (begun is not TROUBLED) is is_another_day
    assert begun == (replace(TROUBLED, told=(), told_at=None) if is_another_day else TROUBLED)
    assert day_begun(begun, at) is begun
    told = marked_told(TROUBLED, *TROUBLED.telling[0], at)
    assert ("needed" in told.told) is not is_another_day


def test_of_whom_nothing_was_told_no_day_begins() -> None:
    never = SessionRecord(account="live")

    assert day_begun(never, NOW) is never
