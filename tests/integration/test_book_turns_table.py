"""Turns at order books in the gate's table: how long they are kept, how they are read, and what fails."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from order_router.aws.book_turns import BookTurnsTable
from order_router.ports import StoreUnavailable
from tests.fakes.aws import Wrapped
from tests.fakes.clock import MONDAY_MORNING as NOW

SOON = NOW + timedelta(seconds=5)


def test_a_mark_is_kept_for_a_day_beyond_its_end(client: Any) -> None:
    BookTurnsTable(client, "GateTable").take("book#ibkr#a", "a", NOW, until=SOON)

    item = client.get_item(TableName="GateTable", Key={"gate": {"S": "book#ibkr#a"}})["Item"]
    assert datetime.fromtimestamp(int(item["expires_at"]["N"]), NOW.tzinfo) == SOON + timedelta(days=1)


def test_a_mark_is_read_as_last_written(client: Any) -> None:
    asked: list[dict[str, Any]] = []

    def get_item(**arguments: Any) -> Any:
        asked.append(arguments)
        return client.get_item(**arguments)

    BookTurnsTable(Wrapped(client, get_item=get_item), "GateTable").free_at("book")

    assert [arguments["ConsistentRead"] for arguments in asked] == [True]


def test_a_table_that_does_not_answer_is_named_with_what_was_tried(client: Any) -> None:
    def call(**_: Any) -> Any:
        raise ReadTimeoutError(endpoint_url="https://dynamodb.example")

    turns = BookTurnsTable(Wrapped(client, get_item=call, put_item=call), "GateTable")
    tries: tuple[tuple[str, Callable[[], object]], ...] = (
        ("taking a turn", lambda: turns.take("book", "a", NOW, until=SOON)),
        ("resting a turn", lambda: turns.rest("book", SOON)),
        ("reading a turn", lambda: turns.free_at("book")),
    )

    for what, tried in tries:
        with pytest.raises(StoreUnavailable) as caught:
            tried()
        assert caught.value.message == f"{what}: ReadTimeoutError"
