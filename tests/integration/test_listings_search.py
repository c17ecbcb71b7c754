"""Instruments looked for by name or by parts: the pages together are what a person would pick by hand, each once."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from order_router.aws.instrument_lists import InstrumentListsTable
from order_router.aws.listing_record import items_of
from order_router.aws.listings_search import MOST_QUERIES, ListingsSearch
from order_router.domain.errors import RouterError
from order_router.domain.instrument_list import InstrumentQuery, ListState
from order_router.domain.listing import InstrumentType, Listing
from order_router.domain.vocabulary import Exchange
from order_router.ports import StoreUnavailable
from tests.fakes.aws import Wrapped, aws_client, aws_in_memory, make_table
from tests.fakes.client_errors import client_error
from tests.fakes.clock import FakeClock
from tests.fakes.dynamodb import FakeDynamoDB, template_tables
from tests.fakes.instruments import EXPIRY, LISTS, contract, family, share

TABLE, BROKER = "InstrumentsTable", "breeze"
NEVER = datetime(2099, 1, 1, tzinfo=UTC)
LATER = date(2026, 12, 29)
NSE, NFO, MCX = Exchange.NSE, Exchange.NFO, Exchange.MCX
CE, PE, FUT = InstrumentType.CE, InstrumentType.PE, InstrumentType.FUT
ROWS = [share(), share("INFYX"), share("TCS"), *family(), *family(expiry=LATER), *family("BANKNIFTY")]


@pytest.fixture(params=["moto", "fake"])
def client(request: pytest.FixtureRequest) -> Iterator[Any]:
    if request.param == "fake":
        yield FakeDynamoDB(template_tables())
        return
    with aws_in_memory():
        moto = aws_client("dynamodb")
        make_table(moto, TABLE)
        yield moto


@pytest.fixture
def search(client: Any) -> ListingsSearch:
    for broker in (BROKER, "other"):
        for listing in ROWS:
            for item in items_of(broker, listing):
                client.put_item(TableName=TABLE, Item=item)
    return ListingsSearch(client, TABLE)


def query(**asked: Any) -> InstrumentQuery:
    return InstrumentQuery(**{"exchanges": (NFO, NSE)} | asked)


def walk(search: ListingsSearch, asked: InstrumentQuery, limit: int = 3) -> list[Listing]:
    found: list[Listing] = []
    cursor = None
    for _ in range(200):
        page = search.search(BROKER, asked, limit=limit, cursor=cursor)
        assert len(page.listings) <= limit
        found += page.listings
        cursor = page.next_cursor
        if cursor is None:
            return found
    raise AssertionError("the pages never end")


def names(found: list[Listing]) -> list[str]:
    return [listing.instrument.tradingsymbol for listing in found]


def test_names_are_found_by_how_they_begin_exchange_by_exchange(search: ListingsSearch) -> None:
    assert names(walk(search, query(prefix="INFY"))) == ["INFY", "INFYX"]
    assert names(walk(search, query(prefix="T"))) == ["TCS"]
    assert len(walk(search, query())) == len(ROWS)
    assert names(walk(search, query(exchanges=(NSE,)))) == ["INFY", "INFYX", "TCS"]
    assert walk(search, query(prefix="X")) == walk(search, query(exchanges=(MCX,))) == []


def test_a_familys_contracts_are_found_by_expiry_and_by_strike_as_a_number(search: ListingsSearch) -> None:
    found = walk(search, query(underlying="NIFTY"))

    assert [one.expiry for one in found] == [EXPIRY] * 7 + [LATER] * 7
    calls = [one.strike for one in found if one.instrument_type is CE and one.expiry == EXPIRY]
    assert calls == [Decimal(900), Decimal(9500), Decimal(26500)]


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_a_contract_is_found_by_its_parts(search: ListingsSearch, limit: int) -> None:
    def found(**parts: Any) -> set[Listing]:
        rows = walk(search, query(underlying="NIFTY", **parts), limit)
        assert len(rows) == len(set(rows))
        return set(rows)

    november = set(family())
    assert found(expiry=EXPIRY) == november
    assert found(expiry=EXPIRY, contract_type=PE) == {one for one in november if one.instrument_type is PE}
    assert found(expiry=EXPIRY, strike=Decimal("900.00")) == {
        contract(strike="900"),
        contract(kind=PE, strike="900"),
    }
    assert found(expiry=EXPIRY, strike=Decimal(9500), contract_type=CE) == {contract(strike="9500")}
    assert found(expiry=EXPIRY, contract_type=FUT) == {contract(kind=FUT)}
    assert found(expiry=EXPIRY, contract_type=FUT, strike=Decimal(900)) == set()
    assert found(strike=Decimal(900), contract_type=CE) == {
        contract(strike="900"),
        contract(strike="900", expiry=LATER),
    }
    assert found(expiry=date(2026, 11, 25)) == set()
    assert found(prefix="NIFTY2611", contract_type=FUT) == {contract(kind=FUT)}


@st.composite
def _queries(draw: st.DrawFn) -> InstrumentQuery:
    exchanges = draw(st.lists(st.sampled_from([MCX, NFO, NSE]), min_size=1, unique=True))
    prefix = draw(st.sampled_from(["", "", "A", "AB", "NIFTY", "Z"]))
    if draw(st.booleans()):
        return InstrumentQuery(exchanges=tuple(exchanges), prefix=prefix)
    return InstrumentQuery(
        exchanges=tuple(exchanges),
        prefix=prefix,
        underlying=draw(st.sampled_from(["NIFTY", "GOLD"])),
        expiry=draw(st.sampled_from([None, EXPIRY, LATER])),
        strike=draw(st.sampled_from([None, Decimal(900), Decimal("26500.5")])),
        contract_type=draw(st.sampled_from([None, CE, PE, FUT])),
    )


def by_hand(rows: list[Listing], asked: InstrumentQuery) -> list[Listing]:
    parts = ("underlying", "expiry", "strike")
    wanted = {part: getattr(asked, part) for part in parts if getattr(asked, part) is not None}
    is_by_expiry_and_strike = asked.expiry is not None and asked.strike is not None
    return [
        row
        for row in rows
        if row.instrument.exchange in asked.exchanges
        and row.instrument.tradingsymbol.startswith(asked.prefix)
        and all(getattr(row, part) == value for part, value in wanted.items())
        and asked.contract_type in {None, row.instrument_type}
        and not (is_by_expiry_and_strike and row.instrument_type is FUT)
    ]


@settings(max_examples=300, deadline=None)
@given(rows=LISTS, asked=_queries(), limit=st.integers(1, 5))
def test_any_search_finds_what_one_would_pick_by_hand(
    rows: list[Listing], asked: InstrumentQuery, limit: int
) -> None:
    database = FakeDynamoDB(template_tables())
    InstrumentListsTable(database, TABLE, FakeClock()).replace(BROKER, rows, NEVER)

    found = walk(ListingsSearch(database, TABLE), asked, limit)

    wanted = by_hand(rows, asked)
    assert len(found) == len(wanted)
    assert all(row in wanted for row in found)


def test_a_page_asks_a_bounded_number_of_questions() -> None:
    database = FakeDynamoDB(template_tables())
    rows = [contract(strike=str(strike)) for strike in range(100, 200)]
    InstrumentListsTable(database, TABLE, FakeClock()).replace(BROKER, rows, NEVER)
    client = Wrapped(database)

    page = ListingsSearch(client, TABLE).search(BROKER, query(underlying="NIFTY", contract_type=PE), limit=1)

    assert (page.listings, client.calls) == ((), ["query"] * MOST_QUERIES)
    assert page.next_cursor is not None


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "bm90IGpzb24=",
        "WzksIG51bGxd",
        "Wy0xLCBudWxsXQ==",
        "W3RydWUsIG51bGxd",
        "WzAsIDVd",
        "WzAsICJ4Il0=",
    ],
)
def test_a_cursor_that_no_page_gave_is_refused(search: ListingsSearch, cursor: str) -> None:
    with pytest.raises(RouterError) as refused:
        search.search(BROKER, query(), limit=3, cursor=cursor)
    assert refused.value.code == "INVALID_CURSOR"


def test_a_cursor_of_one_brokers_page_does_not_open_anothers(search: ListingsSearch) -> None:
    cursor = search.search("other", query(), limit=3).next_cursor

    with pytest.raises(RouterError) as refused:
        search.search(BROKER, query(), limit=3, cursor=cursor)
    assert refused.value.code == "INVALID_CURSOR"


def test_how_a_list_stands_is_told(search: ListingsSearch, client: Any) -> None:
    lists = InstrumentListsTable(client, TABLE, FakeClock())
    lists.begin(BROKER, "us", NEVER)
    lists.end(BROKER, "us", state := ListState(loaded_at=NEVER, rows={NSE: 5}))

    assert search.state(BROKER) == state
    assert search.state("other") == ListState()


def test_a_failing_table_is_unavailable() -> None:
    def fail(**_: Any) -> Any:
        raise client_error("Query", "InternalServerError", "")

    search = ListingsSearch(Wrapped(object(), query=fail, get_item=fail), TABLE)

    with pytest.raises(StoreUnavailable):
        search.search(BROKER, query(), limit=3)
    with pytest.raises(StoreUnavailable):
        search.state(BROKER)


@pytest.mark.parametrize(
    ("asked", "other"),
    [
        (query(exchanges=(NFO,), prefix="NIFTY"), query(exchanges=(NFO,), prefix="BANK")),
        (
            query(exchanges=(NFO,), underlying="NIFTY", expiry=LATER),
            query(exchanges=(NFO,), underlying="NIFTY", expiry=EXPIRY),
        ),
    ],
)
def test_a_cursor_of_another_search_is_refused(
    search: ListingsSearch, asked: InstrumentQuery, other: InstrumentQuery
) -> None:
    cursor = search.search(BROKER, asked, limit=1).next_cursor
    assert cursor is not None

    with pytest.raises(RouterError) as refused:
        search.search(BROKER, other, limit=1, cursor=cursor)
    assert refused.value.code == "INVALID_CURSOR"
