"""Instruments over the API: whose, which, and every wrong question answered with what was expected."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from order_router.api import instruments
from order_router.api.endpoint import answer_event
from order_router.api.http import Answer
from order_router.aws.instrument_lists import InstrumentListsTable
from order_router.aws.listings_search import ListingsSearch
from order_router.aws.listings_table import ListingsTable
from order_router.brokers.paper.profile import profile as paper
from order_router.domain.account import Account
from order_router.domain.errors import Reason
from order_router.domain.instrument_list import Changes, ListState
from order_router.domain.vocabulary import Exchange
from order_router.service.instruments import SearchDesk
from tests.fakes.clock import FakeClock
from tests.fakes.dynamodb import FakeDynamoDB, template_tables
from tests.fakes.instruments import contract, family, share
from tests.fakes.settings import MemorySettings
from tests.unit.api.events import ADMIN, NOBODY, READER, event

TABLE = "InstrumentsTable"
NEVER = datetime(2099, 1, 1, tzinfo=UTC)
PROFILES = {
    "paper": paper,
    "tiny": replace(paper, name="tiny", title="Tiny", has_master=True),
    "other": replace(paper, name="other", title="Other", has_master=True),
    "finder": replace(paper, name="finder", title="Finder", finds_listings=True),
}
ROUTES = {
    "GET /v1/instruments": instruments.list_instruments,
    "GET /v1/instruments/{instrument}": instruments.read_instrument,
    "GET /v1/instruments/refresh": instruments.read_lists,
    "POST /v1/instruments/refresh": instruments.ask_for_refresh,
}


class World:
    """An account at an invented broker with a list, one at the paper broker without."""

    def __init__(self) -> None:
        self.clock, database = FakeClock(), FakeDynamoDB(template_tables())
        self.lists = InstrumentListsTable(database, TABLE, self.clock)
        self.asked: list[tuple[str, bool]] = []
        self.settings = MemorySettings()
        for name, broker in (("paper", "paper"), ("main", "tiny")):
            self.settings.put_account(Account(name=name, broker=broker))
        self.load("tiny")
        self.desk = SearchDesk(
            settings=self.settings,
            broker_of=lambda name: SimpleNamespace(profile=PROFILES[name]),
            listings=ListingsTable(database, TABLE, self.clock).at,
            search=ListingsSearch(database, TABLE),
            queue=SimpleNamespace(put=self._put),
        )

    def _put(self, broker: str, *, takes_any_count: bool) -> None:
        self.asked.append((broker, takes_any_count))

    def load(self, broker: str, state: ListState | None = None) -> None:
        self.lists.replace(broker, [share(), share("M&M"), *family()], NEVER)
        self.lists.begin(broker, "us", NEVER)
        self.lists.end(broker, "us", state or ListState(loaded_at=self.clock.now()))

    def ask(self, route: str, body: object = None, **more: Any) -> Answer:
        made = event(route, body, at=self.clock.now(), **more)
        return answer_event(made, lambda request: ROUTES[route](request, self.desk))

    def find(self, caller: Any = ADMIN, **query: str) -> Answer:
        return self.ask("GET /v1/instruments", query=query, caller=caller)

    def read(self, name: str, caller: Any = ADMIN, **query: str) -> Answer:
        path = {"instrument": name}
        return self.ask("GET /v1/instruments/{instrument}", path=path, query=query, caller=caller)


@pytest.fixture
def world() -> World:
    return World()


def names(answer: Answer) -> list[str]:
    return [row["instrument"] for row in answer.content["instruments"]]


def problem(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.content["code"]


def test_an_instrument_is_told_with_all_that_an_order_must_fit(world: World) -> None:
    listing = contract(strike="9500")

    answer = world.read(str(listing.instrument))

    assert answer.status == 200
    assert answer.content == {
        "instrument": "NFO:NIFTY2611249500CE",
        "instrument_type": "CE",
        "underlying": "NIFTY",
        "expiry": "2026-11-24",
        "strike": "9500",
        "lot_size": 65,
        "tick_size": "0.05",
        "freeze_quantity": 1800,
        "broker": "tiny",
        "broker_symbol": "NIFTY2611249500CE",
        "broker_key": "nfo|NIFTY2611249500CE",
        "legs": [],
    }


def test_a_name_in_a_path_may_be_encoded(world: World) -> None:
    assert world.read("NSE%3AM%26M").content["instrument"] == "NSE:M&M"


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"query": "inf"}, 1),
        ({"query": "NFO:NIFTY"}, 7),
        ({"query": "NSE:NIFTY"}, 0),
        ({"query": "M", "exchange": "NSE"}, 1),
        ({"underlying": "nifty"}, 7),
        ({"underlying": "NIFTY", "expiry": "2026-11-24", "right": "PE"}, 3),
        ({"underlying": "NIFTY", "expiry": "2026-11-24", "strike": "9500.00"}, 2),
        ({"underlying": "NIFTY", "expiry": "2026-11-24", "strike": "9500", "right": "CE"}, 1),
        ({"underlying": "NIFTY", "exchange": "MCX"}, 0),
        ({}, 9),
    ],
)
def test_instruments_are_found_by_name_or_by_parts(world: World, query: dict[str, str], count: int) -> None:
    assert len(names(world.find(**query))) == count


def test_pages_follow_each_other(world: World) -> None:
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = world.find(limit="2", **cursor)
        found += names(page)
        if page.content["next_cursor"] is None:
            break
        cursor = {"cursor": page.content["next_cursor"]}

    assert len(found) == len(set(found)) == 9


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"query": "NIFTY*"}, "query must be letters and digits"),
        ({"query": "x" * 51}, "query must be letters and digits"),
        ({"underlying": "a#b"}, "underlying must be letters and digits"),
        ({"underlying": ""}, "underlying must be letters and digits"),
        ({"exchange": "MOON"}, "exchange must be of NSE"),
        ({"query": "MOON:X"}, "exchange must be of NSE"),
        ({"expiry": "2026-11-24", "strike": "9500"}, "expiry, strike goes with underlying"),
        ({"underlying": "NIFTY", "expiry": "24-Nov-2026"}, "expiry must be a date such as"),
        ({"underlying": "NIFTY", "strike": "-1"}, "strike must be a number such as"),
        ({"underlying": "NIFTY", "strike": "NaN"}, "strike must be a number such as"),
        ({"underlying": "NIFTY", "right": "CALL"}, "right must be of CE, PE, FUT"),
        ({"underlying": "NIFTY", "right": "EQ"}, "right must be of CE, PE, FUT"),
        ({"limit": "0"}, "limit must be 1 to"),
    ],
)
def test_a_wrong_question_is_told_what_was_expected(world: World, query: dict[str, str], words: str) -> None:
    answer = world.find(**query)

    assert problem(answer) == (422, "INVALID_REQUEST")
    assert words in answer.content["detail"]


def test_what_is_not_there_is_not_found(world: World) -> None:
    assert problem(world.read("NSE:NOTHING")) == (404, "NO_SUCH_INSTRUMENT")
    assert problem(world.read("INFY")) == (422, "INVALID_REQUEST")
    assert problem(world.find(cursor="x")) == (400, "INVALID_CURSOR")


def test_a_list_that_was_never_loaded_says_so(world: World) -> None:
    world.settings.put_account(Account(name="second", broker="other"))

    answer = world.read("NSE:INFY", account="second")

    assert problem(answer) == (503, "LISTINGS_UNAVAILABLE")
    assert "never loaded" in answer.content["detail"]
    assert names(world.find(account="second")) == []


def test_an_account_says_which_brokers_instruments_are_meant(world: World) -> None:
    world.settings.put_account(Account(name="second", broker="other"))

    assert "name an account: there are accounts at other, tiny" in world.find().content["detail"]
    assert len(names(world.find(account="main"))) == 9
    assert problem(world.find(account="paper")) == (404, "NO_INSTRUMENT_LIST")
    assert problem(world.find(account="nobody")) == (422, "ACCOUNT_UNKNOWN")


def test_a_caller_sees_instruments_of_its_own_accounts_brokers(world: World) -> None:
    assert problem(world.find(caller=READER)) == (404, "NO_INSTRUMENT_LIST")
    assert problem(world.find(caller=READER, account="main")) == (403, "ACCOUNT_FORBIDDEN")
    assert problem(world.find(caller=NOBODY)) == (401, "API_KEY_UNKNOWN")
    assert problem(world.read("NSE:INFY", caller=NOBODY)) == (401, "API_KEY_UNKNOWN")


def test_what_was_found_on_use_is_read_like_any_other(world: World) -> None:
    world.settings.put_account(Account(name="far", broker="finder"))
    found = world.desk.listings("finder")
    found.keep(share(), world.clock.now() + timedelta(hours=1))  # type: ignore[attr-defined]

    assert world.read("NSE:INFY", account="far").content["broker"] == "finder"


def test_how_the_lists_stand_is_told(world: World) -> None:
    state = ListState(
        loaded_at=datetime(2026, 11, 20, 3, 5, tzinfo=UTC),
        rows={Exchange.NSE: 2},
        expired=1,
        changes=Changes(put=2),
        tried_at=datetime(2026, 11, 23, 3, 5, tzinfo=UTC),
        problem=Reason("MASTER_UNAVAILABLE", "no file"),
    )
    world.load("tiny", state)

    (told,) = world.ask("GET /v1/instruments/refresh").content["lists"]

    assert told == {
        "broker": "tiny",
        "loaded_at": "2026-11-20T03:05:00.000Z",
        "rows": {"NSE": 2},
        "expired": 1,
        "put": 2,
        "deleted": 0,
        "unchanged": 0,
        "write_units": "0",
        "read_s": "0",
        "write_s": "0",
        "tried_at": "2026-11-23T03:05:00.000Z",
        "is_under_way": False,
        "problem": {"code": "MASTER_UNAVAILABLE", "message": "no file"},
    }


def test_a_refresh_is_under_way_until_it_ends_or_could_not_live_any_longer(world: World) -> None:
    world.lists.begin("tiny", "us", world.clock.now() + timedelta(minutes=15))

    def is_under_way() -> bool:
        return bool(world.ask("GET /v1/instruments/refresh").content["lists"][0]["is_under_way"])

    assert is_under_way()
    world.clock.advance(15 * 60)
    assert not is_under_way()


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        (None, [("other", False), ("tiny", False)]),
        ({}, [("other", False), ("tiny", False)]),
        ({"broker": "tiny"}, [("tiny", False)]),
        ({"broker": "tiny", "takes_any_count": True}, [("tiny", True)]),
    ],
)
def test_a_refresh_is_asked_for_and_not_waited_for(world: World, body: Any, asked: list[Any]) -> None:
    world.settings.put_account(Account(name="second", broker="other"))
    world.settings.put_account(Account(name="third", broker="tiny"))

    answer = world.ask("POST /v1/instruments/refresh", body)

    assert (answer.status, answer.content) == (202, {"brokers": [name for name, _ in asked]})
    assert world.asked == asked


@pytest.mark.parametrize(
    ("body", "caller", "told"),
    [
        ({"broker": "paper"}, ADMIN, (422, "BROKER_UNUSED")),
        ({"broker": "unheard-of"}, ADMIN, (422, "BROKER_UNUSED")),
        ({"broker": 5}, ADMIN, (422, "INVALID_REQUEST")),
        ({"force": True}, ADMIN, (422, "INVALID_REQUEST")),
        ("[]", ADMIN, (400, "BODY_UNREADABLE")),
        ({}, READER, (403, "SCOPE_MISSING")),
        ({}, NOBODY, (401, "API_KEY_UNKNOWN")),
    ],
)
def test_a_refresh_that_may_not_be_is_not_asked_for(
    world: World, body: Any, caller: dict[str, str], told: tuple[int, str]
) -> None:
    assert problem(world.ask("POST /v1/instruments/refresh", body, caller=caller)) == told
    assert world.asked == []
