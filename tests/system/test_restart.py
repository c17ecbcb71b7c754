"""What the stack holds survives `down` and `up`. Runs last: it takes the stack away from under every other test."""

import json
from typing import Any

from tests.system.conftest import LocalStack
from tests.system.trader import AlertSender, Trader, unique

KEPT = ("api_url", "webhook_url", "api_key", "api_keys", "webhook_token", "outputs")


def _picture(trader: Trader, sender: AlertSender) -> dict[str, Any]:
    account = trader.account
    return {
        "orders": trader.api.orders(account=account),
        "positions": trader.api.portfolio("positions", account),
        "funds": trader.api.portfolio("funds", account),
        "broker": trader.at_broker(),
        "strategy": trader.target.settings.strategy(sender.strategy),
    }


def test_all_is_as_before_after_down_and_up_and_goes_on_from_there(stack: LocalStack, trader: Trader) -> None:
    sender, key = trader.strategy(), unique()
    alert = json.dumps(sender.message())
    first = sender.send(alert).content["client_order_ids"][0]
    trader.api.settled(first, "filled")
    resting = trader.api.place(trader.limit("90"), key).order(201)
    trader.set_price("101")
    bound = trader.with_scope("trade", trader.account)
    before, facts = _picture(trader, sender), stack.facts

    stack.down()
    stack.up()

    assert _picture(trader, sender) == before
    assert {name: stack.facts[name] for name in KEPT} == {name: facts[name] for name in KEPT}
    # repeats are still repeats
    assert bound.api.place(trader.limit("90"), key).order(200) == resting
    assert sender.send(alert).content["client_order_ids"] == [first]
    # the resting order, the alerts' queue and the market go on
    trader.set_price("89")
    trader.api.settled(resting["client_order_id"], "filled")
    last = trader.api.settled(sender.fire(position_size="10"), "filled")
    assert last["average_price"] == "89"
    assert len(trader.at_broker()) == 3
