"""Brokers' instruments in DynamoDB, read one by one through a short cache in the worker."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import batched
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from order_router.adapter.listings import ListingsUnavailable
from order_router.aws.listing_record import (
    BY_UNDERLYING,
    DEFINED_AT,
    ListingUnreadable,
    expires_at,
    family_of,
    is_storable_key,
    items_of,
    key_of_broker_key,
    key_of_instrument,
    key_of_state,
    read_item,
)
from order_router.aws.values import Item
from order_router.domain.instrument import Instrument
from order_router.domain.listing import OPTIONS, Listing
from order_router.domain.vocabulary import Exchange
from order_router.ports import Clock

FOUND_LIFE = timedelta(minutes=5)
ABSENT_LIFE = timedelta(seconds=15)
CACHE_SIZE = 5000
BATCH = 100
BATCH_TRIES = 6
BATCH_PAUSE_S = 0.05
Name = tuple[str, str]
"""The pk and sk of a row."""


@dataclass(frozen=True, slots=True)
class _Cached:
    item: Item | None
    good_until: datetime


class ListingsTable:
    """Every broker's instruments over a low-level DynamoDB client and the instruments table."""

    def __init__(self, client: Any, table: str, clock: Clock) -> None:  # noqa: ANN401 - botocore's clients have no type
        self._client = client
        self._table = table
        self._clock = clock
        self._cached: dict[Name, _Cached] = {}

    def at(self, broker: str) -> "BrokerListings":
        """Return one broker's instruments."""
        return BrokerListings(self, broker)

    def get(self, key: Item) -> Item | None:
        """Return a row: from the cache, or with one read."""
        cached = self._fresh(key)
        if cached is None:
            with _unavailable("reading an instrument"):
                answer = self._client.get_item(TableName=self._table, Key=key)
            cached = self._remember(key, answer.get("Item"))
        return cached.item

    def get_all(self, keys: Sequence[Item]) -> Iterator[Item]:
        """Yield those of the rows that there are: from the cache, and one read for each hundred others."""
        known = [(key, self._fresh(key)) for key in keys]
        yield from (cached.item for _, cached in known if cached is not None and cached.item is not None)
        unknown = [key for key, cached in known if cached is None]
        for batch in batched(unknown, BATCH, strict=False):
            found = {_name(item): item for item in self._read_batch(list(batch))}
            for key in batch:
                self._remember(key, found.get(_name(key)))
            yield from found.values()

    def family(self, family: str, expiry: date) -> Iterator[Item]:
        """Yield the rows of a family's contracts of one expiry: one query of the index for each megabyte of them."""
        start: dict[str, Any] = {}
        while True:
            with _unavailable("reading the contracts of an expiry"):
                answer = self._client.query(
                    TableName=self._table,
                    IndexName=BY_UNDERLYING,
                    KeyConditionExpression="underlying_key = :family AND begins_with(contract_key, :expiry)",
                    ExpressionAttributeValues={
                        ":family": {"S": family},
                        ":expiry": {"S": f"{expiry.isoformat()}#"},
                    },
                    **start,
                )
            yield from answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def put(self, item: Item) -> None:
        """Store a row, whatever stands there."""
        with _unavailable("storing an instrument"):
            self._client.put_item(TableName=self._table, Item=item)
        self._remember(item, item)

    def put_new(self, items: Sequence[Item]) -> bool:
        """Store rows together where nothing stands, or the same, or what has ended; False if something else does."""
        times = {":now": {"N": str(int(self.now().timestamp()))}}
        puts = [
            {
                "Put": {
                    "TableName": self._table,
                    "Item": item,
                    "ConditionExpression": "attribute_not_exists(pk) OR document = :document OR expires_at <= :now",
                    "ExpressionAttributeValues": {**times, ":document": item["document"]},
                }
            }
            for item in items
        ]
        with _unavailable("storing a combination"):
            try:
                self._client.transact_write_items(TransactItems=puts)
            except ClientError as error:
                if not _is_refused(error):
                    raise
                return False
        for item in items:
            self._remember(item, item)
        return True

    def now(self) -> datetime:
        """Return the present."""
        return self._clock.now()

    def _read_batch(self, keys: list[Item]) -> Iterator[Item]:
        asked: dict[str, Any] = {self._table: {"Keys": keys}}
        for attempt in range(BATCH_TRIES):
            with _unavailable("reading instruments"):
                answer = self._client.batch_get_item(RequestItems=asked)
            yield from answer["Responses"].get(self._table, ())
            asked = answer.get("UnprocessedKeys") or {}
            if not asked:
                return
            self._clock.sleep(BATCH_PAUSE_S * 2**attempt)
        raise ListingsUnavailable("reading instruments: the table is busy")

    def _fresh(self, key: Item) -> _Cached | None:
        cached = self._cached.get(_name(key))
        return None if cached is None or self._clock.now() >= cached.good_until else cached

    def _remember(self, key: Item, item: Item | None) -> _Cached:
        if len(self._cached) >= CACHE_SIZE:
            self._cached.clear()
        life = ABSENT_LIFE if item is None else FOUND_LIFE
        cached = self._cached[_name(key)] = _Cached(item, self._clock.now() + life)
        return cached


class BrokerListings:
    """Implements `adapter.listings.Listings` for one broker."""

    def __init__(self, table: ListingsTable, broker: str) -> None:
        self._table = table
        self._broker = broker

    def of(self, instrument: Instrument) -> Listing | None:
        """Return the instrument's listing, None if the broker lacks it; ListingsUnavailable before the first list."""
        found = self.stored(instrument)
        if found is None and instrument.exchange is not Exchange.COMBO:
            self._require_loaded()
        return found

    def named(self, broker_keys: Collection[str]) -> Mapping[str, Listing]:
        """Return the listings of these keys, those of them that there are."""
        keys = sorted({key for key in broker_keys if is_storable_key(key)})
        rows = self._table.get_all([key_of_broker_key(self._broker, key) for key in keys])
        found = (self._live(row) for row in rows)
        return {listing.broker_key: listing for listing in found if listing is not None}

    def chain(self, exchange: Exchange, underlying: str, expiry: date) -> tuple[Listing, ...]:
        """Return the calls and puts on an underlying that end on this day, by strike."""
        family = family_of(self._broker, exchange, underlying)
        found = [self._live(row) for row in self._table.family(family, expiry)]
        if not found:
            self._require_loaded()
        options = (one for one in found if one is not None and one.instrument_type in OPTIONS)
        return tuple(sorted(options, key=lambda one: (one.strike or 0, one.instrument_type)))

    def stored(self, instrument: Instrument) -> Listing | None:
        """Return the instrument's listing if there is one, whether a list was ever loaded or not."""
        return self._live(self._table.get(key_of_instrument(self._broker, instrument)))

    def keep(self, listing: Listing, until: datetime) -> None:
        """Store a listing that was found by itself, for a broker that has no list; it ends at this time."""
        for item in items_of(self._broker, listing):
            self._table.put({**item, "expires_at": {"N": str(int(until.timestamp()))}})

    def define(self, listing: Listing, until: datetime | None) -> bool:
        """Store a combination for as long as it can be traded (None: for ever); False if name or legs are taken."""
        ends = {} if until is None else {"expires_at": {"N": str(int(until.timestamp()))}}
        defined_at = {DEFINED_AT: {"S": self._table.now().isoformat()}}
        return self._table.put_new([item | ends | defined_at for item in items_of(self._broker, listing)])

    def _require_loaded(self) -> None:
        if "loaded_at" not in (self._table.get(key_of_state(self._broker)) or {}):
            raise ListingsUnavailable(f"the instruments of {self._broker} were never loaded: refresh them")

    def _live(self, row: Item | None) -> Listing | None:
        if row is None:
            return None
        ends = expires_at(row)
        if ends is not None and self._table.now().timestamp() >= ends:
            return None
        try:
            return read_item(row)
        except ListingUnreadable as error:
            raise ListingsUnavailable(f"{error.message} ({row['sk']['S'][:60]} at {self._broker})") from error


def _is_refused(error: ClientError) -> bool:
    reasons: Any = error.response.get("CancellationReasons", ())
    return any(reason.get("Code") == "ConditionalCheckFailed" for reason in reasons)


def _name(item: Item) -> Name:
    return item["pk"]["S"], item["sk"]["S"]


@contextmanager
def _unavailable(what: str) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        raise ListingsUnavailable(f"{what}: {error.response['Error']['Code']}") from None
    except BotoCoreError as error:
        raise ListingsUnavailable(f"{what}: {type(error).__name__}") from None
