"""DynamoDB and Secrets Manager that answer at once: from a few seeded items, and whatever is written, yes."""

import io
import json
import zlib
from collections.abc import Iterator
from typing import Any

from botocore.awsrequest import AWSResponse

from tests.bench.seeds import INSTRUMENTS, PAPER, SESSION, SETTINGS

KEYS = {SETTINGS: ("kind", "id"), PAPER: ("pk", "sk"), INSTRUMENTS: ("pk", "sk")}
Item = dict[str, Any]


class InstantAws:
    """Keeps the items of KEYS' tables; writes to other tables succeed and are forgotten."""

    def __init__(self) -> None:
        self._items: dict[str, Item] = {}

    def put_item(self, **call: Any) -> None:
        """Seed an item, called like a client's method."""
        self._put(call)

    def transact_write_items(self, **call: Any) -> None:
        """Seed the items of a transaction, called like a client's method."""
        for operation in call["TransactItems"]:
            if "Put" in operation:
                self._put(operation["Put"])

    def answer(self, target: str, body: bytes) -> bytes:
        """Answer one request (`target` is its X-Amz-Target header)."""
        operation, call = target.rpartition(".")[2], json.loads(body)
        return json.dumps(self._answer(operation, call), separators=(",", ":")).encode()

    def _answer(self, operation: str, call: dict[str, Any]) -> dict[str, Any]:
        match operation:
            case "GetSecretValue":
                return {"Name": call["SecretId"], "SecretString": SESSION}
            case "GetItem":
                found = self._items.get(_name(call["TableName"], call["Key"]))
                return {} if found is None else {"Item": found}
            case "BatchGetItem":
                return {"Responses": dict(self._batch(call["RequestItems"])), "UnprocessedKeys": {}}
            case "Query":
                return {"Items": [], "Count": 0}
            case "TransactWriteItems" | "PutItem":
                return {}
        raise NotImplementedError(operation)

    def _batch(self, wanted: dict[str, Any]) -> Iterator[tuple[str, list[Item]]]:
        for table, request in wanted.items():
            names = [_name(table, key) for key in request["Keys"]]
            yield table, [self._items[name] for name in names if name in self._items]

    def _put(self, call: dict[str, Any]) -> None:
        table, item = call["TableName"], call["Item"]
        key = {name: item[name] for name in KEYS[table]}
        self._items[_name(table, key)] = item


def _name(table: str, key: Item) -> str:
    return json.dumps([table, key], sort_keys=True)


class _Raw(io.BytesIO):
    def stream(self, **_: object) -> Iterator[bytes]:
        yield self.getvalue()


def as_response(request: Any, body: bytes) -> AWSResponse:
    """Return what botocore would have read from the network."""
    headers = {
        "content-type": "application/x-amz-json-1.0",
        "content-length": str(len(body)),
        "x-amzn-requestid": "0" * 52,
        "x-amz-crc32": str(zlib.crc32(body)),
    }
    raw: Any = _Raw(body)
    as_botocore_has_them: Any = headers
    return AWSResponse(request.url, 200, as_botocore_has_them, raw)
