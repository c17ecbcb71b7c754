"""The memory of alert bodies that carry no time of their own, in the gate table."""

from datetime import datetime, timedelta
from typing import Any

from order_router.aws.failures import is_done, named_failures
from order_router.aws.gate import epoch_ms
from order_router.aws.values import to_item
from order_router.ports import StoreUnavailable

TRIES = 5
LIFE = timedelta(days=1)


class SeenAlertsTable:
    """Implements `ports.SeenAlerts` over a low-level DynamoDB client and the gate table."""

    def __init__(self, client: Any, table: str) -> None:  # noqa: ANN401 - botocore's clients have no type
        self._client = client
        self._table = table

    def first_seen(self, digest: str, at: datetime, *, window_s: int) -> datetime:
        """Return when this body was first seen within the window: `at` itself if it was not."""
        for _ in range(TRIES):
            if self._claim(digest, at, window_s):
                return at
            first = self._read(digest)
            if first is not None and first > at - timedelta(seconds=window_s):
                return first
        raise StoreUnavailable("remembering an alert: too many conflicts")

    def _claim(self, digest: str, at: datetime, window_s: int) -> bool:
        item = to_item(
            {
                "gate": f"seen#{digest}",
                "first_seen": at.isoformat(),
                "first_seen_ms": epoch_ms(at),
                "expires_at": int((at + LIFE).timestamp()),
            }
        )
        with named_failures("remembering an alert"):
            return is_done(
                lambda: self._client.put_item(
                    TableName=self._table,
                    Item=item,
                    ConditionExpression="attribute_not_exists(gate) OR first_seen_ms <= :old",
                    ExpressionAttributeValues={":old": {"N": str(epoch_ms(at) - window_s * 1000)}},
                )
            )

    def _read(self, digest: str) -> datetime | None:
        with named_failures("reading an alert's memory"):
            answer = self._client.get_item(
                TableName=self._table, Key={"gate": {"S": f"seen#{digest}"}}, ConsistentRead=True
            )
        return datetime.fromisoformat(answer["Item"]["first_seen"]["S"]) if "Item" in answer else None
