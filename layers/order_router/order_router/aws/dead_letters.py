"""Messages that the queue gave up on, kept in the gate table without an end."""

from datetime import datetime
from typing import Any

from order_router.aws.failures import named_failures
from order_router.aws.values import to_item
from order_router.ports import Letter


class DeadLettersTable:
    """Implements `ports.DeadLetters` over a low-level DynamoDB client and the gate table."""

    def __init__(self, client: Any, table: str) -> None:  # noqa: ANN401 - botocore's clients have no type
        self._client = client
        self._table = table

    def keep(self, letter: Letter, at: datetime) -> None:
        """Keep the letter under its message id; kept twice it is there once."""
        item = to_item({"gate": f"dead#{letter.message_id}", "body": letter.body, "kept_at": at.isoformat()})
        with named_failures("keeping a dead letter"):
            self._client.put_item(TableName=self._table, Item=item)
