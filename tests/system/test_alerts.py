"""A TradingView alert's journey, from the webhook through the queue to its end at the paper broker."""

import json
from typing import Any

import pytest

from tests.system.client import Order
from tests.system.trader import Trader


def _at_broker(trader: Trader) -> list[str]:
    return [row["broker_order_id"] for row in trader.at_broker()]


@pytest.mark.parametrize(
    "content_type",
    ["text/plain; charset=utf-8", "application/json", "application/x-www-form-urlencoded", None],
    ids=["text", "json", "handed over base64-encoded", "none"],
)
def test_an_alert_becomes_a_filled_order_whatever_its_content_type(
    trader: Trader, content_type: str | None
) -> None:
    sender = trader.strategy()

    reply = sender.send(sender.message(), content_type)

    assert reply.status == 202, reply
    (client_order_id,) = reply.content["client_order_ids"]
    order = trader.api.settled(client_order_id, "filled")
    assert (order["source"], order["strategy"], order["instrument"]) == (
        "alert",
        sender.strategy,
        trader.instrument,
    )
    assert (order["side"], order["quantity"], order["average_price"]) == ("BUY", 5, "100")
    assert _at_broker(trader) == [order["broker_order_id"]]


def test_the_token_may_stand_in_the_path_and_further_keys_are_ignored(trader: Trader) -> None:
    sender = trader.strategy()
    message = sender.message(token=None, comment="from the chart", interval="5")

    reply = sender.send(message, token=sender.token)

    assert reply.status == 202, reply
    (client_order_id,) = reply.content["client_order_ids"]
    trader.api.settled(client_order_id, "filled")


def test_a_strategy_with_limit_orders_takes_the_alerts_price(trader: Trader) -> None:
    sender = trader.strategy(order_type="LIMIT")

    client_order_id = sender.fire(price="99.50")

    order = trader.api.settled(client_order_id, "open")
    assert (order["order_type"], order["limit_price"]) == ("LIMIT", "99.5")


def test_one_alert_becomes_one_order_in_each_account_of_its_strategy(trader: Trader) -> None:
    other = Trader(target=trader.target, api=trader.api)
    sender = trader.strategy(accounts=(trader.account, other.account))

    reply = sender.send(sender.message())

    orders = [trader.api.settled(one, "filled") for one in reply.content["client_order_ids"]]
    assert [order["account"] for order in orders] == [trader.account, other.account]
    assert (len(trader.at_broker()), len(other.at_broker())) == (1, 1)


@pytest.mark.parametrize("has_time", [True, False], ids=["with its time", "without a time"])
def test_an_alert_that_is_sent_four_times_becomes_one_order(trader: Trader, has_time: bool) -> None:
    sender = trader.strategy()
    message = json.dumps(sender.message() if has_time else sender.message(time=None))

    replies = [sender.send(message) for _ in range(4)]

    assert {reply.status for reply in replies} == {202}
    (ids,) = {tuple(reply.content["client_order_ids"]) for reply in replies}
    trader.api.settled(ids[0], "filled")
    # what comes after a resend in the same group comes when the resend has been dealt with
    last = trader.api.settled(sender.fire(position_size="10"), "filled")
    assert _at_broker(trader) == [
        trader.api.read(ids[0]).content["broker_order_id"],
        last["broker_order_id"],
    ]


def test_two_alerts_that_differ_only_in_time_and_position_size_become_two_orders(trader: Trader) -> None:
    sender = trader.strategy()
    first, second = sender.message(age_s=1), sender.message(position_size="10")

    ids = [sender.send(message).content["client_order_ids"][0] for message in (first, second)]

    orders = [trader.api.settled(one, "filled") for one in ids]
    assert len({order["client_order_id"] for order in orders}) == 2
    assert _at_broker(trader) == [order["broker_order_id"] for order in orders]


def test_two_fills_within_one_second_are_told_apart_by_their_position_size(trader: Trader) -> None:
    sender = trader.strategy()
    first = sender.message()

    ids = {
        sender.send(message).content["client_order_ids"][0]
        for message in (first, first | {"position_size": "10"})
    }

    assert len(ids) == 2
    for one in ids:
        trader.api.settled(one, "filled")
    assert len(_at_broker(trader)) == 2


def test_an_alert_that_is_too_old_goes_stale_and_never_reaches_the_broker(trader: Trader) -> None:
    sender = trader.strategy()

    order = trader.api.settled(sender.fire(age_s=600), "stale")

    assert order["broker_order_id"] is None
    assert order["reason"]["code"] == "DEADLINE_PASSED"
    assert _at_broker(trader) == []


def test_alerts_for_one_instrument_leave_in_the_order_they_came(trader: Trader) -> None:
    sender = trader.strategy()
    ids = [sender.fire(contracts=str(quantity), position_size=str(quantity)) for quantity in range(1, 9)]

    orders: list[Order] = [trader.api.settled(one, "filled") for one in ids]

    rows = sorted(trader.at_broker(), key=lambda row: str(row["broker_order_id"]))
    assert [row["quantity"] for row in rows] == list(range(1, 9))
    assert [row["broker_order_id"] for row in rows] == [order["broker_order_id"] for order in orders]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"action": "hold"}, "ALERT_REFUSED"),
        ({"exchange": "LSE"}, "ALERT_REFUSED"),
        ({"contracts": "1001"}, "ALERT_REFUSED"),
        ({"contracts": "0.5"}, "INVALID_REQUEST"),
        ({"contracts": None}, "INVALID_REQUEST"),
    ],
    ids=["action", "exchange", "above the maximum", "a part of a share", "no quantity"],
)
def test_an_alert_that_cannot_trade_is_refused_for_good(
    trader: Trader, changes: dict[str, Any], code: str
) -> None:
    sender = trader.strategy()

    reply = sender.send(sender.message(**changes))

    # never 5xx: TradingView would send it again
    assert (reply.status, reply.code) == (422, code)
    assert _at_broker(trader) == []


def test_an_alert_that_the_broker_refuses_is_recorded_in_the_brokers_words(trader: Trader) -> None:
    sender = trader.strategy()

    order = trader.api.settled(sender.fire(ticker="NOSUCHSHARE"), "rejected")

    assert order["reason"]["message"] == "NO_SUCH_INSTRUMENT: NSE:NOSUCHSHARE does not trade here"
    assert order["broker_order_id"] is None
