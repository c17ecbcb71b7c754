"""An unknown order holds its strategy's next entry in that instrument, not its exit, through the whole stack."""

import json

import pytest

from infra.local.stack import Stack
from infra.operate import Target
from tests.system.client import Client
from tests.system.conftest import LocalStack
from tests.system.kite import KiteProcess, KiteTrader
from tests.system.trader import AlertSender, new_alert_sender


@pytest.fixture
def trader(target: Target, admin: Client, kite: KiteProcess) -> KiteTrader:
    return KiteTrader(target=target, api=admin, kite=kite)


@pytest.fixture
def strategy(trader: KiteTrader) -> AlertSender:
    accounts = (trader.account,)
    return new_alert_sender(trader.target, trader.api.api_url, "INFY", accounts=accounts, max_age_s=300)


def look(trader: KiteTrader, stack: LocalStack) -> None:
    """Ask the reconciler to look at the account now."""
    Stack(stack.facts["endpoint_url"]).client("sqs").send_message(
        QueueUrl=trader.target.outputs["ReconcileQueueUrl"],
        MessageBody=json.dumps({"account": trader.account}),
    )


def test_an_entry_waits_for_an_unknown_order_and_an_exit_does_not(
    trader: KiteTrader, strategy: AlertSender, stack: LocalStack
) -> None:
    trader.kite.tell(behave="drop_unseen")
    lost = strategy.fire(order_id="first")
    trader.api.settled(lost, "unknown")

    entry = strategy.fire(order_id="second", position_size="10")
    leave = strategy.fire(order_id="out", action="sell", position_size="0", market_position="flat")
    left = trader.api.settled(leave, "filled")
    held = trader.api.get(f"/v1/orders/{entry}").order(200)
    over_https = trader.api.place(trader.order(strategy=strategy.strategy))

    assert [row["tag"] for row in trader.kite.orders()] == [left["client_order_id"]]
    assert (held["state"], held["history"][-1]["event"]) == ("received", "held")
    assert (over_https.status, over_https.code) == (409, "ENTRY_HELD")

    trader.kite.take_order(lost)
    look(trader, stack)

    trader.api.settled(lost, "filled")
    released = trader.api.settled(entry, "filled")
    assert "held" in {step["event"] for step in released["history"]}
    assert [row["tag"] for row in trader.kite.orders()] == [leave, lost, entry]


def test_the_hold_is_gone_with_the_order_that_put_it_on(
    trader: KiteTrader, strategy: AlertSender, stack: LocalStack
) -> None:
    trader.kite.tell(behave="accept_then_drop")
    lost = strategy.fire(order_id="first")
    trader.api.settled(lost, "unknown", "filled")
    look(trader, stack)

    trader.api.settled(lost, "filled", within_s=60)
    again = trader.api.place(trader.order(strategy=strategy.strategy)).order(201)
    assert again["state"] == "filled"
