"""Each death of a session and each failed login reaches the trader, however soon it follows the last; once each."""

from dataclasses import replace

import pytest

from order_router.service.sessions import renew, report_dead
from tests.fakes.login_world import LoginWorld
from tests.fakes.telling_world import TELEGRAM, TellingWorld

MINUTE = 60


class Trader:
    """Who is told by the notifier itself, and what happens to the sessions that it tells of."""

    def __init__(self) -> None:
        self.telling = TellingWorld(TELEGRAM)
        self.world = LoginWorld(clock=self.telling.clock)
        self.desk = replace(self.world.desk, notifier=self.telling.notifier)

    def stores_session(self, account: str, token: str) -> None:
        self.world.secrets.put_session(account, token)
        renew(self.desk, account)
        self.telling.pass_time(5 * MINUTE)

    def finds_session_dead(self, account: str) -> None:
        """Have three orders in a row find it dead."""
        refused = self.world.secrets.session(self.world.account(account)).fingerprint
        for _ in range(3):
            report_dead(self.desk, account, refused)
            self.telling.pass_time(1)

    @property
    def news(self) -> list[tuple[str, str]]:
        return [(telling.notice.kind, telling.notice.account) for telling in self.telling.telegram.said]


@pytest.fixture
def trader() -> Trader:
    return Trader()


@pytest.mark.parametrize("account", ["page", "hand"])
def test_a_session_that_dies_again_within_half_an_hour_is_told_again(trader: Trader, account: str) -> None:
    for token in ("first", "second"):
        trader.stores_session(account, token)
        trader.finds_session_dead(account)

    assert trader.news == [("login_needed", account)] * 2


def test_each_death_brings_a_link_of_its_own(trader: Trader) -> None:
    for token in ("first", "second"):
        trader.stores_session("page", token)
        trader.finds_session_dead("page")

    links = {telling.notice.link for telling in trader.telling.telegram.said}
    assert len(links - {None}) == 2


def test_an_account_that_never_had_a_session_is_told_once(trader: Trader) -> None:
    for _ in range(3):
        report_dead(trader.desk, "page", None)
        trader.telling.pass_time(MINUTE)

    assert trader.news == [("login_needed", "page")]


def test_a_login_that_fails_again_within_half_an_hour_is_told_again(trader: Trader) -> None:
    for token in ("first", "second"):
        trader.stores_session("live", token)
        trader.world.server.refuses = ["user"]
        trader.finds_session_dead("live")

    assert trader.news == [("login_failed", "live")] * 2
