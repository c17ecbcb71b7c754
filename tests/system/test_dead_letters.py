"""A queue message that is no order: kept and told, and never in the way of the alert behind it."""

import hashlib
from typing import Any

from infra.local.stack import Stack
from tests.system.client import eventually
from tests.system.conftest import LocalStack
from tests.system.trader import Trader, unique


def _group(trader: Trader) -> str:
    return hashlib.sha256(f"{trader.account}#{trader.instrument}".encode()).hexdigest()


def _kept(stack: Stack, message_id: str) -> dict[str, Any] | None:
    table = stack.outputs["GateTableName"]
    answer = stack.client("dynamodb").get_item(TableName=table, Key={"gate": {"S": f"dead#{message_id}"}})
    found: dict[str, Any] | None = answer.get("Item")
    return found


def test_a_poisonous_message_is_kept_and_the_alert_behind_it_trades(
    stack: LocalStack, trader: Trader
) -> None:
    deployed = Stack(stack.facts["endpoint_url"])
    sent = deployed.client("sqs").send_message(
        QueueUrl=deployed.outputs["OrderQueueUrl"],
        MessageBody="poison",
        MessageGroupId=_group(trader),
        MessageDeduplicationId=unique(),
    )

    client_order_id = trader.strategy().fire()

    trader.api.settled(client_order_id, "filled")
    item = eventually(lambda: _kept(deployed, sent["MessageId"]), "the poisonous message in the gate table")
    assert item["body"] == {"S": "poison"}


def test_what_ends_in_the_dead_letters_is_kept_and_does_not_come_back(
    stack: LocalStack, trader: Trader
) -> None:
    deployed = Stack(stack.facts["endpoint_url"])
    sent = deployed.client("sqs").send_message(
        QueueUrl=deployed.outputs["OrderDeadLettersUrl"],
        MessageBody="poison of another day",
        MessageGroupId=_group(trader),
        MessageDeduplicationId=unique(),
    )

    item = eventually(lambda: _kept(deployed, sent["MessageId"]), "the dead letter in the gate table")

    assert item["body"] == {"S": "poison of another day"}
