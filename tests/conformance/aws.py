"""AWS as three implementations have it; a probe cannot tell which one it asks."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from infra.local.emulator import start, stop
from infra.local.environment import OPERATOR_KEY
from infra.local.home import REGION, Home
from tests.fakes.aws import aws_client, aws_in_memory, make_table
from tests.fakes.clock import FakeClock
from tests.fakes.dynamodb import FakeDynamoDB
from tests.fakes.secretsmanager import FakeSecretsManager
from tests.fakes.sqs import FakeSqs

FAKES, MOTO, MINISTACK = "fakes", "moto", "ministack"
ORDERS, GATE, PAPER = "OrdersTable", "GateTable", "PaperTable"
TABLES = (ORDERS, GATE, PAPER)
SERVICES = ("dynamodb", "sqs", "secretsmanager")
Item = dict[str, Any]


@dataclass
class Aws:
    """One implementation's clients, with the template's tables; `pass_time` lets its clock go on."""

    dynamodb: Any
    sqs: Any
    secretsmanager: Any
    pass_time: Callable[[float], None]
    _names: Iterator[int] = field(default_factory=lambda: count(1))

    def name(self) -> str:
        """Return a name that no other probe uses."""
        return f"probe-{next(self._names)}"

    def key(self) -> Item:
        """Return a key of the gate table that no other probe uses."""
        return {"gate": {"S": self.name()}}

    def stored(self, **attributes: Item) -> Item:
        """Store an item of these attributes in the gate table and return its key."""
        key = self.key()
        self.dynamodb.put_item(TableName=GATE, Item={**key, **attributes})
        return key

    def read(self, key: Item, table: str = GATE) -> Item | None:
        """Return an item."""
        found: Item | None = self.dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")
        return found

    def update(self, key: Item, expression: str, **request: Any) -> Item:
        """Update an item of the gate table."""
        answer: Item = self.dynamodb.update_item(
            TableName=GATE, Key=key, UpdateExpression=expression, **request
        )
        return answer

    def queue(self, *, fifo: bool = False, **attributes: str) -> str:
        """Make a queue and return its address."""
        name = self.name() + (".fifo" if fifo else "")
        kind = {"FifoQueue": "true"} if fifo else {}
        made = self.sqs.create_queue(QueueName=name, Attributes={**kind, **attributes})
        return str(made["QueueUrl"])

    def send(self, queue_url: str, body: str, group: str | None = None, once: str | None = None) -> Item:
        """Send a message; one with a group carries a deduplication id, by default a new one."""
        fifo = (
            {} if group is None else {"MessageGroupId": group, "MessageDeduplicationId": once or self.name()}
        )
        answer: Item = self.sqs.send_message(QueueUrl=queue_url, MessageBody=body, **fifo)
        return answer

    def receive(self, queue_url: str, most: int = 10, **request: Any) -> list[Item]:
        """Receive what is visible, without waiting."""
        answer = self.sqs.receive_message(
            QueueUrl=queue_url, MaxNumberOfMessages=most, MessageSystemAttributeNames=["All"], **request
        )
        return list(answer.get("Messages", ()))

    def delete(self, queue_url: str, message: Item) -> None:
        """Delete a message with the handle that it was received with."""
        self.sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])

    def show_again(self, queue_url: str, message: Item, after_s: int = 0) -> None:
        """Change when a message in flight is visible again."""
        self.sqs.change_message_visibility(
            QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=after_s
        )

    def arn(self, queue_url: str) -> str:
        """Return a queue's ARN."""
        found = self.sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])
        return str(found["Attributes"]["QueueArn"])


@contextmanager
def refused(*codes: str) -> Iterator[pytest.ExceptionInfo[ClientError]]:
    """The block must be refused, with one of these codes."""
    with pytest.raises(ClientError) as caught:
        yield caught
    assert caught.value.response["Error"]["Code"] in codes


@contextmanager
def invalid() -> Iterator[None]:
    """The block must be refused as a request that breaks a rule of DynamoDB."""
    with refused("ValidationException"):
        yield


def holds(aws: Aws, key: Item, condition: str, **values: Item) -> bool:
    """Return whether a condition holds for an item of the gate table, asked by a write that changes nothing."""
    given = {"ExpressionAttributeValues": {f":{name}": value for name, value in values.items()}}
    check = {"TableName": GATE, "Key": key, "ConditionExpression": condition, **(given if values else {})}
    try:
        aws.dynamodb.transact_write_items(TransactItems=[{"ConditionCheck": check}])
    except ClientError as error:
        response: Any = error.response
        assert response["Error"]["Code"] == "TransactionCanceledException", response["Error"]
        assert [reason["Code"] for reason in response["CancellationReasons"]] == ["ConditionalCheckFailed"]
        return False
    return True


def bodies(messages: list[Item]) -> list[str]:
    """Return the messages' bodies."""
    return [message["Body"] for message in messages]


@contextmanager
def fakes() -> Iterator[Aws]:
    """Our own, on a virtual clock."""
    clock = FakeClock()
    yield Aws(FakeDynamoDB(), FakeSqs(clock), FakeSecretsManager(), clock.advance)


@contextmanager
def moto() -> Iterator[Aws]:
    """Moto in this process; it lives on the wall clock, so time passes by waiting."""
    with aws_in_memory():
        dynamodb, sqs, secrets = (aws_client(name) for name in SERVICES)
        yield Aws(dynamodb, sqs, secrets, time.sleep)


@contextmanager
def ministack(folder: Path) -> Iterator[Aws]:
    """A MiniStack of our own on 127.0.0.1; it lives on the wall clock, so time passes by waiting."""
    home = Home(folder)
    try:
        endpoint = start(home).endpoint_url
        dynamodb, sqs, secrets = (_client(name, endpoint) for name in SERVICES)
        yield Aws(dynamodb, sqs, secrets, time.sleep)
    finally:
        stop(home)


def _client(service: str, endpoint_url: str) -> Any:
    return botocore.session.get_session().create_client(
        service,
        region_name=REGION,
        endpoint_url=endpoint_url,
        aws_access_key_id=OPERATOR_KEY,
        aws_secret_access_key=OPERATOR_KEY,
        config=Config(retries={"total_max_attempts": 1}, proxies={}),
    )


def make_tables(aws: Aws) -> None:
    """Make the template's tables."""
    for table in TABLES:
        make_table(aws.dynamodb, table)
