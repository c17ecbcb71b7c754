"""What came of an AWS call: its failure in our words and without a payload, and whether a write's condition held."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from order_router.aws.values import Item
from order_router.ports import StoreUnavailable

SERVER_ERROR = 500
LOST = "ConditionalCheckFailedException"
"""The code of a write whose condition did not hold."""

FAILED = "ConditionalCheckFailed"
"""The same of a write in a transaction."""

PASSING = {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded", "RequestLimitExceeded"}
"""Why a transaction was not made that may be made in a moment."""


@contextmanager
def named_failures(what: str) -> Iterator[None]:
    """Raise StoreUnavailable, naming what was tried and the kind of failure, for any failure of AWS."""
    try:
        yield
    except ClientError as error:
        raise StoreUnavailable(f"{what}: {error.response['Error']['Code']}") from None
    except BotoCoreError as error:
        raise StoreUnavailable(f"{what}: {type(error).__name__}") from None


def is_done(write: Callable[[], object]) -> bool:
    """Make a write and return whether its condition held."""
    try:
        write()
    except ClientError as error:
        if error.response["Error"]["Code"] == LOST:
            return False
        raise
    return True


def reasons_of(error: ClientError) -> list[str]:
    """Return the code of each write of a transaction that was not made; none where it failed otherwise."""
    reasons: list[dict[str, Any]] = dict(error.response).get("CancellationReasons") or []  # type: ignore[assignment]
    return [str(reason.get("Code")) for reason in reasons]


class Overtaken(Exception):
    """The condition failed, and another writer's item stands there; `item` is it, None if there is none."""

    def __init__(self, item: Item | None) -> None:
        super().__init__()
        self.item = item


def put_as(
    client: Any,  # noqa: ANN401 - botocore's clients have no type
    table: str,
    item: Item,
    *,
    writer: str,
    condition: dict[str, Any],
) -> None:
    """Put the item under the condition; Overtaken unless what stands there is this very write, whose answer was lost.

    `writer` is a value that no other write has; a write that is tried again keeps it.
    """
    try:
        client.put_item(
            TableName=table,
            Item=item | {"writer": {"S": writer}},
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
            **condition,
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != LOST:
            raise
        stands: Any = error.response.get("Item")
        if stands is None or stands.get("writer") != {"S": writer}:
            raise Overtaken(stands) from None


def unless_changed(version: int, *, new_without: str) -> dict[str, Any]:
    """Return the condition that this version still stands; of version 0, that no item has the attribute."""
    if version == 0:
        return {"ConditionExpression": f"attribute_not_exists({new_without})"}
    values = {":version": {"N": str(version)}}
    return {"ConditionExpression": "version = :version", "ExpressionAttributeValues": values}


def may_have_happened(error: BotoCoreError | ClientError) -> bool:
    """Return whether AWS may have carried out the call that failed: its answer was lost or is no answer."""
    if not isinstance(error, ClientError):
        return True
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status >= SERVER_ERROR or error.response["Error"]["Code"] == "TransactionInProgressException"
