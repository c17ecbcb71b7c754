"""Which look at an account is the next, in the gate table."""

from datetime import datetime, timedelta
from typing import Any

from order_router.aws.failures import is_done, named_failures
from order_router.aws.gate import epoch_ms
from order_router.aws.values import to_item

LIFE = timedelta(days=1)
UNNAMED = "-"
BEGUN_MS = 0
UNMARKED = "attribute_not_exists(gate) OR due_ms < :since"


class LookMarksTable:
    """Implements `ports.LookMarks` over a low-level DynamoDB client and the gate table."""

    def __init__(self, client: Any, table: str) -> None:  # noqa: ANN401 - botocore's clients have no type
        self._client = client
        self._table = table

    def begin(self, account: str, look: str | None, *, since: datetime) -> bool:
        """Put this look in the mark's place and return True; False, and nothing, if another one is marked."""
        name = UNNAMED if look is None else look
        fields = {"look": name, "due_ms": BEGUN_MS, "expires_at": int((since + LIFE).timestamp())}
        return self._put(account, fields, f"{UNMARKED} OR look = :look", since)

    def is_coming(self, account: str, *, since: datetime) -> bool:
        """Return whether a look is marked (a consistent read)."""
        with named_failures("reading the next look"):
            answer = self._client.get_item(TableName=self._table, Key=_key(account), ConsistentRead=True)
        return "Item" in answer and int(answer["Item"]["due_ms"]["N"]) >= epoch_ms(since)

    def expect(self, account: str, look: str, due: datetime, *, since: datetime) -> None:
        """Mark the look as the next one, unless it has begun or another one is marked."""
        fields = {"look": look, "due_ms": epoch_ms(due), "expires_at": int((due + LIFE).timestamp())}
        self._put(account, fields, f"({UNMARKED}) AND look <> :look", since)

    def _put(self, account: str, fields: dict[str, object], condition: str, since: datetime) -> bool:
        with named_failures("marking a look"):
            return is_done(
                lambda: self._client.put_item(
                    TableName=self._table,
                    Item=_key(account) | to_item(fields),
                    ConditionExpression=condition,
                    ExpressionAttributeValues=to_item({":since": epoch_ms(since), ":look": fields["look"]}),
                )
            )


def _key(account: str) -> dict[str, dict[str, str]]:
    return {"gate": {"S": f"look#{account}"}}
