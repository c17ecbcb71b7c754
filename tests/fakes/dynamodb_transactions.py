"""Transactions: every write is judged first, and all are done or none.

Source: Amazon DynamoDB Developer Guide, "Amazon DynamoDB Transactions: How it works"; API Reference,
"TransactWriteItems".
"""

import json
from collections.abc import Mapping
from typing import Any

from tests.fakes.dynamodb_errors import ConditionFailed, Invalid, Refusal, unsendable
from tests.fakes.dynamodb_values import Stored
from tests.fakes.dynamodb_writes import (
    FindTable,
    Write,
    prepare_check,
    prepare_delete,
    prepare_put,
    prepare_update,
)

MAX_OPERATIONS = 100
MAX_BYTES = 4 * 1024 * 1024
PREPARE = {
    "Put": prepare_put,
    "Update": prepare_update,
    "Delete": prepare_delete,
    "ConditionCheck": prepare_check,
}
EXPRESSION = frozenset(
    {
        "ConditionExpression",
        "ExpressionAttributeNames",
        "ExpressionAttributeValues",
        "ReturnValuesOnConditionCheckFailure",
    }
)
REQUIRED = {
    "Put": frozenset({"TableName", "Item"}),
    "Update": frozenset({"TableName", "Key", "UpdateExpression"}),
    "Delete": frozenset({"TableName", "Key"}),
    "ConditionCheck": frozenset({"TableName", "Key", "ConditionExpression"}),
}
KNOWN = {kind: required | EXPRESSION for kind, required in REQUIRED.items()}
NOTHING = {"Code": "None"}


def run_transaction(find: FindTable, operations: list[Mapping[str, Any]]) -> None:
    """Do all of the operations, or raise why none was done."""
    if not 0 < len(operations) <= MAX_OPERATIONS:
        raise Invalid(
            f"1 validation error detected: Value '[{len(operations)} items]' at 'transactItems' failed to satisfy"
            f" constraint: Member must have length between 1 and {MAX_OPERATIONS}"
        )
    writes = [_prepare(find, operation) for operation in operations]
    if len({write.target for write in writes}) != len(writes):
        raise Invalid("Transaction request cannot include multiple operations on one item")
    results: list[Stored | None] = []
    reasons = [_judge(write, results) for write in writes]
    if any(reason is not NOTHING for reason in reasons):
        codes = ", ".join(reason["Code"] for reason in reasons)
        raise Refusal(
            "TransactionCanceledException",
            f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]",
            CancellationReasons=[dict(reason) for reason in reasons],
        )
    if sum(stored.size for stored in results if stored is not None) > MAX_BYTES:
        raise Invalid("The aggregated size of the items in the transaction cannot exceed 4 MB")
    for write, stored in zip(writes, results, strict=True):
        write.table.put(write.primary, stored)


def _prepare(find: FindTable, operation: Mapping[str, Any]) -> Write:
    if len(operation) != 1:
        raise Invalid("TransactItems can only contain one of Check, Put, Update or Delete")
    [(kind, request)] = operation.items()
    if kind not in PREPARE or not REQUIRED[kind] <= request.keys() or not request.keys() <= KNOWN[kind]:
        raise unsendable(f"{kind} with {sorted(request)}")
    return PREPARE[kind](find, request)


def _judge(write: Write, results: list[Stored | None]) -> dict[str, Any]:
    try:
        results.append(write.judge())
    except ConditionFailed as failed:
        return {"Code": "ConditionalCheckFailed", "Message": str(failed), **failed.more}
    except Invalid as invalid:
        return {"Code": "ValidationError", "Message": str(invalid)}
    return NOTHING


def fingerprint(operations: list[Mapping[str, Any]]) -> str:
    """Return what tells the operations of one request from those of another."""
    return json.dumps(operations, sort_keys=True, default=repr)
