"""Turns at order books, in the gate table."""

from datetime import UTC, datetime, timedelta
from typing import Any

from order_router.aws.failures import Overtaken, named_failures, put_as
from order_router.aws.gate import epoch_ms
from order_router.aws.values import Item, to_item

LIFE = timedelta(days=1)
NOBODY = "-"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class BookTurnsTable:
    """Implements `service.book_turns.BookTurns` over a low-level DynamoDB client and the gate table."""

    def __init__(self, client: Any, table: str) -> None:  # noqa: ANN401 - botocore's clients have no type
        self._client = client
        self._table = table

    def take(self, name: str, taker: str, at: datetime, *, until: datetime) -> datetime | None:
        """Take the turn until then and return None; where nobody may take it yet, return when somebody may."""
        with named_failures("taking a turn"):
            try:
                self._put(name, until, taker, "free_ms <= :bound", at)
            except Overtaken as other:
                return at if other.item is None else _free_at(other.item)
        return None

    def rest(self, name: str, until: datetime, *, taker: str | None = None) -> None:
        """Let nobody take the turn before then, in this taker's place; a mark of others that lasts longer stays."""
        longer = "free_ms < :bound"
        with named_failures("resting a turn"):
            try:
                if taker is None:
                    self._put(name, until, NOBODY, longer, until)
                else:
                    self._put(name, until, taker, f"writer = :writer OR {longer}", until)
            except Overtaken:
                return

    def free_at(self, name: str) -> datetime | None:
        """Return when the turn may be taken, None if nobody ever did (a consistent read)."""
        with named_failures("reading a turn"):
            answer = self._client.get_item(
                TableName=self._table, Key={"gate": {"S": name}}, ConsistentRead=True
            )
        return _free_at(answer["Item"]) if "Item" in answer else None

    def _put(self, name: str, until: datetime, writer: str, unless_free: str, bound: datetime) -> None:
        fields = {"gate": name, "free_ms": epoch_ms(until), "expires_at": int((until + LIFE).timestamp())}
        values = {":bound": epoch_ms(bound)} | ({":writer": writer} if ":writer" in unless_free else {})
        condition = {
            "ConditionExpression": f"attribute_not_exists(gate) OR {unless_free}",
            "ExpressionAttributeValues": to_item(values),
        }
        put_as(self._client, self._table, to_item(fields), writer=writer, condition=condition)


def _free_at(item: Item) -> datetime:
    return EPOCH + timedelta(milliseconds=int(item["free_ms"]["N"]))
