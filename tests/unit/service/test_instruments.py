"""A refresh as a whole: what is loaded, what stays as it was, and who is told of it, how often."""

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import pytest

from infra.calendar.build import SHIPPED
from order_router.adapter.errors import SessionExpired
from order_router.adapter.http import HttpRequest
from order_router.adapter.master import MasterUnavailable
from order_router.adapter.session import BrokerSession
from order_router.aws.instrument_lists import InstrumentListsTable
from order_router.aws.listings_table import ListingsTable
from order_router.brokers.paper.profile import profile as paper
from order_router.domain.account import Account
from order_router.domain.errors import RouterError
from order_router.domain.instrument_list import Changes, ListState, RefreshUnderWay
from order_router.domain.listing import Listing
from order_router.domain.trading_calendar import parse_calendar
from order_router.domain.vocabulary import Exchange
from order_router.ports import Notice, StoreUnavailable
from order_router.service.instruments import LEASE, BrokerUnused, InstrumentsDesk, ask_for_all, refresh
from tests.fakes.clock import FakeClock
from tests.fakes.dynamodb import FakeDynamoDB, template_tables
from tests.fakes.instruments import EXPIRY, family, share
from tests.fakes.settings import MemorySessions, MemorySettings
from tests.fakes.telling_world import TELEGRAM, TellingWorld

TABLE = "InstrumentsTable"
TINY = replace(paper, name="tiny", title="Tiny", endpoint="https://tiny.example", has_master=True)
PLAIN = replace(paper, name="plain", title="Plain")
PROFILES = {"tiny": TINY, "plain": PLAIN}
ROWS = [share(), share("TCS"), *family()]


@dataclass
class Tiny:
    """An invented broker: `rows` is its list, an error among them breaks off there."""

    rows: list[Any] = field(default_factory=lambda: list(ROWS))
    sessions: list[BrokerSession] = field(default_factory=list)
    clock: FakeClock = field(default_factory=FakeClock)

    def read_instruments(self, download: Any, session: BrokerSession) -> Iterator[Listing]:
        self.sessions.append(session)
        with download(HttpRequest(method="GET", url="https://tiny.example/all")):
            self.clock.advance(2.5)
            for row in self.rows:
                if isinstance(row, Exception):
                    raise row
                yield row


class World:
    """A desk over the fake of DynamoDB; `told` is what the trader heard."""

    def __init__(self) -> None:
        self.clock = FakeClock(datetime(2026, 11, 23, 3, 5, tzinfo=UTC))
        self.tiny = Tiny(clock=self.clock)
        self.database = FakeDynamoDB(template_tables())
        self.settings, self.sessions = MemorySettings(), MemorySessions()
        self.settings.put_account(Account(name="main", broker="tiny"))
        self.told: list[Notice] = []
        self.floors: dict[Exchange, int] = {}
        self.lists = InstrumentListsTable(self.database, TABLE, self.clock)

    def desk(self, lists: Any = None) -> InstrumentsDesk:
        nonces = iter(f"nonce-{number}" for number in range(1000))
        return InstrumentsDesk(
            settings=self.settings,
            sessions=self.sessions,
            broker_of=self.broker_of,
            master_of=lambda _: self.tiny,
            endpoint_of=lambda name: f"https://{name}.example",
            download=lambda _: nullcontext(BytesIO()),
            lists=self.lists if lists is None else lists,
            clock=self.clock,
            notifier=SimpleNamespace(tell=self.told.append),
            nonce=lambda: next(nonces),
            floors=lambda: self.floors,
        )

    def broker_of(self, name: str) -> Any:
        if name not in PROFILES:
            raise RouterError("no such broker", code="UNKNOWN_BROKER")
        return SimpleNamespace(profile=PROFILES[name])

    def refresh(self, **more: Any) -> ListState:
        return refresh(self.desk(), "tiny", **more)

    def stored(self) -> list[Listing]:
        found = ListingsTable(self.database, TABLE, self.clock).at("tiny")
        return [row for row in ROWS if found.stored(row.instrument) == row]


@pytest.fixture
def world() -> World:
    return World()


def test_a_good_list_is_loaded_and_says_what_it_came_to(world: World) -> None:
    expired = [share(f"S{n}") for n in range(20)]
    world.tiny.rows += [*expired, *family("GOLD", EXPIRY - timedelta(days=9))[:1]]

    state = world.refresh()

    assert world.stored() == ROWS
    assert world.lists.state("tiny") == state
    assert (state.loaded_at, state.tried_at) == (world.clock.now(), world.clock.now())
    assert (state.rows, state.expired) == ({Exchange.NSE: 22, Exchange.NFO: 7}, 1)
    assert (state.changes.put, int(state.changes.write_units)) == (29, 2 * 29 + 7)
    assert (state.read_s, state.write_s) == (Decimal("2.5"), Decimal(0))
    assert world.told == []


def test_the_next_day_only_what_changed_is_written(world: World) -> None:
    world.refresh()
    world.clock.advance(86_400)
    world.tiny.rows[0] = share(tick_size=Decimal("0.1"))

    changes = world.refresh().changes

    assert changes == Changes(put=1, unchanged=8, write_units=Decimal(2))


FAULTS: dict[str, tuple[list[Any], str]] = {
    "no file": ([MasterUnavailable("files.tiny.example answered HTTP 404 in place of a file")], "HTTP 404"),
    "half a file": ([share(), MasterUnavailable("all.csv, line 2: expected 9 values, received 3")], "line 2"),
    "a row that is not sound": ([share(), share("TCS", lot_size=0)], "lot_size"),
    "nothing": ([], "the list is empty"),
    "a dead session": ([SessionExpired("log in first")], "log in first"),
    "a defect of the adapter": ([share(), KeyError("canary-7741")], "the list could not be read: KeyError"),
}


@pytest.mark.parametrize(("rows", "words"), FAULTS.values(), ids=FAULTS.keys())
def test_a_list_that_is_bad_or_missing_leaves_what_is_loaded_and_is_told_once_a_day(
    world: World, rows: list[Any], words: str
) -> None:
    loaded = world.refresh()
    before = world.database.items(TABLE)
    world.clock.advance(86_400)
    world.tiny.rows = rows

    kept = world.refresh()
    assert kept == world.lists.state("tiny")
    world.clock.advance(1800)
    world.refresh()

    assert world.stored() == ROWS
    assert [item for item in world.database.items(TABLE) if item["pk"]["S"] != "tiny#list"] == [
        item for item in before if item["pk"]["S"] != "tiny#list"
    ]
    assert (kept.loaded_at, kept.rows) == (loaded.loaded_at, loaded.rows)
    (notice,) = world.told
    assert (notice.kind, notice.account) == ("instruments_not_refreshed", "main")
    assert notice.message.startswith("the instruments of Tiny were not refreshed, those of 2026-11-23 stay: ")
    assert words in notice.message
    assert "canary" not in notice.message

    world.clock.advance(86_400)
    world.refresh()
    assert len(world.told) == 2


def test_a_list_that_fails_as_on_the_day_before_is_news_though_a_day_has_not_quite_passed(
    world: World,
) -> None:
    telling = TellingWorld(TELEGRAM)
    world.tiny.rows = []

    for since_s in (0, 1800, 86_400 - 1800 - 2):
        world.clock.advance(since_s)
        telling.clock.advance(since_s)
        world.refresh()
        for notice in world.told:
            telling.notifier.tell(notice)
        world.told.clear()
        telling.settle()

    assert telling.telegram.kinds == ["instruments_not_refreshed"] * 2


def test_after_a_good_list_the_next_bad_one_is_told_again(world: World) -> None:
    for rows in ([], list(ROWS), []):
        world.tiny.rows = rows
        world.refresh()

    assert len(world.told) == 2
    assert "none were ever loaded" in world.told[0].message
    assert "those of 2026-11-23 stay" in world.told[1].message
    assert world.lists.state("tiny").problem is not None


def test_a_list_much_shorter_than_yesterdays_is_loaded_if_a_person_says_so(world: World) -> None:
    world.tiny.rows = [share(f"S{n}") for n in range(1000)]
    world.refresh()
    world.tiny.rows = world.tiny.rows[:500]

    kept = world.refresh()
    assert kept.problem is not None
    assert "where 1000 are loaded, received 500" in kept.problem.message

    assert world.refresh(takes_any_count=True).rows == {Exchange.NSE: 500}
    assert world.refresh().problem is None


def test_a_list_below_its_floor_is_not_loaded_whoever_says_so(world: World) -> None:
    world.floors = {Exchange.NFO: 8}

    state = world.refresh(takes_any_count=True)

    assert state.problem is not None
    assert state.problem.message == "expected at least 8 rows of NFO, received 7"
    assert (state.loaded_at, world.stored()) == (None, [])


def test_the_session_of_an_account_that_has_one_fetches_the_list(world: World) -> None:
    world.settings.put_account(Account(name="b", broker="tiny"))
    world.settings.put_account(Account(name="a", broker="tiny", is_enabled=False))
    world.sessions.log_in("b", {"token": "x"})
    world.sessions.log_in("a", {"token": "y"})

    world.refresh()

    (session,) = world.tiny.sessions
    assert (session.account, session.endpoint) == ("b", "https://broker.example")


def test_a_list_that_needs_no_session_is_fetched_without_one_for_the_first_account(world: World) -> None:
    world.settings.put_account(Account(name="second", broker="tiny"))

    world.refresh()

    (session,) = world.tiny.sessions
    assert (session.account, session.endpoint, session.secrets) == ("main", "https://tiny.example", {})


@pytest.mark.parametrize("name", ["plain", "tiny", "unheard-of"])
def test_only_lists_of_brokers_in_use_are_refreshed(world: World, name: str) -> None:
    world.settings.put_account(Account(name="main", broker="tiny", is_enabled=False))
    world.settings.put_account(Account(name="other", broker="plain"))

    with pytest.raises(BrokerUnused):
        refresh(world.desk(), name)
    assert world.database.items(TABLE) == []


def test_every_broker_in_use_is_asked_for_once_whatever_else_there_is(world: World) -> None:
    for name, broker in (("a", "tiny"), ("b", "plain"), ("c", "unheard-of")):
        world.settings.put_account(Account(name=name, broker=broker))
    asked: list[str] = []

    names = ask_for_all(world.desk(), SimpleNamespace(put=asked.append))

    assert names == ("tiny",)
    assert asked == ["tiny"]


@pytest.mark.parametrize(
    ("day", "asked"),
    [
        (date(2026, 11, 23), True),
        (date(2026, 12, 25), False),  # Christmas
        (date(2026, 11, 28), False),  # a Saturday
        (date(2026, 2, 1), True),  # a Sunday with a session
        (date(2026, 11, 8), True),  # one whose hours are not known yet
    ],
)
def test_on_a_day_on_which_a_broker_s_exchanges_do_not_trade_its_list_is_not_asked_for(
    world: World, day: date, asked: bool
) -> None:
    world.clock = FakeClock(datetime.combine(day, time(2, 35), tzinfo=UTC))
    kept = parse_calendar(SHIPPED.read_text(encoding="utf-8"))
    queue = SimpleNamespace(put=lambda _: None)

    names = ask_for_all(replace(world.desk(), calendar=lambda: kept), queue)

    assert names == (("tiny",) if asked else ())


def test_two_refreshes_of_one_list_are_one(world: World) -> None:
    world.lists.begin("tiny", "somebody", world.clock.now() + LEASE)

    with pytest.raises(RefreshUnderWay):
        world.refresh()
    assert world.tiny.sessions == []

    world.clock.advance(LEASE.total_seconds())
    assert world.refresh().problem is None


class Failing:
    """The lists, except that writing breaks off."""

    def __init__(self, inner: InstrumentListsTable) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def replace(self, *_: Any) -> Any:
        raise StoreUnavailable("writing instruments: nothing came through in 10 tries")


def test_writing_that_broke_off_is_told_and_tried_again(world: World) -> None:
    with pytest.raises(StoreUnavailable):
        refresh(world.desk(Failing(world.lists)), "tiny")

    state = world.lists.state("tiny")
    assert (state.loaded_at, state.busy_until) == (None, None)
    assert state.problem is not None
    assert state.problem.code == "STORE_UNAVAILABLE"
    assert len(world.told) == 1

    assert world.refresh().problem is None
    assert world.stored() == ROWS


class Ended(BaseException):
    """The function was ended where it stood."""


@dataclass
class Slow:
    """The lists, where writing takes these seconds; `ends` there: the function is ended in the middle of it."""

    world: World
    seconds: float
    ends: bool = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.world.lists, name)

    def replace(self, broker: str, listings: Any, not_after: datetime) -> Changes:
        if self.ends:
            raise Ended
        self.world.clock.advance(self.seconds)
        return self.world.lists.replace(broker, listings, not_after)


def test_reading_and_writing_are_timed_each_for_itself(world: World) -> None:
    state = refresh(world.desk(Slow(world, 1.25)), "tiny")

    assert (state.read_s, state.write_s) == (Decimal("2.5"), Decimal("1.25"))


def test_writing_goes_on_for_fourteen_minutes_since_the_refresh_began_and_no_longer(world: World) -> None:
    until_written = 14 * 60 - 2.5

    with pytest.raises(StoreUnavailable, match="the time for it is over"):
        refresh(world.desk(Slow(world, until_written)), "tiny")
    assert world.stored() == []

    assert refresh(world.desk(Slow(world, until_written - 0.001)), "tiny").problem is None
    assert world.stored() == ROWS


def test_a_list_whose_refresh_was_ended_is_refreshed_again_once_no_function_can_still_be_at_it(
    world: World,
) -> None:
    began_at = world.clock.now()
    with pytest.raises(Ended):
        refresh(world.desk(Slow(world, 0, ends=True)), "tiny")
    next_function = replace(world.desk(), nonce=lambda: "another")
    free_at = began_at + timedelta(minutes=15, seconds=5)
    world.clock.advance((free_at - world.clock.now()).total_seconds() - 0.001)

    with pytest.raises(RefreshUnderWay):
        refresh(next_function, "tiny")
    world.clock.advance(0.001)

    assert refresh(next_function, "tiny").problem is None
