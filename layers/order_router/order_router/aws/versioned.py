"""One item, written only while the version that it replaces still stands; a write knows itself again."""

from typing import Any

from botocore.exceptions import ClientError

from order_router.aws.failures import LOST
from order_router.aws.values import Item


class Overtaken(Exception):
    """The condition failed, and another writer's item stands there; `item` is it, None if there is none."""

    def __init__(self, item: Item | None) -> None:
        super().__init__("another item stands there")
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
