"""Channels of notices in the settings table, read through a short cache."""

import logging
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from order_router.aws.failures import named_failures
from order_router.aws.values import Item, to_item
from order_router.domain.channel import CHANNEL, Channel
from order_router.ports import Clock

logger = logging.getLogger(__name__)
KIND = "CHANNEL"
CACHE_LIFE = timedelta(seconds=15)


class ChannelsTable:
    """Reads and keeps channels over a low-level DynamoDB client and the settings table."""

    def __init__(self, client: Any, table: str, clock: Clock) -> None:  # noqa: ANN401 - botocore's clients have no type
        self._client = client
        self._table = table
        self._clock = clock
        self._cached: tuple[Channel, ...] = ()
        self._good_until: datetime | None = None

    def all(self) -> tuple[Channel, ...]:
        """Return all channels, by name; one that cannot be read must not hide the others, and the log tells of it."""
        now = self._clock.now()
        if self._good_until is None or now >= self._good_until:
            self._cached = tuple(channel for item in self._load() if (channel := _read(item)) is not None)
            self._good_until = now + CACHE_LIFE
        return self._cached

    def named(self, name: str) -> Channel | None:
        """Return the channel of this name."""
        return next((channel for channel in self.all() if channel.name == name), None)

    def put(self, channel: Channel) -> None:
        """Store or replace a channel."""
        item = to_item({"kind": KIND, "id": channel.name, "document": channel.model_dump_json()})
        with named_failures("storing a channel"):
            self._client.put_item(TableName=self._table, Item=item)
        self._good_until = None

    def remove(self, name: str) -> None:
        """Delete a channel; workers may know it for as long as they remember."""
        with named_failures("removing a channel"):
            self._client.delete_item(TableName=self._table, Key={"kind": {"S": KIND}, "id": {"S": name}})
        self._good_until = None

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
