"""Each death of a session and each failed login reaches the trader, however soon it follows the last; once each."""

import runpy
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import pytest
from botocore.exceptions import EndpointConnectionError

from order_router import wiring
from order_router.aws.notice_queue import QueueNotifier
from order_router.service.session_notices import tell_untold
from order_router.service.sessions import look, renew, report_dead
from tests.fakes.login_world import ADDRESS, LoginWorld
from tests.fakes.telling_world import TELEGRAM, TellingWorld

MINUTE = 60
APP = Path(__file__).resolve().parents[3] / "functions" / "session" / "app.py"


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


DAY = 24 * 60 * MINUTE


def test_each_morning_without_a_session_is_told_once_with_a_link_of_its_own(trader: Trader) -> None:
    for _ in range(2):
        for _ in range(3):
            look(trader.desk)
            trader.telling.pass_time(60 * MINUTE)
        trader.telling.pass_time(DAY - 180 * MINUTE)

    of_page = [telling.notice for telling in trader.telling.telegram.said if telling.notice.account == "page"]
    assert [notice.kind for notice in of_page] == ["login_needed"] * 2
    assert len({notice.link for notice in of_page}) == 2


def test_a_login_that_fails_as_on_the_day_before_is_told_again_in_the_morning(trader: Trader) -> None:
    trader.world.server.refuses = ["user"] * 2
    look(trader.desk)
    trader.telling.pass_time(8 * 60 * MINUTE)
    assert trader.news.count(("login_failed", "live")) == 1

    trader.telling.pass_time(16 * 60 * MINUTE)
    look(trader.desk)
    trader.telling.pass_time(MINUTE)

    assert trader.news.count(("login_failed", "live")) == 2


class Down:
    """A client of a queue that does not answer."""

    def send_message(self, **_: object) -> None:
        raise EndpointConnectionError(endpoint_url="https://sqs.test")


@pytest.mark.parametrize(("account", "kind"), [("page", "login_needed"), ("live", "login_failed")])
def test_what_cannot_be_queued_is_told_by_the_next_schedule_as_news(
    trader: Trader, account: str, kind: str
) -> None:
    trader.stores_session(account, "first")
    trader.world.server.refuses = ["user"]
    down = replace(trader.desk, notifier=QueueNotifier(Down, "notices", trader.world.clock))
    refused = trader.world.secrets.session(trader.world.account(account)).fingerprint
    report_dead(down, account, refused)
    for _ in range(3):
        trader.telling.pass_time(MINUTE)
        tell_untold(down)
    assert trader.news == []

    made = SimpleNamespace(session_desk=trader.desk, seen_address=lambda: "")
    with patch.object(wiring, "world", lambda: made):
        handler = runpy.run_path(str(APP))["handler"]
    for _ in range(3):
        handler({"source": "keep-alive", "address": ADDRESS}, None)
        trader.telling.pass_time(MINUTE)

    assert [news for news in trader.news if news[1] == account] == [(kind, account)]
    assert trader.world.records.get(account).telling == ()


def test_whoever_finds_it_dead_meanwhile_leaves_the_telling_to_who_began_it(trader: Trader) -> None:
    trader.stores_session("page", "first")
    down = replace(trader.desk, notifier=QueueNotifier(Down, "notices", trader.world.clock))
    refused = trader.world.secrets.session(trader.world.account("page")).fingerprint
    report_dead(down, "page", refused)

    report_dead(trader.desk, "page", refused)
    trader.telling.pass_time(9)
    report_dead(trader.desk, "page", refused)
    assert trader.news == []

    trader.telling.pass_time(1)
    report_dead(trader.desk, "page", refused)
    trader.telling.pass_time(1)
    assert trader.news == [("login_needed", "page")]


def test_what_was_to_be_told_before_a_login_is_not_told_after_it(trader: Trader) -> None:
    trader.stores_session("page", "first")
    down = replace(trader.desk, notifier=QueueNotifier(Down, "notices", trader.world.clock))
    report_dead(down, "page", trader.world.secrets.session(trader.world.account("page")).fingerprint)

    trader.stores_session("page", "second")
    tell_untold(trader.desk)
    trader.telling.pass_time(1)

    assert trader.news == []
