"""How long each thing of a session takes, waits or lasts: just before, at, just after."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from infra.calendar.build import SHIPPED
from order_router.adapter.login import LoginUnclear
from order_router.aws.environment import Environment
from order_router.domain.broker_session import SessionRecord, SessionState, begun_telling, leased
from order_router.domain.trading_calendar import parse_calendar
from order_router.domain.vocabulary import Exchange
from order_router.ports import RecordConflict, RenewalPending, StoreUnavailable
from order_router.service.login_links import LinkInvalid
from order_router.service.logins import broker_page, finish_login, login_link
from order_router.service.session_desk import SessionDesk, change_record
from order_router.service.session_notices import tell_calendar_ends
from order_router.service.sessions import Wanted, keep_alive, look, renew
from tests.fakes.clock import FakeClock
from tests.fakes.login_world import ADDRESS, LoginWorld
from tests.fakes.sessions import MemorySessionRecords

BACK = {"status": "success", "request_token": "canary-request-token"}


class Ended(BaseException):
    """The function was ended where it stood."""


@pytest.fixture
def world() -> LoginWorld:
    return LoginWorld()


def token_of(url: str | None) -> str:
    return parse_qs(urlsplit(url or "").query)["token"][0]


def another_logs_in(world: LoginWorld, account: str, seconds: float) -> None:
    before = world.records.get(account)
    until = world.clock.now() + timedelta(seconds=seconds)
    world.records.write(leased(before, "another", until), replacing=before)


def test_nobody_logs_in_for_75_seconds_after_a_function_that_was_ended_at_it(world: LoginWorld) -> None:
    def end() -> None:
        raise Ended

    world.server.on_login = end
    with pytest.raises(Ended):
        renew(world.desk, "live")
    world.server.on_login = lambda: None
    world.clock.advance(74.999)

    with pytest.raises(RenewalPending):
        renew(world.desk, "live", Wanted(until=world.clock.now()))
    world.clock.advance(0.001)

    assert renew(world.desk, "live", Wanted(until=world.clock.now())).state is SessionState.VALID


@pytest.mark.parametrize(("seconds", "is_sent"), [(60, True), (60.001, False)])
def test_the_last_request_of_a_login_leaves_15_seconds_before_its_lease_ends(
    world: LoginWorld, seconds: float, *, is_sent: bool
) -> None:
    class Slow:
        def log_in(self, send: Any, credentials: Any) -> Any:
            world.clock.advance(seconds)
            return login.log_in(send, credentials)

    login, world.login = world.login, Slow()

    if is_sent:
        assert renew(world.desk, "live").state is SessionState.VALID
    else:
        with pytest.raises(LoginUnclear, match="too old"):
            renew(world.desk, "live")
    assert world.server.logins == int(is_sent)


@pytest.mark.parametrize(("seconds", "is_done"), [(25, True), (25.5, False)])
def test_who_waits_for_another_login_waits_for_25_seconds(
    world: LoginWorld, seconds: float, *, is_done: bool
) -> None:
    another_logs_in(world, "live", seconds)

    if is_done:
        assert renew(world.desk, "live").state is SessionState.VALID
    else:
        with pytest.raises(RenewalPending):
            renew(world.desk, "live")
    assert sum(world.clock.slept) == 25


@pytest.mark.parametrize(("seconds", "is_done"), [(10, True), (10.5, False)])
def test_who_comes_back_from_the_page_waits_for_another_login_for_10_seconds(
    world: LoginWorld, seconds: float, *, is_done: bool
) -> None:
    token = token_of(login_link(world.desk, "page", ADDRESS).url)
    another_logs_in(world, "page", seconds)

    if is_done:
        assert finish_login(world.desk, "page", token, BACK).state is SessionState.VALID
    else:
        with pytest.raises(RenewalPending, match="load this page again"):
            finish_login(world.desk, "page", token, BACK)
    assert sum(world.clock.slept) == 10


def test_a_link_that_was_sent_is_good_for_three_hours(world: LoginWorld) -> None:
    look(world.desk)
    (link,) = [notice.link for notice in world.notifier.notices if notice.account == "page"]

    world.clock.advance(3 * 3600 - 1)
    assert broker_page(world.desk, "page", token_of(link)).startswith("https://broker.example/login")
    world.clock.advance(1)
    with pytest.raises(LinkInvalid):
        broker_page(world.desk, "page", token_of(link))


@pytest.mark.parametrize(("day", "told"), [(10, []), (11, [("calendar_unknown", "all")])])
def test_the_calendar_s_end_is_told_from_three_weeks_before_it(
    world: LoginWorld, day: int, told: list[tuple[str, str]]
) -> None:
    calendar = parse_calendar(SHIPPED.read_text(encoding="utf-8"))
    clock = FakeClock(datetime(2026, 12, day, 2, tzinfo=UTC))

    tell_calendar_ends(replace(world.desk, calendar=lambda: calendar, clock=clock))

    assert world.told() == told


def trading_at(world: LoginWorld, exchanges: dict[str, Exchange]) -> Any:
    """Return where brokers come from, each at one exchange alone."""
    broker_of: Any = world.broker_of

    def trading(name: str) -> Any:
        broker = broker_of(name)
        return type(
            "Broker", (), {"profile": replace(broker.profile, exchanges=frozenset({exchanges[name]}))}
        )

    return trading


def test_only_exchanges_that_an_enabled_account_logs_in_for_make_a_trading_day(world: LoginWorld) -> None:
    exchanges = {
        "invented": Exchange.NSE,
        "paged": Exchange.NYSE,
        "by-hand": Exchange.MCX,
        "paper": Exchange.CDS,
    }

    desk = replace(world.desk, broker_of=trading_at(world, exchanges))
    assert desk.exchanges() == {Exchange.NSE, Exchange.NYSE}

    world.settings.put_account(world.account("page").model_copy(update={"is_enabled": False}))
    assert desk.exchanges() == {Exchange.NSE}


def named_days(world: LoginWorld, at: str, *, exchange: Exchange, **variables: str) -> SessionDesk:
    """Return the desk at this time, every broker at this exchange, with these parameters of the stack."""
    environment = Environment(variables)
    calendar = parse_calendar(SHIPPED.read_text(encoding="utf-8")).changed(environment.trading_days())
    return replace(
        world.desk,
        broker_of=trading_at(world, dict.fromkeys(("invented", "paged", "by-hand", "paper"), exchange)),
        clock=FakeClock(datetime.fromisoformat(at)),
        holidays=environment.trading_holidays,
        calendar=lambda: calendar,
    )


@pytest.mark.parametrize(
    ("exchange", "named", "trades"),
    [
        (Exchange.NSE, {"TRADING_HOLIDAYS": "2026-11-25"}, False),
        (Exchange.NSE, {"TRADING_HOLIDAYS": "2026-11-26"}, True),
        (
            Exchange.NSE,
            {"TRADING_HOLIDAYS": "2026-11-25", "TRADING_SESSIONS": "2026-11-25=18:00-19:15"},
            True,
        ),
        (Exchange.NASDAQ, {"TRADING_HOLIDAYS": "2026-11-25"}, True),
    ],
)
def test_a_named_holiday_is_a_day_without_logins_unless_a_session_is_named_or_others_trade(
    world: LoginWorld, exchange: Exchange, named: dict[str, str], trades: bool
) -> None:
    desk = named_days(world, "2026-11-25T03:00:00+00:00", exchange=exchange, **named)

    looked = look(desk)

    assert desk.is_trading_day() is trades
    assert [one.account for one in looked] == (["live", "paper"] if trades else [])
    assert (("login_needed", "page") in world.told()) is trades


def test_a_login_that_fails_is_told_while_the_united_states_trade_on_a_named_holiday(
    world: LoginWorld,
) -> None:
    evening = "2026-11-25T13:30:00+00:00"
    desk = named_days(world, evening, exchange=Exchange.NASDAQ, TRADING_HOLIDAYS="2026-11-25")
    world.server.refuses = ["user"] * 5

    keep_alive(desk)

    assert ("login_failed", "live") in world.told()


class Busy(MemorySessionRecords):
    """Records that somebody else has just changed, so many times."""

    def __init__(self, conflicts: int) -> None:
        super().__init__()
        self.conflicts = conflicts

    def write(self, record: SessionRecord, *, replacing: SessionRecord) -> SessionRecord:
        if self.conflicts:
            self.conflicts -= 1
            raise RecordConflict(self.get(record.account))
        return super().write(record, replacing=replacing)


def test_a_change_comes_through_after_seven_others_and_gives_up_at_the_eighth(world: LoginWorld) -> None:
    def change(conflicts: int) -> tuple[str, ...]:
        desk = replace(world.desk, records=Busy(conflicts))
        change_record(desk, "live", lambda one: begun_telling(one, "needed", world.clock.now()))
        return tuple(what for what, _ in desk.records.get("live").telling)

    assert change(7) == ("needed",)
    with pytest.raises(StoreUnavailable, match="the session of live: too many conflicts"):
        change(8)
