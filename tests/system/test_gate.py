"""Stop means stop: switches, limits and the pace hold over HTTPS and for alerts, and let go again."""

from datetime import UTC, datetime, timedelta

import pytest

from infra import operate
from order_router.aws.gate import epoch_ms
from order_router.domain.account import Account
from order_router.domain.limits import Limits
from tests.system.trader import Trader

SLOTS = 9


@pytest.mark.parametrize("switch", ["kill#global", "kill#account#{account}"])
def test_a_kill_switch_stops_every_new_order_until_it_is_off_again(trader: Trader, switch: str) -> None:
    resting = trader.rest("90")
    name = switch.format(account=trader.account)
    trader.switches.set(name, engaged=True)
    try:
        refused = trader.api.place(trader.order())
        changed = trader.api.modify(resting["client_order_id"], quantity=9)
        cancelled = trader.api.cancel(resting["client_order_id"])
    finally:
        trader.switches.set(name, engaged=False)

    assert (refused.status, refused.code) == (422, "KILL_SWITCH_ON")
    assert refused.content["order"]["state"] == "refused"
    assert (changed.status, changed.code) == (422, "KILL_SWITCH_ON")
    # a stop never stops a cancel
    assert cancelled.order(200)["state"] == "cancelled"
    assert [row["status"] for row in trader.at_broker()] == ["CANCELLED"]
    assert trader.place()["state"] == "filled"


def test_a_strategys_kill_switch_stops_its_alerts_and_nothing_else(trader: Trader) -> None:
    sender = trader.strategy()
    name = f"kill#strategy#{sender.strategy}"
    trader.switches.set(name, engaged=True)

    refused = trader.api.settled(sender.fire(), "refused")
    by_hand = trader.place()
    trader.switches.set(name, engaged=False)
    filled = trader.api.settled(sender.fire(position_size="10"), "filled")

    assert refused["reason"]["code"] == "KILL_SWITCH_ON"
    assert {row["broker_order_id"] for row in trader.at_broker()} == {
        by_hand["broker_order_id"],
        filled["broker_order_id"],
    }


def test_an_account_sends_no_more_orders_than_its_day_allows(trader: Trader) -> None:
    account = Account(name=f"{trader.account}-2", broker="paper", limits=Limits(max_orders_per_day=2))
    operate.add_account(trader.target, account)
    order = trader.order(account=account.name)

    replies = [trader.api.place(order) for _ in range(3)]

    assert [reply.status for reply in replies] == [201, 201, 422]
    assert replies[2].code == "DAILY_LIMIT_REACHED"
    assert replies[2].content["order"]["state"] == "refused"


def test_a_disabled_account_refuses_orders(trader: Trader) -> None:
    account = Account(name=f"{trader.account}-off", broker="paper", is_enabled=False)
    operate.add_account(trader.target, account)

    reply = trader.api.place(trader.order(account=account.name))

    assert (reply.status, reply.code) == (422, "ACCOUNT_DISABLED")


def test_an_order_over_the_pace_is_told_when_to_come_again_and_leaves_no_trace(trader: Trader) -> None:
    _use_up_every_call(trader, until=datetime.now(UTC) + timedelta(minutes=1))

    reply = trader.api.place(trader.order())

    assert (reply.status, reply.code) == (429, "RATE_LIMITED")
    assert 50 < int(reply.headers["retry-after"]) <= 62
    assert trader.at_broker() == []
    assert trader.api.orders(account=trader.account) == []


def _use_up_every_call(trader: Trader, until: datetime) -> None:
    for number in range(SLOTS):
        item = {
            "gate": {"S": f"pace#{trader.account}#NSE#{number}"},
            "used_at": {"N": str(epoch_ms(until))},
        }
        trader.target.dynamodb.put_item(TableName=trader.target.outputs["GateTableName"], Item=item)
