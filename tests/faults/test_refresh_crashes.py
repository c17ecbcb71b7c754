"""A refresh that stops at any write: what is looked up is an old row or a new one, and the next refresh completes."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings

from order_router.aws.instrument_lists import InstrumentListsTable
from order_router.aws.listing_record import items_of
from order_router.aws.listings_table import ListingsTable
from order_router.domain.listing import Listing
from tests.fakes.clock import FakeClock
from tests.fakes.dynamodb import FakeDynamoDB, template_tables
from tests.fakes.instruments import LISTS, contract, family, share

TABLE, BROKER = "InstrumentsTable", "breeze"
NEVER = datetime(2099, 1, 1, tzinfo=UTC)


class Crash(BaseException):
    """The worker is gone."""


class OneByOne:
    """A client whose batches are written one row at a time, with a look between, until the worker dies."""

    def __init__(self, inner: FakeDynamoDB, look: Callable[[], None], dies_after: int | None = None) -> None:
        self._inner = inner
        self._look = look
        self._dies_after = dies_after
        self.written = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def batch_write_item(self, RequestItems: Mapping[str, Any], **more: Any) -> Any:  # noqa: N803 - as botocore calls it
        for request in RequestItems[TABLE]:
            if self.written == self._dies_after:
                raise Crash
            answer = self._inner.batch_write_item(RequestItems={TABLE: [request]}, **more)
            self.written += 1
            self._look()
        return answer


def loaded(listings: list[Listing]) -> FakeDynamoDB:
    database = FakeDynamoDB(template_tables())
    InstrumentListsTable(database, TABLE, FakeClock()).replace(BROKER, listings, NEVER)
    return database


def holds(database: FakeDynamoDB, listings: list[Listing]) -> bool:
    wanted = [item for listing in listings for item in items_of(BROKER, listing)]
    return database.items(TABLE) == sorted(wanted, key=lambda item: (item["pk"]["S"], item["sk"]["S"]))


def require_old_or_new(database: FakeDynamoDB, old: list[Listing], new: list[Listing]) -> None:
    """Look everything up, as an order and as a book would, with an empty cache."""
    found = ListingsTable(database, TABLE, FakeClock()).at(BROKER)
    before, after = ({one.instrument: one for one in rows} for rows in (old, new))
    for name in before.keys() | after.keys():
        assert found.stored(name) in [before.get(name), after.get(name)], name
    keys_before, keys_after = ({one.broker_key: one for one in rows} for rows in (old, new))
    for key in keys_before.keys() | keys_after.keys():
        assert found.named([key]).get(key) in [keys_before.get(key), keys_after.get(key)], key


@settings(max_examples=150, deadline=None)
@given(old=LISTS, new=LISTS)
def test_whatever_is_looked_up_during_a_refresh_is_of_the_old_list_or_the_new_one(
    old: list[Listing], new: list[Listing]
) -> None:
    database = loaded(old)
    client = OneByOne(database, lambda: require_old_or_new(database, old, new))

    InstrumentListsTable(client, TABLE, FakeClock()).replace(BROKER, new, NEVER)

    assert holds(database, new)


@settings(max_examples=60, deadline=None)
@given(old=LISTS, new=LISTS, newest=LISTS)
def test_a_refresh_that_died_at_any_write_is_completed_by_the_next_one(
    old: list[Listing], new: list[Listing], newest: list[Listing]
) -> None:
    whole = OneByOne(loaded(old), lambda: None)
    InstrumentListsTable(whole, TABLE, FakeClock()).replace(BROKER, new, NEVER)

    for written in range(whole.written):
        database = loaded(old)
        dying = OneByOne(database, lambda: None, dies_after=written)
        with pytest.raises(Crash):
            InstrumentListsTable(dying, TABLE, FakeClock()).replace(BROKER, new, NEVER)
        require_old_or_new(database, old, new)

        InstrumentListsTable(database, TABLE, FakeClock()).replace(BROKER, newest, NEVER)
        assert holds(database, newest)


def test_a_listing_is_found_by_its_key_as_long_as_it_is_found_by_its_name() -> None:
    old = [share("INFY", broker_key="1"), share("TCS", broker_key="2"), *family()]
    new = [share("INFY", broker_key="3"), share("NEW", broker_key="1"), contract(broker_key="9")]
    database = loaded(old)

    def look() -> None:
        found = ListingsTable(database, TABLE, FakeClock()).at(BROKER)
        for one in (*old, *new):
            named = found.stored(one.instrument)
            if named is not None:
                assert found.named([named.broker_key]), f"{named.instrument} has no {named.broker_key}"

    InstrumentListsTable(OneByOne(database, look), TABLE, FakeClock()).replace(BROKER, new, NEVER)

    assert holds(database, new)
