"""One list replaced by another: afterwards the table holds just the new one, and only what differs was written."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError
from hypothesis import given, settings

from order_router.aws.batch_writer import TRIES
from order_router.aws.instrument_lists import InstrumentListsTable
from order_router.aws.listing_record import items_of
from order_router.domain.errors import Reason
from order_router.domain.instrument_list import Changes, ListState, RefreshUnderWay
from order_router.domain.listing import Listing
from order_router.domain.vocabulary import Exchange
from order_router.ports import StoreUnavailable
from tests.fakes.aws import Wrapped, aws_client, aws_in_memory, make_table
from tests.fakes.client_errors import client_error
from tests.fakes.clock import FakeClock
from tests.fakes.dynamodb import FakeDynamoDB, template_tables
from tests.fakes.instruments import LISTS, contract, family, share

TABLE, BROKER = "InstrumentsTable", "breeze"
NEVER = datetime(2099, 1, 1, tzinfo=UTC)
SHARES = [share(f"S{number}") for number in range(60)]
STATE = ListState(
    loaded_at=datetime(2026, 11, 23, 3, 5, 1, 250000, tzinfo=UTC),
    rows={Exchange.NSE: 60, Exchange.NFO: 7},
    expired=2,
    changes=Changes(put=67, deleted=1, unchanged=3, write_units=Decimal("141.0")),
    read_s=Decimal("3.125"),
    write_s=Decimal("10.5"),
    tried_at=datetime(2026, 11, 23, 3, 5, 1, 250000, tzinfo=UTC),
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
def lists(client: Wrapped, clock: FakeClock) -> InstrumentListsTable:
    return InstrumentListsTable(client, TABLE, clock)


def by_key(items: Any) -> dict[tuple[str, str], Any]:
    return {(item["pk"]["S"], item["sk"]["S"]): item for item in items}


def rows_of(listings: list[Listing], broker: str = BROKER) -> dict[tuple[str, str], Any]:
    return by_key(item for listing in listings for item in items_of(broker, listing))


def stored(client: Wrapped) -> dict[tuple[str, str], Any]:
    is_fake = isinstance(client._client, FakeDynamoDB)
    return by_key(client.items(TABLE) if is_fake else client.scan(TableName=TABLE)["Items"])


@settings(max_examples=300, deadline=None)
@given(old=LISTS, new=LISTS)
def test_any_list_over_any_other_leaves_just_the_new_one(old: list[Listing], new: list[Listing]) -> None:
    database = FakeDynamoDB(template_tables())
    lists = InstrumentListsTable(database, TABLE, FakeClock())
    lists.replace("other", old, NEVER)

    lists.replace(BROKER, old, NEVER)
    changes = lists.replace(BROKER, new, NEVER)

    before, after = rows_of(old), rows_of(new)
    assert by_key(database.items(TABLE)) == after | rows_of(old, "other")
    names = {listing.instrument: listing for listing in old}
    assert changes.unchanged == sum(names.get(listing.instrument) == listing for listing in new)
    assert changes.put == len(new) - changes.unchanged
    assert changes.deleted == len(names.keys() - {listing.instrument for listing in new})
    assert (changes.write_units == 0) is (before == after)


def test_a_list_is_written_in_batches_and_the_same_list_again_not_at_all(
    client: Wrapped, lists: InstrumentListsTable
) -> None:
    first = lists.replace(BROKER, [*SHARES, *family()], NEVER)
    batches = client.calls.count("batch_write_item")
    again = lists.replace(BROKER, [*family(), *reversed(SHARES)], NEVER)

    assert (first.put, first.deleted, first.unchanged) == (67, 0, 0)
    assert batches == 6
    assert again == Changes(unchanged=67)
    assert client.calls.count("batch_write_item") == batches
    assert stored(client) == rows_of([*SHARES, *family()])


def test_a_change_costs_its_rows_and_their_index_alone() -> None:
    lists = InstrumentListsTable(FakeDynamoDB(template_tables()), TABLE, FakeClock())
    rows = [*SHARES, *family()]

    first = lists.replace(BROKER, rows, NEVER)
    second = lists.replace(BROKER, [*rows[1:], replace(rows[0], lot_size=5)], NEVER)
    third = lists.replace(BROKER, [*rows[1:-1], replace(rows[-1], lot_size=5)], NEVER)

    # two rows a listing, and a contract's place in the index
    assert first.write_units == 2 * 67 + 7
    assert second.write_units == 2
    assert third.write_units == 2 + 3


def test_a_table_of_many_pages_is_compared_to_its_end(clock: FakeClock) -> None:
    database = FakeDynamoDB(template_tables())

    def query(**request: Any) -> Any:
        return database.query(Limit=7, **request)

    lists = InstrumentListsTable(Wrapped(database, query=query), TABLE, clock)
    lists.replace(BROKER, SHARES, NEVER)
    new = [*SHARES[5:20], *SHARES[25:], *(share(f"S3{n}X") for n in range(10)), contract()]

    lists.replace(BROKER, new, NEVER)

    assert by_key(database.items(TABLE)) == rows_of(new)


def test_what_a_batch_leaves_over_is_written_after_a_pause(client: Wrapped, clock: FakeClock) -> None:
    def most_left_over(RequestItems: Any, **request: Any) -> Any:  # noqa: N803 - as botocore calls it
        requests = RequestItems[TABLE]
        answer = client.batch_write_item(RequestItems={TABLE: requests[:10]}, **request)
        return answer | {"UnprocessedItems": {TABLE: requests[10:]} if requests[10:] else {}}

    lists = InstrumentListsTable(Wrapped(client, batch_write_item=most_left_over), TABLE, clock)

    lists.replace(BROKER, SHARES, NEVER)

    assert stored(client) == rows_of(SHARES)
    assert 0 < sum(clock.slept) < 1


@pytest.mark.parametrize("is_done", [True, False])
@pytest.mark.parametrize(
    "error",
    [
        client_error("BatchWriteItem", "ProvisionedThroughputExceededException", "slow down"),
        client_error("BatchWriteItem", "InternalServerError", "", ResponseMetadata={"HTTPStatusCode": 500}),
        ReadTimeoutError(endpoint_url="https://dynamodb"),
    ],
)
def test_a_write_that_may_have_failed_for_the_moment_is_repeated(
    client: Wrapped, clock: FakeClock, error: Exception, *, is_done: bool
) -> None:
    calls: list[int] = []

    def first_two_fail(**request: Any) -> Any:
        calls.append(len(request["RequestItems"][TABLE]))
        if len(calls) > 2 or is_done:
            answer = client.batch_write_item(**request)
        if len(calls) <= 2:
            raise error
        return answer

    lists = InstrumentListsTable(Wrapped(client, batch_write_item=first_two_fail), TABLE, clock)

    lists.replace(BROKER, SHARES[:10], NEVER)

    assert stored(client) == rows_of(SHARES[:10])
    assert calls[:3] == [10, 10, 10]


def test_a_write_that_is_refused_ends_the_refresh(client: Wrapped, clock: FakeClock) -> None:
    def refused(**_: Any) -> Any:
        raise client_error("BatchWriteItem", "AccessDeniedException", "no")

    lists = InstrumentListsTable(Wrapped(client, batch_write_item=refused), TABLE, clock)

    with pytest.raises(StoreUnavailable, match="AccessDeniedException"):
        lists.replace(BROKER, SHARES, NEVER)
    assert clock.slept == []


def test_a_table_that_takes_nothing_is_given_up(client: Wrapped, clock: FakeClock) -> None:
    def nothing(RequestItems: Any, **_: Any) -> Any:  # noqa: N803 - as botocore calls it
        return {"UnprocessedItems": RequestItems}

    lists = InstrumentListsTable(Wrapped(client, batch_write_item=nothing), TABLE, clock)

    with pytest.raises(StoreUnavailable, match="nothing came through in 10 tries"):
        lists.replace(BROKER, SHARES, NEVER)
    assert len(clock.slept) == TRIES - 1
    assert sum(clock.slept) < 30


def test_writing_ends_when_its_time_is_over(client: Wrapped, clock: FakeClock) -> None:
    def slow(**request: Any) -> Any:
        clock.advance(10)
        return client.batch_write_item(**request)

    lists = InstrumentListsTable(Wrapped(client, batch_write_item=slow), TABLE, clock)

    with pytest.raises(StoreUnavailable, match="the time for it is over"):
        lists.replace(BROKER, SHARES, clock.now() + timedelta(seconds=20))
    assert len(stored(client)) == 50


def test_a_list_is_refreshed_by_one_at_a_time(lists: InstrumentListsTable, clock: FakeClock) -> None:
    until = clock.now() + timedelta(minutes=15)

    assert lists.begin(BROKER, "first", until).loaded_at is None
    assert lists.begin(BROKER, "first", until) == ListState(busy_until=until)
    lists.begin("other", "second", until)
    with pytest.raises(RefreshUnderWay, match="breeze"):
        lists.begin(BROKER, "second", until)

    clock.advance(15 * 60)
    lists.begin(BROKER, "second", clock.now() + timedelta(minutes=15))
    with pytest.raises(StoreUnavailable):
        lists.end(BROKER, "first", STATE)


@pytest.mark.parametrize("state", [ListState(), STATE, replace(STATE, problem=Reason("CODE", "in words"))])
def test_how_a_list_stands_comes_back_as_it_was_stored(
    lists: InstrumentListsTable, clock: FakeClock, state: ListState
) -> None:
    assert lists.state(BROKER) == ListState()
    lists.begin(BROKER, "us", until := clock.now() + timedelta(minutes=1))

    lists.end(BROKER, "us", state)
    lists.end(BROKER, "us", state)  # as when the first answer was lost

    assert lists.state(BROKER) == state
    assert lists.begin(BROKER, "others", until) == replace(state, busy_until=until)


def test_a_failing_table_is_unavailable(clock: FakeClock) -> None:
    def fail(**_: Any) -> Any:
        raise client_error("Any", "InternalServerError", "")

    failing = Wrapped(object(), get_item=fail, update_item=fail, put_item=fail, query=fail)
    lists = InstrumentListsTable(failing, TABLE, clock)

    for call in (
        lambda: lists.state(BROKER),
        lambda: lists.begin(BROKER, "us", NEVER),
        lambda: lists.end(BROKER, "us", STATE),
        lambda: lists.replace(BROKER, SHARES, NEVER),
    ):
        with pytest.raises(StoreUnavailable, match="InternalServerError"):
            call()
