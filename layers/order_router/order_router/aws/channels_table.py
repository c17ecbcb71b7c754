"""Channels of notices in the settings table, read anew each time: nobody waits for it, and a change is seen at once."""

import logging
from typing import Any

from pydantic import ValidationError

from order_router.aws.failures import named_failures
from order_router.aws.values import Item, to_item
from order_router.domain.channel import CHANNEL, Channel

logger = logging.getLogger(__name__)
KIND = "CHANNEL"


class ChannelsTable:
    """Reads and keeps channels over a low-level DynamoDB client and the settings table."""

    def __init__(self, client: Any, table: str) -> None:  # noqa: ANN401 - botocore's clients have no type
        self._client = client
        self._table = table

    def all(self) -> tuple[Channel, ...]:
        """Return all channels, by name; one that cannot be read must not hide the others, and the log tells of it."""
        return tuple(channel for item in self._load() if (channel := _read(item)) is not None)

    def named(self, name: str) -> Channel | None:
        """Return the channel of this name."""
        return next((channel for channel in self.all() if channel.name == name), None)

    def put(self, channel: Channel) -> None:
        """Store or replace a channel."""
        item = to_item({"kind": KIND, "id": channel.name, "document": channel.model_dump_json()})
        with named_failures("storing a channel"):
            self._client.put_item(TableName=self._table, Item=item)

    def remove(self, name: str) -> None:
        """Delete a channel."""
        with named_failures("removing a channel"):
            self._client.delete_item(TableName=self._table, Key={"kind": {"S": KIND}, "id": {"S": name}})

    def _load(self) -> list[Item]:
        with named_failures("reading the channels"):
            pages = self._client.get_paginator("query").paginate(
                TableName=self._table,
                KeyConditionExpression="kind = :kind",
                ExpressionAttributeValues={":kind": {"S": KIND}},
            )
            return [item for page in pages for item in page["Items"]]


def _read(item: Item) -> Channel | None:
    try:
        return CHANNEL.validate_json(item["document"]["S"])
    except (ValidationError, LookupError, TypeError) as error:
        kind = type(error).__name__
    # said out here: the parser's error holds the whole document
    logger.error("a channel is not readable", extra={"channel": item["id"]["S"][:40], "error": kind})
    return None
