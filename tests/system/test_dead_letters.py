"""A queue message that is no order: kept and told, and never in the way of the alert behind it."""

import hashlib
from typing import Any

from infra.local.stack import Stack
from tests.system.client import eventually
from tests.system.conftest import LocalStack
from tests.system.trader import Trader, unique


def _poison(stack: Stack, queue: str, trader: Trader, body: str) -> str:
    """Put a message that is no order into the group of the trader's orders; return its id."""
    group = hashlib.sha256(f"{trader.account}#{trader.instrument}".encode()).hexdigest()
    sent = stack.client("sqs").send_message(
        QueueUrl=stack.outputs[queue],
        MessageBody=body,
        MessageGroupId=group,
        MessageDeduplicationId=unique(),
    )
    return str(sent["MessageId"])


def _kept(stack: Stack, message_id: str) -> dict[str, Any] | None:
    table = stack.outputs["GateTableName"]
    answer = stack.client("dynamodb").get_item(TableName=table, Key={"gate": {"S": f"dead#{message_id}"}})
    found: dict[str, Any] | None = answer.get("Item")
    return found


def test_a_poisonous_message_is_kept_and_the_alert_behind_it_trades(
    stack: LocalStack, trader: Trader
) -> None:
    deployed = Stack(stack.facts["endpoint_url"])
    message_id = _poison(deployed, "OrderQueueUrl", trader, "poison")

    client_order_id = trader.strategy().fire()

    trader.api.settled(client_order_id, "filled")
    item = eventually(lambda: _kept(deployed, message_id), "the poisonous message in the gate table")
    assert item["body"] == {"S": "poison"}


def test_what_ends_in_the_dead_letters_is_kept_and_does_not_come_back(
    stack: LocalStack, trader: Trader
) -> None:
    deployed = Stack(stack.facts["endpoint_url"])
    message_id = _poison(deployed, "OrderDeadLettersUrl", trader, "poison of another day")

    item = eventually(lambda: _kept(deployed, message_id), "the dead letter in the gate table")

    assert item["body"] == {"S": "poison of another day"}
