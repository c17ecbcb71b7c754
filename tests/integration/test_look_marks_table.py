"""Marks of next looks in the gate's table: how long they are kept, and what fails."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from order_router.aws.look_marks import LookMarksTable
from order_router.ports import StoreUnavailable
from tests.fakes.aws import Wrapped
from tests.fakes.clock import MONDAY_MORNING as NOW

SOON = NOW + timedelta(seconds=5)


def test_a_mark_is_kept_for_a_day(client: Any) -> None:
    marks = LookMarksTable(client, "GateTable")

    for write in (
        lambda: marks.expect("paper", "a", SOON, since=NOW),
        lambda: marks.begin("paper", "a", since=NOW),
    ):
        write()
        item = client.get_item(TableName="GateTable", Key={"gate": {"S": "look#paper"}})["Item"]
        expiry = datetime.fromtimestamp(int(item["expires_at"]["N"]), NOW.tzinfo)
        assert NOW + timedelta(hours=23) < expiry < NOW + timedelta(hours=25)


def test_a_mark_is_read_as_last_written(client: Any) -> None:
    asked: list[dict[str, Any]] = []

    def get_item(**arguments: Any) -> Any:
        asked.append(arguments)
        return client.get_item(**arguments)

    LookMarksTable(Wrapped(client, get_item=get_item), "GateTable").is_coming("paper", since=NOW)

    assert [arguments["ConsistentRead"] for arguments in asked] == [True]


def test_a_table_that_does_not_answer_is_named_with_what_was_tried(client: Any) -> None:
    def call(**_: Any) -> Any:
        raise ReadTimeoutError(endpoint_url="https://dynamodb.example")

    marks = LookMarksTable(Wrapped(client, get_item=call, put_item=call), "GateTable")
    tries: tuple[tuple[str, Callable[[], object]], ...] = (
        ("marking a look", lambda: marks.begin("paper", "a", since=NOW)),
        ("marking a look", lambda: marks.expect("paper", "a", SOON, since=NOW)),
        ("reading the next look", lambda: marks.is_coming("paper", since=NOW)),
    )

    for what, tried in tries:
        with pytest.raises(StoreUnavailable) as caught:
            tried()
        assert caught.value.message == f"{what}: ReadTimeoutError"
