"""Two workers and lost answers meet the memory of alerts: one body has one first time."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from order_router.aws.seen_alerts import LIFE, SeenAlertsTable
from order_router.ports import StoreUnavailable
from tests.fakes.aws import Wrapped, aws_client, aws_in_memory, make_table
from tests.fakes.clock import MONDAY_MORNING

TABLE = "GateTable"
AT = MONDAY_MORNING + timedelta(microseconds=123456)
LATER = AT + timedelta(seconds=5)
SILENCE = ReadTimeoutError(endpoint_url="https://dynamodb.example")


@pytest.fixture
def client() -> Iterator[Any]:
    with aws_in_memory():
        client = aws_client("dynamodb")
        make_table(client, TABLE)
        yield client


def seen_over(client: Any) -> SeenAlertsTable:
    return SeenAlertsTable(client, TABLE)


def before_first(call: Callable[..., Any], happens: Callable[[], object]) -> Callable[..., Any]:
    """Let something happen before the call is performed for the first time."""
    left = [happens]

    def perform(**arguments: Any) -> Any:
        if left:
            left.pop()()
        return call(**arguments)

    return perform


def test_of_two_workers_at_once_the_second_takes_the_time_of_the_first(client: Any) -> None:
    def other_claims() -> None:
        assert seen_over(client).first_seen("d-1", LATER, window_s=30) == LATER

    slow = Wrapped(client, put_item=before_first(client.put_item, other_claims))

    assert seen_over(slow).first_seen("d-1", AT, window_s=30) == LATER
    assert seen_over(client).first_seen("d-1", AT, window_s=30) == LATER


def test_a_claim_that_botocore_repeated_is_its_own(client: Any) -> None:
    def twice(**arguments: Any) -> Any:
        client.put_item(**arguments)
        return client.put_item(**arguments)

    assert seen_over(Wrapped(client, put_item=twice)).first_seen("d-1", AT, window_s=30) == AT


def test_a_claim_whose_answer_was_lost_for_good_is_the_first_for_the_resend(client: Any) -> None:
    def lost(**arguments: Any) -> Any:
        client.put_item(**arguments)
        raise SILENCE

    with pytest.raises(StoreUnavailable, match="ReadTimeoutError"):
        seen_over(Wrapped(client, put_item=lost)).first_seen("d-1", AT, window_s=30)

    assert seen_over(client).first_seen("d-1", LATER, window_s=30) == AT


def test_a_memory_that_expired_between_claim_and_look_is_claimed_again(client: Any) -> None:
    seen_over(client).first_seen("d-1", AT, window_s=30)

    def expires() -> None:
        client.delete_item(TableName=TABLE, Key={"gate": {"S": "seen#d-1"}})

    slow = Wrapped(client, get_item=before_first(client.get_item, expires))

    assert seen_over(slow).first_seen("d-1", LATER, window_s=30) == LATER


def test_endless_conflicts_end(client: Any) -> None:
    def refused(**_: Any) -> Any:
        raise ClientError({"Error": {"Code": "ConditionalCheckFailedException", "Message": ""}}, "PutItem")

    watched = Wrapped(client, put_item=refused)

    with pytest.raises(StoreUnavailable):
        seen_over(watched).first_seen("d-1", AT, window_s=30)
    assert len(watched.calls) <= 10


def test_a_refusal_is_named_without_its_payload(client: Any) -> None:
    def refused(**_: Any) -> Any:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "canary-7741"}}, "PutItem")

    with pytest.raises(StoreUnavailable, match="AccessDeniedException") as caught:
        seen_over(Wrapped(client, put_item=refused)).first_seen("d-1", AT, window_s=30)
    assert "canary" not in caught.value.message


def test_a_memory_outlives_every_resend_and_then_goes(client: Any) -> None:
    seen_over(client).first_seen("d-1", AT, window_s=30)

    item = client.get_item(TableName=TABLE, Key={"gate": {"S": "seen#d-1"}})["Item"]

    assert int(item["expires_at"]["N"]) == int((AT + LIFE).timestamp())
