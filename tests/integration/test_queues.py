"""The queues on SQS: all or an error, and each order in its group."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from order_router.aws.queues import (
    SqsOrderQueue,
    SqsReconcileQueue,
    group_of,
    read_message,
)
from order_router.domain.identity import client_order_id
from order_router.domain.vocabulary import Source
from order_router.ports import PlaceOrder, ResumeOrder, StoreUnavailable
from tests.fakes.aws import Wrapped, aws_client, aws_in_memory
from tests.fakes.clock import MONDAY_MORNING
from tests.fakes.orders import a_request, an_order


@pytest.fixture
def client() -> Iterator[Any]:
    with aws_in_memory():
        yield aws_client("sqs")


@pytest.fixture
def url(client: Any) -> str:
    queue = client.create_queue(QueueName="orders.fifo", Attributes={"FifoQueue": "true"})
    return str(queue["QueueUrl"])


def a_command(key: str = "k-1", **changes: object) -> PlaceOrder:
    return PlaceOrder(
        request=a_request(**changes),
        idempotency_key=key,
        source=Source.ALERT,
        received_at=MONDAY_MORNING,
        deadline=MONDAY_MORNING + timedelta(seconds=30),
    )


def received(client: Any, url: str) -> list[dict[str, Any]]:
    answer = client.receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"])
    return list(answer.get("Messages", []))


def test_an_order_comes_out_as_it_went_in(client: Any, url: str) -> None:
    command = a_command(order_type="SL", trigger_price="1499.95", strategy="demo")

    SqsOrderQueue(lambda: client, lambda: url).put([command])

    [message] = received(client, url)
    assert read_message(message["Body"]) == command
    assert message["Attributes"]["MessageDeduplicationId"] == client_order_id("paper", "k-1")
    assert message["Attributes"]["MessageGroupId"] == group_of(command.request)


def test_more_orders_than_a_few_are_all_stored(client: Any, url: str) -> None:
    SqsOrderQueue(lambda: client, lambda: url).put(
        [a_command(f"k-{turn}", account=f"a{turn}") for turn in range(23)]
    )

    count = client.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
    assert count["Attributes"]["ApproximateNumberOfMessages"] == "23"


def test_orders_of_one_account_and_instrument_share_a_group() -> None:
    assert group_of(a_command("k-1").request) == group_of(a_command("k-2", side="SELL").request)
    assert group_of(a_command().request) != group_of(a_command(instrument="NSE:TCS").request)
    assert group_of(a_command().request) != group_of(a_command(account="other").request)
    assert len(group_of(a_command(instrument="NSE:M&M").request)) <= 128


def test_an_order_that_the_queue_did_not_take_is_an_error_and_may_come_again(client: Any, url: str) -> None:
    lossy = Wrapped(client, send_message=one_after_another(client.send_message, silent))
    commands = [a_command("k-1"), a_command("k-2", account="other")]

    with pytest.raises(StoreUnavailable):
        SqsOrderQueue(lambda: lossy, lambda: url).put(commands)
    SqsOrderQueue(lambda: client, lambda: url).put(commands)

    assert [read_message(message["Body"]) for message in received(client, url)] == commands


def one_after_another(*calls: Callable[..., Any]) -> Callable[..., Any]:
    left = list(calls)

    def call(**arguments: Any) -> Any:
        return left.pop(0)(**arguments)

    return call


def silent(**_: Any) -> Any:
    raise ReadTimeoutError(endpoint_url="https://sqs.example")


def test_a_queue_that_does_not_answer_is_unavailable(client: Any, url: str) -> None:
    broken = Wrapped(client, send_message=silent)

    with pytest.raises(StoreUnavailable, match="ReadTimeoutError"):
        SqsOrderQueue(lambda: broken, lambda: url).put([a_command()])
    with pytest.raises(StoreUnavailable, match="ReadTimeoutError"):
        SqsReconcileQueue(lambda: broken, url).put("paper", delay_s=5)


def test_a_released_message_comes_again(client: Any, url: str) -> None:
    queue = SqsOrderQueue(lambda: client, lambda: url)
    queue.put([a_command()])
    [message] = received(client, url)
    assert received(client, url) == []

    queue.release(message["ReceiptHandle"], 0)

    assert [again["MessageId"] for again in received(client, url)] == [message["MessageId"]]


def test_a_look_is_asked_for_by_account(client: Any) -> None:
    url = client.create_queue(QueueName="reconcile")["QueueUrl"]

    SqsReconcileQueue(lambda: client, url).put("paper", delay_s=0)

    assert json.loads(received(client, url)[0]["Body"]) == {"account": "paper"}


def test_a_look_that_others_stand_back_for_is_asked_for_by_its_name(client: Any) -> None:
    url = client.create_queue(QueueName="reconcile")["QueueUrl"]

    SqsReconcileQueue(lambda: client, url).put("paper", delay_s=0, look="a1")

    assert json.loads(received(client, url)[0]["Body"]) == {"account": "paper", "look": "a1"}


def test_an_order_to_go_on_with_is_queued_once_for_each_version_in_its_group(client: Any, url: str) -> None:
    queue = SqsOrderQueue(lambda: client, lambda: url)
    order = an_order()

    queue.resume(order)
    queue.resume(order)
    queue.resume(replace(order, version=order.version + 1))

    messages = received(client, url)
    assert [read_message(one["Body"]) for one in messages] == [ResumeOrder(order.client_order_id)] * 2
    assert {one["Attributes"]["MessageGroupId"] for one in messages} == {group_of(order.request)}
