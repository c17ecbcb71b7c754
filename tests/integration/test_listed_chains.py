"""The options of one expiry among what a broker lists: the table on moto and on our fake, and listings in memory."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from order_router.adapter.listings import Listings, ListingsUnavailable
from order_router.aws.listing_record import items_of
from order_router.aws.listings_table import ListingsTable
from order_router.domain.instrument import Instrument
from order_router.domain.listing import InstrumentType, Listing
from order_router.domain.vocabulary import Exchange
from tests.fakes.aws import Wrapped, aws_client, aws_in_memory, make_table
from tests.fakes.clock import FakeClock
from tests.fakes.dynamodb import FakeDynamoDB, template_tables
from tests.fakes.instruments import EXPIRY, contract, family, share
from tests.fakes.listed import put_listings
from tests.fakes.listings import MemoryListings

TABLE = "InstrumentsTable"
LISTED = [
    share(),
    *family(),
    *family("BANKNIFTY"),
    *family(expiry=date(2026, 12, 29)),
    contract(strike="26500.5"),
    contract(instrument=Instrument(Exchange.BFO, "NIFTY1"), broker_key="bfo|1"),
]
Make = Callable[[list[Listing]], Listings]


@pytest.fixture
def moto() -> Iterator[Any]:
    with aws_in_memory():
        client = aws_client("dynamodb")
        make_table(client, TABLE)
        yield client


@pytest.fixture(params=["moto", "fake", "memory"])
def make(request: pytest.FixtureRequest) -> Make:
    """Return what makes the listings of a broker that lists these and nothing else."""
    if request.param == "memory":
        return MemoryListings
    client = FakeDynamoDB(template_tables()) if request.param == "fake" else request.getfixturevalue("moto")

    def stored(listings: list[Listing]) -> Listings:
        put_listings(client, TABLE, "kite", listings)
        put_listings(client, TABLE, "kotak", [contract(strike="27000", broker_key="other")])
        return ListingsTable(client, TABLE, FakeClock()).at("kite")

    return stored


def test_a_chain_is_the_calls_and_puts_of_one_underlying_and_day_by_strike(make: Make) -> None:
    chain = make(LISTED).chain(Exchange.NFO, "NIFTY", EXPIRY)

    assert [(str(one.strike), one.instrument_type) for one in chain] == [
        ("900", "CE"),
        ("900", "PE"),
        ("9500", "CE"),
        ("9500", "PE"),
        ("26500", "CE"),
        ("26500", "PE"),
        ("26500.5", "CE"),
    ]
    assert {(one.underlying, one.expiry, one.instrument.exchange) for one in chain} == {
        ("NIFTY", EXPIRY, Exchange.NFO)
    }


@pytest.mark.parametrize(
    ("exchange", "underlying", "expiry"),
    [
        (Exchange.NFO, "NIFT", EXPIRY),
        (Exchange.NFO, "INFY", EXPIRY),
        (Exchange.BFO, "BANKNIFTY", EXPIRY),
        (Exchange.NFO, "NIFTY", date(2026, 11, 2)),
    ],
)
def test_what_is_not_listed_has_no_chain(
    make: Make, exchange: Exchange, underlying: str, expiry: date
) -> None:
    assert make(LISTED).chain(exchange, underlying, expiry) == ()


def test_futures_alone_are_no_chain(make: Make) -> None:
    assert make([contract(kind=InstrumentType.FUT)]).chain(Exchange.NFO, "NIFTY", EXPIRY) == ()


def test_a_chain_is_one_query() -> None:
    client = Wrapped(FakeDynamoDB(template_tables()))
    put_listings(client, TABLE, "kite", LISTED)
    client.calls.clear()

    ListingsTable(client, TABLE, FakeClock()).at("kite").chain(Exchange.NFO, "NIFTY", EXPIRY)

    assert client.calls == ["query"]


def test_a_chain_of_several_pages_is_whole() -> None:
    client = FakeDynamoDB(template_tables())
    put_listings(client, TABLE, "kite", LISTED)

    def three_at_a_time(**request: Any) -> Any:
        return client.query(**request | {"Limit": 3})

    paged = Wrapped(client, query=three_at_a_time)
    chain = ListingsTable(paged, TABLE, FakeClock()).at("kite").chain(Exchange.NFO, "NIFTY", EXPIRY)

    assert len(chain) == 7
    assert len(paged.calls) >= 3


def test_before_the_first_list_no_chain_is_said_to_be_empty() -> None:
    table = ListingsTable(FakeDynamoDB(template_tables()), TABLE, FakeClock())

    with pytest.raises(ListingsUnavailable, match="never loaded"):
        table.at("kite").chain(Exchange.NFO, "NIFTY", EXPIRY)


def test_a_row_that_has_ended_is_in_no_chain() -> None:
    clock = FakeClock()
    client = FakeDynamoDB(template_tables())
    kept = contract(strike="26500")
    put_listings(client, TABLE, "kite", [replace(kept, strike=Decimal(9500)), kept])
    for item in items_of("kite", kept):
        ends = {"expires_at": {"N": str(int(clock.now().timestamp()))}}
        client.put_item(TableName=TABLE, Item=item | ends)

    assert ListingsTable(client, TABLE, clock).at("kite").chain(Exchange.NFO, "NIFTY", EXPIRY) == ()
