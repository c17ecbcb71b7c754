"""Brokers' lists of instruments in DynamoDB: compared as streams in the order of their keys, and only changes written.

Each row is whole by itself, so there is no moment between two lists: a lookup finds the old row or the new one. Rows
under brokers' own keys are put before, and removed after, the rows under instruments' names: what an order was sent
by is found again in the broker's book.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from botocore.exceptions import ClientError

from order_router.aws.batch_writer import BatchWriter
from order_router.aws.failures import named_failures
from order_router.aws.list_state_record import moment, read_state, state_fields
from order_router.aws.listing_record import (
    DEFINED_AT,
    KEY_PARTITIONS,
    key_item,
    key_of_state,
    key_partition,
    row_item,
    write_document,
)
from order_router.aws.values import Item, to_item
from order_router.domain.instrument_list import Changes, ListState, RefreshUnderWay
from order_router.domain.listing import Listing
from order_router.domain.vocabulary import Exchange
from order_router.ports import Clock


class Verdict(Enum):
    """What is to be done with a row."""

    PUT = "put"
    KEEP = "keep"
    REMOVE = "remove"


@dataclass(slots=True)
class _Tally:
    put: int = 0
    kept: int = 0
    removed: int = 0


class InstrumentListsTable:
    """Implements `service.instruments.InstrumentLists` over a low-level DynamoDB client and the instruments table."""

    def __init__(self, client: Any, table: str, clock: Clock) -> None:  # noqa: ANN401 - botocore's clients have no type
        self._client = client
        self._table = table
        self._clock = clock

    def state(self, broker: str) -> ListState:
        """Return how the broker's list stands."""
        key = key_of_state(broker)
        with named_failures("reading how a list stands"):
            answer = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        return read_state(answer.get("Item", {}))

    def begin(self, broker: str, owner: str, until: datetime) -> ListState:
        """Take the list for ourselves until then and return how it stands; RefreshUnderWay if somebody has it."""
        times = {":now": moment(self._clock.now()), ":until": moment(until)}
        with named_failures("beginning a refresh"):
            try:
                answer = self._client.update_item(
                    TableName=self._table,
                    Key=key_of_state(broker),
                    # our own name too: an answer that was lost is asked for again
                    ConditionExpression="attribute_not_exists(busy_until) OR busy_until <= :now OR busy_with = :owner",
                    UpdateExpression="SET busy_until = :until, busy_with = :owner",
                    ExpressionAttributeValues={**times, ":owner": {"S": owner}},
                    ReturnValues="ALL_NEW",
                )
            except ClientError as error:
                if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                    raise
                raise RefreshUnderWay(f"the instruments of {broker} are being refreshed already") from None
        return read_state(answer["Attributes"])

    def end(self, broker: str, owner: str, state: ListState) -> None:
        """Store how the list stands now, and let others have it."""
        item = {**key_of_state(broker), **to_item(state_fields(state)), "was_busy_with": {"S": owner}}
        with named_failures("ending a refresh"):
            self._client.put_item(
                TableName=self._table,
                Item=item,
                ConditionExpression="busy_with = :owner OR was_busy_with = :owner",
                ExpressionAttributeValues={":owner": {"S": owner}},
            )

    def replace(self, broker: str, listings: Iterable[Listing], not_after: datetime) -> Changes:
        """Make the stored list this one, writing only what differs; StoreUnavailable if that fails or takes longer."""
        writer = BatchWriter(self._client, self._table, self._clock, not_after)
        rows, keys = _partitions(listings)
        tally = _Tally()
        old_keys = [key for digit in KEY_PARTITIONS for key in self._put_keys(writer, broker, digit, keys)]
        writer.flush()
        for exchange in (one for one in Exchange if one is not Exchange.COMBO):
            self._replace_rows(writer, broker, exchange, rows[exchange], tally)
        writer.flush()
        for key in old_keys:
            writer.delete(key)
        writer.flush()
        return Changes(
            put=tally.put, deleted=tally.removed, unchanged=tally.kept, write_units=writer.write_units
        )

    def _put_keys(
        self, writer: BatchWriter, broker: str, digit: str, keys: dict[str, list[Listing]]
    ) -> Iterator[Item]:
        """Put the rows of one partition of keys that differ; yield the keys that are to go later."""
        ordered = sorted(keys[digit], key=lambda listing: listing.broker_key)
        wanted = (key_item(broker, listing.broker_key, write_document(listing)) for listing in ordered)
        for verdict, item in compare(wanted, self._stored(f"{broker}#key#{digit}")):
            if verdict is Verdict.PUT:
                writer.put(item)
            elif verdict is Verdict.REMOVE:
                yield _key(item)

    def _replace_rows(
        self, writer: BatchWriter, broker: str, exchange: Exchange, listings: list[Listing], tally: _Tally
    ) -> None:
        ordered = sorted(listings, key=lambda listing: listing.instrument.tradingsymbol)
        wanted = (row_item(broker, listing, write_document(listing)) for listing in ordered)
        for verdict, item in compare(wanted, self._stored(f"{broker}#{exchange}")):
            if verdict is Verdict.PUT:
                writer.put(item)
                tally.put += 1
            elif verdict is Verdict.REMOVE:
                writer.delete(_key(item))
                tally.removed += 1
            else:
                tally.kept += 1

    def _stored(self, partition: str) -> Iterator[Item]:
        start: dict[str, Any] = {}
        while True:
            with named_failures("reading instruments"):
                answer = self._client.query(
                    TableName=self._table,
                    KeyConditionExpression="pk = :pk",
                    ExpressionAttributeValues={":pk": {"S": partition}},
                    # a row that was just replaced must not be taken for the one that is wanted
                    ConsistentRead=True,
                    **start,
                )
            # what traders have defined is on no broker's list, and stays
            yield from (item for item in answer["Items"] if DEFINED_AT not in item)
            if "LastEvaluatedKey" not in answer:
                return
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}


def compare(wanted: Iterable[Item], stored: Iterable[Item]) -> Iterator[tuple[Verdict, Item]]:
    """Yield what is to be done with each row of two lists of one partition, both in the order of the sort key."""
    old = iter(stored)
    here = next(old, None)
    for item in wanted:
        while here is not None and _place(here) < _place(item):
            yield Verdict.REMOVE, here
            here = next(old, None)
        if here is None or _place(here) != _place(item):
            yield Verdict.PUT, item
            continue
        yield (Verdict.KEEP if here == item else Verdict.PUT), item
        here = next(old, None)
    while here is not None:
        yield Verdict.REMOVE, here
        here = next(old, None)


def _partitions(
    listings: Iterable[Listing],
) -> tuple[dict[Exchange, list[Listing]], dict[str, list[Listing]]]:
    rows: defaultdict[Exchange, list[Listing]] = defaultdict(list)
    keys: defaultdict[str, list[Listing]] = defaultdict(list)
    for listing in listings:
        rows[listing.instrument.exchange].append(listing)
        keys[key_partition(listing.broker_key)].append(listing)
    return rows, keys


def _place(item: Item) -> str:
    place: str = item["sk"]["S"]
    return place


def _key(item: Item) -> Item:
    return {"pk": item["pk"], "sk": item["sk"]}
