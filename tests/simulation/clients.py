"""AWS clients as one process has them: each call takes time and can fail as AWS's calls fail."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError

from order_router.aws.clients import CONFIG
from tests.simulation.trouble import ANYWHERE

THROTTLED, DOWN = "throttled", "down"
REPEATED, SILENT = "answer lost once", "answer lost three times"
CONFLICT, CANCELLED, STALE = "conflict", "cancelled by a conflict", "stale"
ACCESS = (*ANYWHERE, THROTTLED, DOWN, REPEATED, SILENT)
KINDS: dict[str, tuple[str, ...]] = {
    "dynamodb.get_item": ACCESS,
    "dynamodb.batch_get_item": ACCESS,
    "dynamodb.describe_table": ACCESS,
    "dynamodb.query": ACCESS,
    "dynamodb.put_item": (*ACCESS, CONFLICT),
    "dynamodb.update_item": (*ACCESS, CONFLICT),
    "dynamodb.transact_write_items": (*ACCESS, CANCELLED),
    "sqs.send_message": ACCESS,
    "sqs.change_message_visibility": ACCESS,
    "secretsmanager.get_secret_value": ACCESS,
}
PATIENCE = int(CONFIG.read_timeout * 1_000_000)  # type: ignore[attr-defined]  # botocore sets its options at run time
TRIES = 3


@dataclass(frozen=True)
class Around:
    """What a client's calls go through: `step` before each, `miss` if what was to go wrong changed nothing.

    `lagging` makes of the answer to a query what the same query showed a moment ago.
    """

    step: Callable[[str, tuple[str, ...]], str | None]
    miss: Callable[[str, str], None]
    wait: Callable[[int], None]
    lagging: Callable[[Any, Mapping[str, Any]], Any]


class FaultyClient:
    """A client of one process: before each call the process may be given up, and the call may fail."""

    def __init__(self, inner: Any, service: str, around: "Around") -> None:
        self._inner = inner
        self._service = service
        self._around = around
        self._tokens = count()

    def __getattr__(self, operation: str) -> Any:
        call = partial(self._call, f"{self._service}.{operation}", getattr(self._inner, operation))
        setattr(self, operation, call)
        return call

    def get_paginator(self, operation: str) -> Any:
        return _Paginator(getattr(self, operation))

    def _call(self, name: str, inner: Callable[..., Any], **arguments: Any) -> Any:
        kinds = KINDS[name]
        if name == "dynamodb.query" and "IndexName" in arguments:
            # an index lags behind its table; what is no index stands as it was
            kinds = (*kinds, STALE)
        kind = self._around.step(name, kinds)
        if kind is None:
            return inner(**arguments)
        if kind in {THROTTLED, DOWN, CONFLICT, CANCELLED}:
            raise _failure(kind, name, len(arguments.get("TransactItems", ())))
        if kind == STALE:
            return self._stale(name, inner(**arguments), arguments)
        if name == "dynamodb.transact_write_items":
            # botocore gives every call of this kind a token, the same for each of its own tries
            arguments["ClientRequestToken"] = f"token-{next(self._tokens)}"
        with suppress(ClientError):
            inner(**arguments)
        self._around.wait(PATIENCE)
        if kind == REPEATED:
            return inner(**arguments)
        self._around.wait((TRIES - 1) * PATIENCE)
        raise ReadTimeoutError(endpoint_url="https://aws.example", error="")

    def _stale(self, name: str, answer: Any, arguments: dict[str, Any]) -> Any:
        stale = self._around.lagging(answer, arguments)
        if stale["Items"] == answer["Items"]:
            self._around.miss(name, STALE)
        return stale


class _Paginator:
    def __init__(self, query: Callable[..., Any]) -> None:
        self._query = query

    def paginate(self, **arguments: Any) -> Iterator[Any]:
        while True:
            page = self._query(**arguments)
            yield page
            if "LastEvaluatedKey" not in page:
                return
            arguments["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def _failure(kind: str, name: str, operations: int) -> ClientError:
    code, status = {
        THROTTLED: ("ThrottlingException", 400),
        DOWN: ("InternalServerError", 500),
        CONFLICT: ("TransactionConflictException", 400),
        CANCELLED: ("TransactionCanceledException", 400),
    }[kind]
    answer: dict[str, Any] = {
        "Error": {"Code": code, "Message": kind},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    if kind == CANCELLED:
        reasons = [{"Code": "None"} for _ in range(operations)]
        reasons[-1] = {"Code": "TransactionConflict"}
        answer["CancellationReasons"] = reasons
    return ClientError(answer, name)  # type: ignore[arg-type]  # its stub lacks the reasons
