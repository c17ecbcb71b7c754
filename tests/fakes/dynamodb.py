"""DynamoDB in this process: botocore's low-level client, its answers and its errors, over plain dictionaries.

One call happens at a time and whole; indexes show every write at once (`freeze_index` lets one lag). There is no
clock: a transaction's ClientRequestToken is remembered for as long as the instance lives, where AWS forgets it after
ten minutes, and nothing expires. What is not built is refused, never ignored.

The conformance suite holds this fake against what AWS documents and against two other implementations.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, wraps
from typing import Any

from tests.architecture.template import resources
from tests.fakes.client_errors import answer, client_error, require_known
from tests.fakes.dynamodb_batches import read_batch, units_of
from tests.fakes.dynamodb_errors import Invalid, Refusal
from tests.fakes.dynamodb_expressions import project
from tests.fakes.dynamodb_queries import EXPRESSIONS as QUERY_EXPRESSIONS
from tests.fakes.dynamodb_queries import run_query
from tests.fakes.dynamodb_requests import read_expressions
from tests.fakes.dynamodb_table import Primary, Table, TableDefinition, define_table
from tests.fakes.dynamodb_transactions import fingerprint, run_transaction
from tests.fakes.dynamodb_values import Item, Stored, admit_item
from tests.fakes.dynamodb_writes import (
    Write,
    prepare_delete,
    prepare_put,
    prepare_update,
    returned_values,
)

BATCH_ITEMS = 100
BATCH_BYTES = 16 * 1024 * 1024
CONDITION = frozenset(
    {
        "ConditionExpression",
        "ExpressionAttributeNames",
        "ExpressionAttributeValues",
        "ReturnValues",
        "ReturnValuesOnConditionCheckFailure",
    }
)
PROJECTION = frozenset({"ProjectionExpression", "ExpressionAttributeNames"})

Method = Callable[["FakeDynamoDB", dict[str, Any]], dict[str, Any]]


def _operation(
    name: str, required: Iterable[str], optional: Iterable[str] = ()
) -> Callable[[Method], Callable[..., dict[str, Any]]]:
    """Make a client's method of a function of the request: parameters checked, refusals raised as ClientError."""
    needed, allowed = frozenset(required), frozenset(optional)

    def client_method(method: Method) -> Callable[..., dict[str, Any]]:
        @wraps(method)
        def call(self: "FakeDynamoDB", **request: Any) -> dict[str, Any]:
            require_known(request, needed, allowed)
            try:
                return method(self, request)
            except Refusal as refusal:
                error = client_error(name, refusal.code, str(refusal), **refusal.more)
            raise error

        return call

    return client_method


@cache
def template_tables() -> Mapping[str, TableDefinition]:
    """Return the template's tables by logical name, which is what they are called here."""
    found = resources("AWS::DynamoDB::Table")
    return {name: define_table(name, properties) for name, properties in found.items()}


class FakeDynamoDB:
    """Implements the calls of a low-level DynamoDB client that this project uses, over the given tables."""

    def __init__(self, tables: Mapping[str, TableDefinition] | None = None) -> None:
        self._tables = {name: Table(definition) for name, definition in (tables or {}).items()}
        self._tokens: dict[str, str] = {}

    # ------------------------------------------------------------ calls of the client
    @_operation(
        "CreateTable",
        ("TableName", "AttributeDefinitions", "KeySchema"),
        ("GlobalSecondaryIndexes", "BillingMode"),
    )
    def create_table(self, request: dict[str, Any]) -> dict[str, Any]:
        """Make an empty table."""
        name = request["TableName"]
        if name in self._tables:
            raise Refusal("ResourceInUseException", f"Table already exists: {name}")
        definition = define_table(name, request)
        self._tables[name] = Table(definition)
        return answer(TableDescription=dict(definition.description))

    @_operation("DescribeTable", ("TableName",))
    def describe_table(self, request: dict[str, Any]) -> dict[str, Any]:
        """Say what a table is."""
        table = self._table(request["TableName"])
        return answer(Table={**table.definition.description, "ItemCount": len(table.items)})

    @_operation("GetItem", ("TableName", "Key"), {"ConsistentRead", *PROJECTION})
    def get_item(self, request: dict[str, Any]) -> dict[str, Any]:
        """Read one item."""
        table = self._table(request["TableName"])
        primary = table.primary_of_key(admit_item(request["Key"])[0])
        asked = read_expressions(request) if len(request) > 2 else None
        stored = table.items.get(primary)
        if stored is None:
            return answer()
        item = stored.copy()
        return answer(
            Item=project(item, asked.parts.projection) if asked and asked.parts.projection else item
        )

    @_operation("PutItem", ("TableName", "Item"), CONDITION)
    def put_item(self, request: dict[str, Any]) -> dict[str, Any]:
        """Store one item whole."""
        return self._write(prepare_put(self._table, request), _returned(request, "ALL_OLD"))

    @_operation("UpdateItem", ("TableName", "Key"), {"UpdateExpression", *CONDITION})
    def update_item(self, request: dict[str, Any]) -> dict[str, Any]:
        """Change some attributes of one item."""
        wanted = _returned(request, "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW")
        return self._write(prepare_update(self._table, request), wanted)

    @_operation("DeleteItem", ("TableName", "Key"), CONDITION)
    def delete_item(self, request: dict[str, Any]) -> dict[str, Any]:
        """Remove one item."""
        return self._write(prepare_delete(self._table, request), _returned(request, "ALL_OLD"))

    @_operation("TransactWriteItems", ("TransactItems",), ("ClientRequestToken",))
    def transact_write_items(self, request: dict[str, Any]) -> dict[str, Any]:
        """Do all of the writes, or none."""
        token = request.get("ClientRequestToken")
        if token is None:
            run_transaction(self._table, request["TransactItems"])
            return answer()
        asked = fingerprint(request["TransactItems"])
        if self._tokens.get(token, asked) != asked:
            raise Refusal(
                "IdempotentParameterMismatchException",
                "The provided client token was used with other parameters",
            )
        if token not in self._tokens:
            run_transaction(self._table, request["TransactItems"])
            self._tokens[token] = asked
        return answer()

    @_operation("BatchGetItem", ("RequestItems",))
    def batch_get_item(self, request: dict[str, Any]) -> dict[str, Any]:
        """Read up to 100 items; those beyond 16 MB are left for the next call."""
        asked = [(name, key) for name, keys in request["RequestItems"].items() for key in keys["Keys"]]
        if not 0 < len(asked) <= BATCH_ITEMS:
            raise Invalid("Too many items requested for the BatchGetItem call" if asked else "No keys given")
        return self._read_batch(request["RequestItems"])

    @_operation("BatchWriteItem", ("RequestItems",), ("ReturnConsumedCapacity",))
    def batch_write_item(self, request: dict[str, Any]) -> dict[str, Any]:
        """Put and delete up to 25 items, one after the other; none is left over."""
        units: dict[str, int] = {}
        for write in read_batch(self._table, request["RequestItems"]):
            name, before, after = write.target[0], write.table.items.get(write.primary), write.judge()
            units[name] = units.get(name, 0) + units_of(write.table, before, after)
            write.table.put(write.primary, after)
        if request.get("ReturnConsumedCapacity", "NONE") == "NONE":
            return answer(UnprocessedItems={})
        used = [{"TableName": name, "CapacityUnits": float(count)} for name, count in units.items()]
        return answer(UnprocessedItems={}, ConsumedCapacity=used)

    @_operation("Query", ("TableName", "KeyConditionExpression"), QUERY_EXPRESSIONS)
    def query(self, request: dict[str, Any]) -> dict[str, Any]:
        """Read a page of the items of one partition, in the order of the sort key."""
        return answer(**run_query(self._table(request["TableName"]), request))

    def get_paginator(self, operation_name: str) -> "QueryPaginator":
        """Return what reads all pages of a query."""
        if operation_name != "query":
            raise NotImplementedError(operation_name)
        return QueryPaginator(self)

    # ------------------------------------------------------------ what tests look at and set
    def items(self, table: str) -> list[Item]:
        """Return a copy of every item of a table, in the order of their keys."""
        found = self._tables[table].items
        return [found[primary].copy() for primary in sorted(found)]

    def begin_as(self, other: "FakeDynamoDB", table: str) -> None:
        """Hold what another instance holds in a table: what is stored is never changed, only replaced."""
        for primary, stored in other._tables[table].items.items():
            self._tables[table].put(primary, stored)

    def held(self, table: str, *key: str) -> Item:
        """Return an item as the table holds it, to look at and not to change."""
        return self._tables[table].items[key].item

    def digest(self) -> str:
        """Return what tells one state of all tables from another."""
        digest = hashlib.sha256()
        for name in sorted(self._tables):
            found = self._tables[name].items
            for primary in sorted(found):
                digest.update(f"{name} {primary}".encode() + found[primary].image)
        return digest.hexdigest()

    def freeze_index(self, table: str, index: str) -> None:
        """Let an index show only what is there now, as one does that lags behind, until `thaw_index`."""
        self._tables[table].indexes[index].freeze()

    def thaw_index(self, table: str, index: str) -> None:
        """Let an index show every write again."""
        self._tables[table].indexes[index].thaw()

    # ------------------------------------------------------------ inside
    def _table(self, name: str) -> Table:
        table = self._tables.get(name)
        if table is None:
            raise Refusal("ResourceNotFoundException", "Requested resource not found")
        return table

    def _write(self, write: Write, wanted: str) -> dict[str, Any]:
        before: Stored | None = write.table.items.get(write.primary)
        after = write.judge()
        write.table.put(write.primary, after)
        return answer() if wanted == "NONE" else answer(**returned_values(write, before, after, wanted))

    def _read_batch(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        responses: dict[str, list[Item]] = {}
        unprocessed: dict[str, Any] = {}
        size = 0
        for name, request in asked.items():
            if not request.keys() <= {"Keys", "ConsistentRead"}:
                raise NotImplementedError(f"BatchGetItem with {sorted(request)}")
            table, responses[name] = self._table(name), []
            for primary, key in _distinct(table, request["Keys"]).items():
                stored = table.items.get(primary)
                size += 0 if stored is None else stored.size
                if size > BATCH_BYTES:
                    unprocessed.setdefault(name, {**request, "Keys": []})["Keys"].append(key)
                elif stored is not None:
                    responses[name].append(stored.copy())
        return answer(Responses=responses, UnprocessedKeys=unprocessed)


def _distinct(table: Table, keys: list[Item]) -> dict[Primary, Item]:
    admitted = [admit_item(key)[0] for key in keys]
    distinct = {table.primary_of_key(key): key for key in admitted}
    if len(distinct) != len(keys):
        raise Invalid("Provided list of item keys contains duplicates")
    return distinct


def _returned(request: Mapping[str, Any], *allowed: str) -> str:
    wanted = str(request.get("ReturnValues", "NONE"))
    if wanted not in {"NONE", *allowed}:
        raise Invalid(f"ReturnValues can only be {', '.join(allowed)} or NONE")
    return wanted


class QueryPaginator:
    """Reads all pages of a query."""

    def __init__(self, client: FakeDynamoDB) -> None:
        self._client = client

    def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
        """Yield each page."""
        while True:
            page = self._client.query(**request)
            yield page
            if "LastEvaluatedKey" not in page:
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]
