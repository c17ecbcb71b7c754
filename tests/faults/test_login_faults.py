"""Logins under faults: workers that log in at once, die inside a login, or come back with a used link.

SWEEPS=whole lets two workers die in each kind of order without a session; without it in one, in the others one.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from random import Random
from typing import Any

import pytest

from order_router.adapter.errors import NotSent
from order_router.domain.broker_session import SessionState
from order_router.domain.errors import RouterError
from order_router.domain.lifecycle import State
from order_router.domain.notices import notice_key
from order_router.domain.vocabulary import Source
from order_router.service.login_links import LinkInvalid
from order_router.service.logins import finish_login, login_link
from order_router.service.place import StillUnsent, place_order
from order_router.service.reconcile import reconcile_account
from order_router.service.session_desk import SessionDesk
from order_router.service.sessions import LOGIN_LEASE, Wanted, renew, status
from tests.depth import IS_WHOLE
from tests.fakes.clock import MONDAY_MORNING
from tests.fakes.login_world import ADDRESS, LoginWorld
from tests.fakes.told import told_by
from tests.fakes.trading_logins import TradingLogins
from tests.faults.crashes import (
    Crash,
    Crashes,
    CrashingPort,
    CrashingTransport,
    crashing,
    sweep,
)
from tests.simulation.hub import Hub

SEEDS = 60
WORKERS = 5
LOGIN_TAKES_S = 3
WAYS = [(account, source) for account in ("live", "page") for source in (Source.API, Source.ALERT)]
PAIRED = WAYS if IS_WHOLE else [("page", Source.ALERT)]
PORTS = ("settings", "sessions", "credentials", "vault", "records", "tickets", "notifier")
BACK = {"status": "success", "request_token": "canary-request-token"}


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


class Slow:
    """Any port, each of whose calls takes a moment in which others have their turns."""

    def __init__(self, inner: object, pause: Callable[[], None]) -> None:
        self._inner = inner
        self._pause = pause

    def __getattr__(self, method: str) -> Any:
        inner = getattr(self._inner, method)

        def call(*arguments: Any, **named: Any) -> Any:
            self._pause()
            answer = inner(*arguments, **named)
            self._pause()
            return answer

        return call


@dataclass
class Race:
    """Workers side by side on a virtual clock; `most` is how many logins were ever under way at once."""

    seed: int
    outcomes: list[str] = field(default_factory=list)
    under_way: int = 0
    most: int = 0

    def __post_init__(self) -> None:
        self.random = Random(self.seed)  # noqa: S311 - chance, not secrecy
        self.hub = Hub(self.random, MONDAY_MORNING)
        self.world = LoginWorld(clock=self.hub)  # type: ignore[arg-type]
        self.world.server.on_login = self.log_in_slowly

    def log_in_slowly(self) -> None:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        self.hub.pause(int(self.random.random() * LOGIN_TAKES_S * 1_000_000))
        self.under_way -= 1

    def pause(self) -> None:
        self.hub.pause(int(self.random.random() ** 2 * 30_000))

    @property
    def desk(self) -> SessionDesk:
        desk = self.world.desk
        slow: dict[str, Any] = {name: Slow(getattr(desk, name), self.pause) for name in PORTS}
        return replace(desk, **slow)

    def start(self, work: Callable[[SessionDesk], object]) -> Any:
        def run() -> None:
            try:
                work(self.desk)
            except RouterError as error:
                self.outcomes.append(error.code)
            else:
                self.outcomes.append("done")

        return self.hub.spawn("worker", run, after=int(self.random.random() * 500_000))

    def run(self, seconds: float) -> None:
        self.hub.run_until(self.hub.elapsed + int(seconds * 1_000_000))

    def in_a_task[T](self, work: Callable[[], T]) -> T:
        answers: list[T] = []
        self.hub.run_through(self.hub.spawn("test", lambda: answers.append(work())))
        return answers[0]


@pytest.fixture(params=range(SEEDS))
def race(request: pytest.FixtureRequest) -> Iterator[Race]:
    race = Race(request.param)
    yield race
    race.hub.close()


def test_workers_that_renew_at_once_do_one_login_and_all_have_its_session(race: Race) -> None:
    dead = race.world.secrets.put_session("live", "dead")
    for _ in range(WORKERS):
        race.start(lambda desk: renew(desk, "live", Wanted(refused=dead.fingerprint)))

    race.run(60)

    assert race.outcomes == ["done"] * WORKERS
    assert race.world.server.logins == race.most == 1
    assert race.world.token("live") == race.world.server.token


def test_a_login_that_fails_for_one_fails_for_all_who_waited_for_it(race: Race) -> None:
    race.world.server.refuses = ["user"] * WORKERS
    for _ in range(WORKERS):
        race.start(lambda desk: renew(desk, "live"))

    race.run(60)

    assert race.outcomes == ["CREDENTIALS_REFUSED"] * WORKERS
    assert race.world.server.logins == 1
    assert race.world.told() == [("login_failed", "live")]


def test_workers_that_die_inside_a_login_are_followed_by_one(race: Race) -> None:
    tasks = [race.start(lambda desk: renew(desk, "live")) for _ in range(WORKERS)]
    for task in race.random.sample(tasks, 3):
        task.kill_at = int(race.random.random() * 4_000_000)

    race.run(2 * LOGIN_LEASE.total_seconds())
    race.under_way = 0
    race.in_a_task(lambda: renew(race.world.desk, "live"))

    assert race.most == 1
    assert race.world.server.logins <= 1 + 3
    assert race.world.token("live") == race.world.server.token
    after = race.world.records.get("live")
    assert (after.state, after.is_leased(race.hub.now())) == (SessionState.VALID, False)


def test_a_callback_that_comes_several_times_at_once_is_one_login(race: Race) -> None:
    token = race.in_a_task(lambda: login_link(race.world.desk, "page", ADDRESS).url).partition("token=")[2]
    for _ in range(3):
        race.start(lambda desk: finish_login(desk, "page", token, BACK))

    race.run(60)

    assert sorted(race.outcomes) == ["LOGIN_LINK_INVALID", "LOGIN_LINK_INVALID", "done"]
    assert race.world.server.logins == race.most == 1
    assert race.world.token("page") == race.world.server.token


def test_two_people_who_log_in_at_once_leave_the_later_session(race: Race) -> None:
    for _ in range(2):
        token = race.in_a_task(lambda: login_link(race.world.desk, "page", ADDRESS).url).partition("token=")[
            2
        ]
        race.start(partial(finish_login, account_name="page", token=token, answer=BACK))

    race.run(60)

    assert race.outcomes == ["done", "done"]
    assert race.most == 1
    assert race.world.token("page") == race.world.server.token


def crashing_logins(desk: SessionDesk, crashes: Crashes) -> SessionDesk:
    ports: dict[str, Any] = {name: CrashingPort(getattr(desk, name), name, crashes) for name in PORTS}
    return replace(desk, transport=CrashingTransport(desk.transport, crashes), **ports)


def test_a_death_at_any_one_or_two_calls_of_a_login_leaves_one_that_works() -> None:
    def run(crashes: Crashes) -> None:
        world = LoginWorld()
        dead = world.secrets.put_session("live", "dead")
        for _ in range(4):
            try:
                renew(crashing_logins(world.desk, crashes), "live", Wanted(refused=dead.fingerprint))
            except (Crash, NotSent):
                world.clock.advance(LOGIN_LEASE.total_seconds() + 1)
        after = status(world.desk, world.account("live"))
        assert after.state is SessionState.VALID
        assert world.token("live") == world.server.token
        assert world.server.logins <= 1 + len(crashes.points)
        assert not world.records.get("live").is_leased(world.clock.now())

    runs = sweep(run).runs

    print(f"{runs} runs")
    assert runs > 200


def test_a_death_at_any_one_or_two_calls_of_a_failing_login_tells_once_and_spares_the_broker() -> None:
    def run(crashes: Crashes) -> None:
        world = LoginWorld()
        world.server.refuses = ["user"] * 9
        for _ in range(4):
            try:
                renew(crashing_logins(world.desk, crashes), "live")
            except (Crash, NotSent):
                world.clock.advance(LOGIN_LEASE.total_seconds() + 1)
        assert world.server.logins <= 1 + len(crashes.points)
        # what is told twice is one by its key, as the notifier knows it
        assert len({notice_key(notice) for notice in world.notifier.notices}) == 1
        assert set(world.told()) == {("login_failed", "live")}

    assert sweep(run).runs > 100


def test_a_death_at_any_one_or_two_calls_of_a_callback_never_logs_in_twice_with_one_link() -> None:
    def run(crashes: Crashes) -> None:
        world = LoginWorld()
        token = login_link(world.desk, "page", ADDRESS).url.partition("token=")[2]
        logins = []
        for _ in range(3):
            try:
                finish_login(crashing_logins(world.desk, crashes), "page", token, BACK)
            except (Crash, RouterError):
                world.clock.advance(LOGIN_LEASE.total_seconds() + 1)
            logins.append(world.server.logins)
        assert logins[-1] <= 1
        with pytest.raises(LinkInvalid):
            finish_login(world.desk, "page", token, BACK)
        fresh = login_link(world.desk, "page", ADDRESS).url.partition("token=")[2]
        assert finish_login(world.desk, "page", fresh, BACK).state is SessionState.VALID
        assert world.token("page") == world.server.token

    assert sweep(run).runs > 100


@pytest.mark.parametrize(("account", "source"), WAYS)
def test_a_death_at_any_one_or_two_calls_of_an_order_without_a_session_sends_it_once_at_most(
    account: str, source: Source
) -> None:
    def run(crashes: Crashes) -> None:
        trading = TradingLogins()
        trading.log_in(account)
        trading.kill_session()
        command = trading.command(account, source=source)
        for _ in range(5):
            try:
                place_order(crashing(trading.desk, crashes), command)
            except (Crash, StillUnsent):
                trading.clock.advance(2)
            except RouterError:
                break
        for _ in range(3):
            trading.clock.advance(40)
            try:
                reconcile_account(crashing(trading.desk, crashes), account)
            except Crash:
                continue
        require_truth(trading, account)

    is_paired = (account, source) in PAIRED
    runs = sweep(run, is_paired=is_paired).runs

    print(f"{runs} runs")
    assert runs > (1_000 if is_paired else 50)


def require_truth(trading: TradingLogins, account: str) -> None:
    """What the broker holds is one order at most, and ours; where it may hold one, it ended or somebody was told."""
    orders = [order for order, _ in trading.world.store.tables.orders.values()]
    held = trading.at_broker(account)
    assert held <= len(orders) <= 1
    for order in orders:
        assert order.state.is_final or order.state is State.UNKNOWN
        assert held == 0 or order.state in {State.FILLED, State.UNKNOWN}
        assert order.state is not State.UNKNOWN or "unknown" in {one.kind for one in told_by([order])}
