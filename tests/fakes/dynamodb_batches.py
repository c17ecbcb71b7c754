"""Batches of writes, and what they cost: each write is judged and done by itself, none has a condition.

Source: Amazon DynamoDB API Reference, "BatchWriteItem"; Developer Guide, "DynamoDB read and write operations" (the
larger of the old and the new item counts, in units of 1 KB) and "Managing write throughput for global secondary
indexes" (a change of an index's key is two writes to it, of anything else that it shows one).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.fakes.client_errors import require_known
from tests.fakes.dynamodb_errors import Invalid, unsendable
from tests.fakes.dynamodb_table import Table, View
from tests.fakes.dynamodb_values import Stored
from tests.fakes.dynamodb_writes import FindTable, Write, prepare_delete, prepare_put

MAX_REQUESTS = 25
UNIT_BYTES = 1024
PREPARE = {"PutRequest": (prepare_put, "Item"), "DeleteRequest": (prepare_delete, "Key")}


def read_batch(find: FindTable, asked: Mapping[str, list[Mapping[str, Any]]]) -> list[Write]:
    """Return the writes of a batch, not yet done; refused as a whole if one could never be done."""
    requests = [(table, request) for table, requests in asked.items() for request in requests]
    if not 0 < len(requests) <= MAX_REQUESTS or not all(asked.values()):
        raise Invalid(
            f"1 validation error detected: Value at 'RequestItems' failed to satisfy constraint: 1 to {MAX_REQUESTS}"
        )
    writes = [_prepare(find, table, request) for table, request in requests]
    if len({write.target for write in writes}) != len(writes):
        raise Invalid("Provided list of item keys contains duplicates")
    return writes


def _prepare(find: FindTable, table: str, request: Mapping[str, Any]) -> Write:
    if len(request) != 1 or not request.keys() <= PREPARE.keys():
        raise unsendable(f"expected one of {sorted(PREPARE)}, received {sorted(request)}")
    [(kind, inside)] = request.items()
    prepare, part = PREPARE[kind]
    require_known(dict(inside), frozenset({part}), frozenset())
    return prepare(find, {"TableName": table, **inside})


def units_of(table: Table, old: Stored | None, new: Stored | None) -> int:
    """Return the write units of putting `new` in the place of `old`."""
    return _units(old, new) + sum(sum(_index_units(view, old, new)) for view in table.indexes.values())


def _index_units(view: View, old: Stored | None, new: Stored | None) -> Iterator[int]:
    shown_old = old if old is not None and view.key.fits(old.item) else None
    shown_new = new if new is not None and view.key.fits(new.item) else None
    if shown_old is None and shown_new is None:
        return
    if shown_old is None or shown_new is None:
        yield _units(shown_old, shown_new)
    elif view.key.plain(shown_old.item) != view.key.plain(shown_new.item):
        yield _units(shown_old, None)
        yield _units(None, shown_new)
    elif shown_old.item != shown_new.item:
        yield _units(shown_old, shown_new)


def _units(old: Stored | None, new: Stored | None) -> int:
    size = max(0 if stored is None else stored.size for stored in (old, new))
    return max(1, -(-size // UNIT_BYTES))
