"""The order queue's pollers as AWS runs them: many groups at once, one message of a group at a time.

The emulator delivers a FIFO queue one message after the other, which hides what a burst does to the pace. So its own
mapping is switched off, and these invoke the deployed function with what the queue gives them.
"""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import Any

from botocore.exceptions import ClientError

from infra.local.stack import Stack

HIDDEN_S = 35
NOT_NOW = {"ResourceConflictException", "TooManyRequestsException"}
PAUSE_S = 0.2


@contextmanager
def polling(stack: Stack, queue_url: str, *, pollers: int) -> Iterator[None]:
    """Deliver the queue's messages to its function for as long as the context lasts."""
    lambdas = stack.client("lambda")
    (mapping,) = (
        one
        for one in lambdas.list_event_source_mappings()["EventSourceMappings"]
        if one["EventSourceArn"].rpartition(":")[2] == queue_url.rpartition("/")[2]
    )
    lambdas.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    ended = Event()
    try:
        with ThreadPoolExecutor(pollers) as threads:
            work = [
                threads.submit(_poll, stack, queue_url, mapping["FunctionArn"], ended) for _ in range(pollers)
            ]
            try:
                yield
            finally:
                ended.set()
            for one in work:
                one.result()
    finally:
        ended.set()
        lambdas.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)


def _poll(stack: Stack, queue_url: str, function: str, ended: Event) -> None:
    queue, lambdas = stack.client("sqs"), stack.client("lambda")
    while not ended.is_set():
        answer = queue.receive_message(
            QueueUrl=queue_url, MaxNumberOfMessages=1, WaitTimeSeconds=1, VisibilityTimeout=HIDDEN_S
        )
        for message in answer.get("Messages", []):
            if _is_taken(lambdas, function, message):
                queue.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])


def _is_taken(lambdas: Any, function: str, message: dict[str, Any]) -> bool:
    """Invoke the function; whether it is done with the message."""
    record = {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "eventSource": "aws:sqs",
    }
    answer = _invoked(lambdas, function, json.dumps({"Records": [record]}).encode())
    said = json.loads(answer["Payload"].read())
    return "FunctionError" not in answer and said.get("batchItemFailures") == []


def _invoked(lambdas: Any, function: str, payload: bytes) -> Any:
    """Invoke the function, as often as it takes while it is throttled or not ready yet, as AWS does."""
    while True:
        try:
            return lambdas.invoke(FunctionName=function, Payload=payload)
        except ClientError as error:
            if error.response["Error"]["Code"] not in NOT_NOW:
                raise
            time.sleep(PAUSE_S)
