"""What is remembered of notices, in the gate table: what was told, how many a minute, what waits for a summary."""

from datetime import datetime, timedelta
from typing import Any

from order_router.aws.failures import is_done, named_failures
from order_router.aws.gate import epoch_ms
from order_router.aws.values import Item, from_attribute, to_attribute, to_item
from order_router.domain.telling import Held, SummaryBusy, Waiting

MOST_HELD = 200
"""Lines of at most 140 characters; what is over it is only counted."""

MOST_HELD_URGENT = 350
"""With what is taken and not told yet beside it, in three bytes a character, still below the 400 KB of an item."""

LIFE = timedelta(days=7)
LEASE = timedelta(seconds=60)
"""Longer than one telling: a worker that died has not told what it took."""

NOTICE, TOLD, TURNS, HELD = "notice#", "notice-told#", "notice-turns#", "notice-held#"


class NoticeMemoryTable:
    """Implements `service.telling.Memory` over a low-level DynamoDB client and the gate table."""

    def __init__(self, client: Any, table: str) -> None:  # noqa: ANN401 - botocore's clients have no type
        self._client = client
        self._table = table

    def is_news(self, key: str, owner: str, at: datetime, window: timedelta) -> bool:
        """Return whether nobody but this owner told it within the window, and remember that it is being told."""
        item = to_item(
            {
                "gate": f"{NOTICE}{key}",
                "owner": owner,
                "at_ms": epoch_ms(at),
                "expires_at": _expiry(at + window),
            }
        )
        with named_failures("remembering a notice"):
            return is_done(
                lambda: self._client.put_item(
                    TableName=self._table,
                    Item=item,
                    ConditionExpression="attribute_not_exists(gate) OR at_ms <= :old OR #owner = :owner",
                    ExpressionAttributeNames={"#owner": "owner"},
                    ExpressionAttributeValues=to_item({":old": epoch_ms(at - window), ":owner": owner}),
                )
            )

    def was_told(self, delivery_id: str) -> bool:
        """Return whether this delivery was told."""
        return self._get(f"{TOLD}{delivery_id}") is not None

    def note_told(self, delivery_id: str, at: datetime) -> None:
        """Remember that this delivery was told."""
        item = to_item({"gate": f"{TOLD}{delivery_id}", "expires_at": _expiry(at)})
        with named_failures("remembering a delivery"):
            self._client.put_item(TableName=self._table, Item=item)

    def take_turn(self, channel: str, urgency: str, at: datetime, limit: int) -> bool:
        """Count one telling in this minute; False if there were `limit` already."""
        name = f"{TURNS}{channel}#{urgency}#{at:%Y-%m-%dT%H:%M}"
        values = to_item(
            {":one": 1, ":limit": limit, ":expires_at": int((at + timedelta(hours=1)).timestamp())}
        )
        with named_failures("counting notices"):
            return is_done(
                lambda: self._update(
                    name,
                    "ADD turns :one SET expires_at = :expires_at",
                    "attribute_not_exists(turns) OR turns < :limit",
                    values,
                )
            )

    def hold(self, waiting: Waiting) -> None:
        """Keep a notice for the next summary, once; one too many is only counted."""
        entry = {"id": waiting.delivery_id, "kind": waiting.kind, "line": waiting.line}
        values = {
            ":none": to_attribute([]),
            ":ids": to_attribute([waiting.delivery_id]),
            ":id": to_attribute(waiting.delivery_id),
            ":entries": to_attribute([entry]),
            ":most": to_attribute(MOST_HELD_URGENT if waiting.is_urgent else MOST_HELD),
        }
        with named_failures("holding a notice"):
            is_kept = is_done(
                lambda: self._update(
                    f"{HELD}{waiting.channel}",
                    "SET entries = list_append(if_not_exists(entries, :none), :entries),"
                    " ids = list_append(if_not_exists(ids, :none), :ids)",
                    "NOT contains(ids, :id) AND (attribute_not_exists(ids) OR size(ids) < :most)",
                    values,
                )
            )
            if not is_kept:
                self._count_more(waiting)

    def _count_more(self, waiting: Waiting) -> None:
        values = to_item({":id": waiting.delivery_id, ":one": 1})
        is_done(
            lambda: self._update(
                f"{HELD}{waiting.channel}", "ADD more :one", "NOT contains(ids, :id)", values
            )
        )

    def take_held(self, channel: str, at: datetime) -> Held | None:
        """Take what waits, None if nothing does; SummaryBusy while somebody else has it."""
        values = to_item({":zero": 0, ":until": epoch_ms(at + LEASE)})
        with named_failures("taking what waits"):
            is_taken = is_done(
                lambda: self._update(
                    f"{HELD}{channel}",
                    "SET taken = entries, taken_more = if_not_exists(more, :zero), taken_until = :until"
                    " REMOVE entries, ids, more",
                    "attribute_exists(entries) AND attribute_not_exists(taken)",
                    values,
                )
            )
        item = self._get(f"{HELD}{channel}")
        if item is None or "taken" not in item:
            return None
        if not is_taken:
            self._take_over(channel, item, at)
        return _held(item)

    def _take_over(self, channel: str, item: Item, at: datetime) -> None:
        """Take what a worker took and did not tell; SummaryBusy while it may still."""
        until = from_attribute(item["taken_until"])
        values = to_item({":now": epoch_ms(at), ":until": epoch_ms(at + LEASE), ":before": until})
        with named_failures("taking what waits"):
            is_mine = is_done(
                lambda: self._update(
                    f"{HELD}{channel}",
                    "SET taken_until = :until",
                    "taken_until = :before AND taken_until <= :now",
                    values,
                )
            )
        if not is_mine:
            raise SummaryBusy(f"what waits for channel {channel} is being told")

    def drop_held(self, channel: str) -> None:
        """Forget what was taken: it is told."""
        with named_failures("dropping what was told"):
            self._update(f"{HELD}{channel}", "REMOVE taken, taken_more, taken_until")

    def give_back(self, channel: str) -> None:
        """Let the next worker have what was taken: it could not be told."""
        with named_failures("giving back what waits"):
            is_done(
                lambda: self._update(
                    f"{HELD}{channel}",
                    "SET taken_until = :zero",
                    "attribute_exists(taken)",
                    to_item({":zero": 0}),
                )
            )

    def _get(self, name: str) -> Item | None:
        with named_failures("reading what was told"):
            answer = self._client.get_item(
                TableName=self._table, Key={"gate": {"S": name}}, ConsistentRead=True
            )
        found: Item | None = answer.get("Item")
        return found

    def _update(
        self, name: str, expression: str, condition: str | None = None, values: Item | None = None
    ) -> None:
        optional: dict[str, Any] = {"ConditionExpression": condition, "ExpressionAttributeValues": values}
        self._client.update_item(
            TableName=self._table,
            Key={"gate": {"S": name}},
            UpdateExpression=expression,
            **{key: value for key, value in optional.items() if value is not None},
        )


def _held(item: Item) -> Held:
    entries = from_attribute(item["taken"])
    return Held(
        lines=tuple((one["kind"], one["line"]) for one in entries), more=from_attribute(item["taken_more"])
    )


def _expiry(at: datetime) -> int:
    return int((at + LIFE).timestamp())
