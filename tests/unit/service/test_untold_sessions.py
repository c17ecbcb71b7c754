"""What could not be told of a session is told by who looks next: after its time, in its own words."""

from dataclasses import replace

import pytest

from order_router.domain.broker_session import SessionRecord
from order_router.domain.errors import Reason
from order_router.ports import Notice
from order_router.service.session_desk import SessionDesk, change_record
from order_router.service.session_notices import tell_failed, tell_needed, tell_untold
from tests.fakes.login_world import LoginWorld
from tests.fakes.queues import MemoryNotifier

REFUSED = Reason("CREDENTIALS_REFUSED", "the broker did not take the user")
LATER = Reason("LOGIN_UNCLEAR", "the broker did not answer")


class Untold:
    """A desk whose first notice cannot be queued."""

    def __init__(self) -> None:
        self.world = LoginWorld()
        self.notifier = MemoryNotifier(fails=1)
        self.desk: SessionDesk = replace(self.world.desk, notifier=self.notifier)

    def fail(self, account: str, reason: Reason) -> None:
        """Note a failed login, and try to tell it."""

        def failed(record: SessionRecord) -> SessionRecord:
            return replace(record, last_error=reason)

        change_record(self.desk, account, failed)
        tell_failed(self.desk, self.world.account(account), reason)

    def look_after(self, seconds: float) -> list[Notice]:
        """Return what a look so long after tells."""
        self.world.clock.advance(seconds)
        self.notifier.notices.clear()
        tell_untold(self.desk)
        return list(self.notifier.notices)


@pytest.fixture
def untold() -> Untold:
    return Untold()


def test_a_failure_is_told_in_its_own_words_ten_seconds_after_it_was_not(untold: Untold) -> None:
    untold.fail("live", REFUSED)

    assert untold.look_after(9.999) == []
    [notice] = untold.look_after(0.001)
    assert (notice.kind, notice.account) == ("login_failed", "live")
    assert notice.message == (
        "the login of account live failed (CREDENTIALS_REFUSED): the broker did not take the user"
    )
    assert untold.look_after(60) == [], "once"


def test_a_failure_that_another_one_followed_says_so_of_itself_and_not_the_other_s_words(
    untold: Untold,
) -> None:
    untold.fail("live", REFUSED)
    untold.fail("live", LATER)

    [notice] = untold.look_after(10)

    assert notice.message == (
        "the login of account live failed (CREDENTIALS_REFUSED): another failure came after it"
    )


def test_a_failure_of_which_nothing_is_left_but_its_code_is_told_all_the_same(untold: Untold) -> None:
    untold.fail("live", REFUSED)
    change_record(untold.desk, "live", lambda record: replace(record, last_error=None))

    [notice] = untold.look_after(10)

    assert "CREDENTIALS_REFUSED" in notice.message


def test_a_login_that_is_needed_is_told_ten_seconds_after_it_was_not(untold: Untold) -> None:
    tell_needed(untold.desk, untold.world.account("page"))

    assert [notice.kind for notice in untold.look_after(10)] == ["login_needed"]
