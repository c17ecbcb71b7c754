"""Instruments as an order and a book look them up: how many reads that costs, and what is remembered how long."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from order_router.adapter.listings import ListingsUnavailable
from order_router.aws.listing_record import items_of, key_of_state
from order_router.aws.listings_table import ABSENT_LIFE, FOUND_LIFE, BrokerListings, ListingsTable
from order_router.domain.instrument import Instrument, parse_instrument
from order_router.domain.listing import InstrumentType, Leg, Listing
from order_router.domain.vocabulary import Side
from tests.fakes.aws import Wrapped, aws_client, aws_in_memory, make_table
from tests.fakes.client_errors import client_error
from tests.fakes.clock import FakeClock
from tests.fakes.dynamodb import FakeDynamoDB, template_tables

TABLE = "InstrumentsTable"
INFY = Listing(
    instrument=parse_instrument("NSE:INFY"),
    instrument_type=InstrumentType.EQ,
    broker_symbol="INFTEC",
    broker_key="nse|1594",
    tick_size=Decimal("0.05"),
)
CALL = Listing(
    instrument=parse_instrument("NFO:NIFTY26NOV26500CE"),
    instrument_type=InstrumentType.CE,
    broker_symbol="NIFTY26NOV26500CE",
    broker_key="nfo|54321",
    tick_size=Decimal("0.05"),
    lot_size=65,
    freeze_quantity=1800,
    underlying="NIFTY",
    expiry=date(2026, 11, 24),
    strike=Decimal("26500.5"),
)


@pytest.fixture(params=["moto", "fake"])
def client(request: pytest.FixtureRequest) -> Iterator[Wrapped]:
    if request.param == "fake":
        yield Wrapped(FakeDynamoDB(template_tables()))
        return
    with aws_in_memory():
        moto = aws_client("dynamodb")
        make_table(moto, TABLE)
        yield Wrapped(moto)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def listings(client: Wrapped, clock: FakeClock) -> BrokerListings:
    client.put_item(TableName=TABLE, Item=key_of_state("breeze") | {"loaded_at": {"S": "2026-11-23"}})
    client.calls.clear()
    return ListingsTable(client, TABLE, clock).at("breeze")


def store(client: Wrapped, *listings: Listing, broker: str = "breeze") -> None:
    for listing in listings:
        for item in items_of(broker, listing):
            client.put_item(TableName=TABLE, Item=item)
    client.calls.clear()


def replaced(client: Wrapped, name: str, call: Any) -> Any:
    return Wrapped(client, **{name: call})


@pytest.mark.parametrize("listing", [INFY, CALL], ids=["share", "option"])
def test_a_listing_comes_back_as_it_was_stored_with_one_read(
    client: Wrapped, listings: BrokerListings, listing: Listing
) -> None:
    store(client, INFY, CALL)

    assert listings.of(listing.instrument) == listing
    assert client.calls == ["get_item"]


def test_what_was_found_is_remembered_and_read_again_when_its_time_is_over(
    client: Wrapped, listings: BrokerListings, clock: FakeClock
) -> None:
    store(client, INFY)
    listings.of(INFY.instrument)
    store(client, changed := replace(INFY, tick_size=Decimal("0.1")))

    clock.advance(FOUND_LIFE.total_seconds() - 1)
    assert listings.of(INFY.instrument) == INFY
    assert client.calls == []

    clock.advance(1)
    assert listings.of(INFY.instrument) == changed
    assert client.calls == ["get_item"]


def test_what_is_not_there_is_remembered_for_seconds(
    client: Wrapped, listings: BrokerListings, clock: FakeClock
) -> None:
    assert listings.of(INFY.instrument) is None
    store(client, INFY)

    clock.advance(ABSENT_LIFE.total_seconds() - 1)
    assert listings.of(INFY.instrument) is None

    clock.advance(1)
    assert listings.of(INFY.instrument) == INFY


def test_no_broker_sees_anothers_instruments(client: Wrapped, listings: BrokerListings) -> None:
    store(client, INFY, broker="kotak")

    assert listings.of(INFY.instrument) is None
    assert listings.named([INFY.broker_key]) == {}


def test_before_the_first_list_nothing_is_said_to_be_unknown(client: Wrapped, clock: FakeClock) -> None:
    listings = ListingsTable(client, TABLE, clock).at("kotak")
    begun = key_of_state("kotak") | {"busy_until": {"S": "2026-11-23T04:31:00Z"}}

    for _ in ("never tried", "first one under way"):
        with pytest.raises(ListingsUnavailable, match="the instruments of kotak were never loaded"):
            listings.of(INFY.instrument)
        client.put_item(TableName=TABLE, Item=begun)
        clock.advance(ABSENT_LIFE.total_seconds())


def test_a_hundred_keys_are_one_read_and_known_ones_none(client: Wrapped, listings: BrokerListings) -> None:
    many = [
        replace(INFY, instrument=Instrument(INFY.instrument.exchange, f"S{n}"), broker_key=f"nse|{n}")
        for n in range(150)
    ]
    store(client, *many)
    keys = [one.broker_key for one in many]

    assert listings.named(keys[:100]) == {one.broker_key: one for one in many[:100]}
    assert client.calls == ["batch_get_item"]
    client.calls.clear()

    assert listings.named([*keys, "nse|lost", *keys[:20]]) == {one.broker_key: one for one in many}
    assert client.calls == ["batch_get_item"]
    client.calls.clear()

    assert len(listings.named(keys)) == 150
    assert listings.named(["nse|lost"]) == {}
    assert client.calls == []


def test_a_key_that_no_table_could_hold_is_one_that_is_not_there(
    client: Wrapped, listings: BrokerListings
) -> None:
    assert listings.named(["", "x" * 1025]) == {}
    assert client.calls == []


def test_what_a_batch_leaves_over_is_asked_for_again(client: Wrapped, clock: FakeClock) -> None:
    store(client, INFY, CALL)
    asked: list[int] = []

    def one_at_a_time(RequestItems: Any) -> Any:  # noqa: N803 - as botocore calls it
        keys = RequestItems[TABLE]["Keys"]
        asked.append(len(keys))
        answer = client.batch_get_item(RequestItems={TABLE: {"Keys": keys[:1]}})
        return answer | {"UnprocessedKeys": {TABLE: {"Keys": keys[1:]}} if keys[1:] else {}}

    table = ListingsTable(replaced(client, "batch_get_item", one_at_a_time), TABLE, clock)

    assert len(table.at("breeze").named([INFY.broker_key, CALL.broker_key])) == 2
    assert asked == [2, 1]
    assert len(clock.slept) == 1


def test_a_table_that_stays_busy_is_unavailable(client: Wrapped, clock: FakeClock) -> None:
    def busy(RequestItems: Any) -> Any:  # noqa: N803 - as botocore calls it
        return {"Responses": {}, "UnprocessedKeys": RequestItems}

    table = ListingsTable(replaced(client, "batch_get_item", busy), TABLE, clock)

    with pytest.raises(ListingsUnavailable, match="the table is busy"):
        table.at("breeze").named(["nse|1"])
    assert sum(clock.slept) < 4


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (client_error("GetItem", "ThrottlingException", "slow down"), "ThrottlingException"),
        (ReadTimeoutError(endpoint_url="https://dynamodb"), "ReadTimeoutError"),
    ],
)
def test_a_failing_table_is_unavailable_and_nothing_of_it_is_remembered(
    client: Wrapped, listings: BrokerListings, clock: FakeClock, error: Exception, words: str
) -> None:
    store(client, INFY)
    failing = [True]

    def get_item(**request: Any) -> Any:
        if failing[0]:
            raise error
        return client.get_item(**request)

    table = ListingsTable(replaced(client, "get_item", get_item), TABLE, clock)
    with pytest.raises(ListingsUnavailable, match=words):
        table.at("breeze").of(INFY.instrument)

    failing[0] = False
    assert table.at("breeze").of(INFY.instrument) == INFY


@pytest.mark.parametrize("document", ["", "{}", "[]", "not json", '{"instrument":"MOON:X"}'])
def test_a_row_that_cannot_be_read_is_no_missing_instrument(
    client: Wrapped, listings: BrokerListings, document: str
) -> None:
    (_, row) = items_of("breeze", INFY)
    client.put_item(TableName=TABLE, Item=row | {"document": {"S": document}})

    with pytest.raises(ListingsUnavailable, match="INFY at breeze"):
        listings.of(INFY.instrument)


def test_a_listing_found_by_itself_is_kept_until_its_end(
    client: Wrapped, listings: BrokerListings, clock: FakeClock
) -> None:
    listings.keep(CALL, clock.now() + timedelta(hours=1))
    client.calls.clear()

    assert listings.stored(CALL.instrument) == CALL
    assert listings.named([CALL.broker_key]) == {CALL.broker_key: CALL}
    assert client.calls == []

    clock.advance(3599)
    assert listings.stored(CALL.instrument) == CALL

    clock.advance(1)
    assert listings.stored(CALL.instrument) is None
    assert listings.named([CALL.broker_key]) == {}


SPREAD = Listing(
    instrument=parse_instrument("COMBO:SPREAD"),
    instrument_type=InstrumentType.COMBO,
    broker_symbol="1;;;2/1,3/-1",
    broker_key="1;2/1,3/-1",
    tick_size=Decimal("0.01"),
    legs=(
        Leg(instrument=INFY.instrument, side=Side.BUY, ratio=1),
        Leg(instrument=CALL.instrument, side=Side.SELL, ratio=2),
    ),
)


@pytest.mark.parametrize(
    "other",
    [
        replace(SPREAD, broker_symbol="1;;;2/2,3/-1", broker_key="1;2/2,3/-1"),
        replace(SPREAD, instrument=parse_instrument("COMBO:SECOND")),
    ],
    ids=["same name", "same legs"],
)
def test_a_combination_is_stored_with_its_legs_once_and_nothing_takes_its_place(
    client: Wrapped, listings: BrokerListings, clock: FakeClock, other: Listing
) -> None:
    assert listings.define(SPREAD, None)
    assert listings.define(SPREAD, None)
    assert not listings.define(other, None)

    elsewhere = ListingsTable(client, TABLE, clock).at("breeze")
    assert elsewhere.of(SPREAD.instrument) == SPREAD
    assert elsewhere.named([SPREAD.broker_key, other.broker_key]) == {SPREAD.broker_key: SPREAD}


def test_a_table_that_fails_while_it_defines_says_so(client: Wrapped, clock: FakeClock) -> None:
    def fail(**_: Any) -> Any:
        raise client_error("TransactWriteItems", "ThrottlingException", "slow down")

    table = ListingsTable(replaced(client, "transact_write_items", fail), TABLE, clock)

    with pytest.raises(ListingsUnavailable, match="ThrottlingException"):
        table.at("breeze").define(SPREAD, None)


def test_a_combination_that_nobody_defined_is_none_though_no_list_was_ever_loaded(
    client: Wrapped, clock: FakeClock
) -> None:
    assert ListingsTable(client, TABLE, clock).at("ibkr").of(SPREAD.instrument) is None
