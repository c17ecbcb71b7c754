"""Orders at Zerodha, played by the Kite simulator: what each fault leaves in our book and in the broker's."""

import json

import pytest

from infra.local.stack import Stack
from infra.operate import Target
from tests.simulators.kite_behaviours import TIMED_OUT
from tests.system.client import Client, Order, eventually
from tests.system.conftest import LocalStack
from tests.system.kite import KiteProcess, KiteTrader
from tests.system.trader import in_time, new_alert_sender, new_key, unique

RECONCILED_S = 60


@pytest.fixture
def trader(target: Target, admin: Client, kite: KiteProcess) -> KiteTrader:
    return KiteTrader(target=target, api=admin, kite=kite)


def test_an_accepted_order_fills_and_carries_our_name_in_the_brokers_book(trader: KiteTrader) -> None:
    order = trader.api.place(trader.order()).order(201)

    assert (order["state"], order["filled_quantity"], order["average_price"]) == ("filled", 5, "1500.05")
    (row,) = trader.kite.orders()
    assert (row["order_id"], row["tag"]) == (order["broker_order_id"], order["client_order_id"])
    assert row["market_protection"] == -1


def test_an_order_rejected_at_the_door_is_told_in_the_brokers_words(trader: KiteTrader) -> None:
    trader.kite.tell(behave="no_margin_at_door")

    reply = trader.api.place(trader.order())

    assert (reply.status, reply.code) == (422, "ORDER_REJECTED")
    assert "Insufficient funds." in reply.content["detail"]
    assert (reply.content["order"]["state"], reply.content["order"]["broker_order_id"]) == ("rejected", None)
    assert trader.kite.orders() == []


def test_an_order_rejected_after_its_acknowledgement_is_no_success_either(trader: KiteTrader) -> None:
    trader.kite.tell(behave="reject_after_acknowledging")

    reply = trader.api.place(trader.order())

    assert (reply.status, reply.code) == (422, "ORDER_REJECTED")
    assert "Rejected by the risk checks." in reply.content["detail"]
    (row,) = trader.kite.orders()
    order = reply.content["order"]
    assert (order["state"], order["broker_order_id"]) == ("rejected", row["order_id"])


def test_an_expired_token_refuses_the_order_and_the_next_login_lets_the_next_order_through(
    target: Target, admin: Client, kite: KiteProcess
) -> None:
    trader = KiteTrader(target=target, api=admin, kite=kite, access_token="of-yesterday")

    reply = trader.api.place(trader.order())
    taken_in = trader.kite.orders()
    trader.log_in("live-token")
    after_login = trader.api.place(trader.order())

    assert (reply.status, reply.code) == (503, "BROKER_SESSION_EXPIRED")
    assert reply.content["order"]["state"] == "refused"
    assert taken_in == []
    assert after_login.order(201)["state"] == "filled"


@pytest.mark.parametrize("fault", ["accept_then_drop", "accept_then_time_out", "accept_then_fail"])
def test_an_order_whose_answer_was_lost_is_unknown_and_then_found_in_the_brokers_book(
    trader: KiteTrader, fault: str
) -> None:
    key = unique()
    trader.kite.tell(behave=fault)

    placed = trader.api.place(trader.order(), key).order(202)
    again = trader.api.place(trader.order(), key).order(200, 202)
    found = trader.api.settled(placed["client_order_id"], "filled", within_s=RECONCILED_S)

    assert (placed["state"], placed["broker_order_id"]) == ("unknown", None)
    assert again["client_order_id"] == placed["client_order_id"]
    (row,) = trader.kite.orders()
    assert found["broker_order_id"] == row["order_id"]
    assert [step["state"] for step in in_time(found["history"])][:3] == ["received", "submitting", "unknown"]


def test_kites_http_400_that_an_order_timed_out_is_no_rejection(trader: KiteTrader) -> None:
    trader.kite.tell(behave="time_out_unseen")

    order = trader.api.place(trader.order()).order(202)

    assert order["state"] == "unknown"
    assert TIMED_OUT in order["reason"]["message"]
    # it is not in the book, and that proves nothing: it is never sent again
    assert trader.kite.orders() == []


def test_an_order_that_the_broker_never_had_is_closed_by_an_admin_s_word_once_it_was_told(
    trader: KiteTrader, admin: Client
) -> None:
    trader.kite.tell(behave="time_out_unseen")
    order = trader.api.place(trader.order()).order(202)
    path = f"/v1/orders/{order['client_order_id']}/settle"
    body = {"outcome": "not_placed", "reason": "the app shows no order"}

    def said() -> Order | None:
        reply = admin.send("POST", path, body)
        assert reply.status == 200 or reply.code == "ORDER_NOT_UNKNOWN", reply
        return reply.content if reply.status == 200 else None

    closed = eventually(said, "the order was told as unknown", within_s=RECONCILED_S)

    assert (closed["state"], closed["reason"]["code"]) == ("rejected", "NOT_AT_BROKER")
    assert "the app shows no order" in closed["reason"]["message"]
    assert trader.api.read(order["client_order_id"]).content == closed


def test_a_broker_that_is_down_gets_nothing_and_the_caller_is_told(trader: KiteTrader) -> None:
    trader.api.place(trader.order()).order(201)  # a connection is open, and will turn out dead
    trader.kite.stop()

    reply = trader.api.place(trader.order())

    assert (reply.status, reply.code) == (503, "BROKER_UNREACHABLE")
    assert reply.content["order"]["state"] == "refused"
    assert "submitting" in {step["state"] for step in reply.content["order"]["history"]}


def test_an_alert_waits_out_a_broker_that_is_down_for_a_moment(trader: KiteTrader) -> None:
    sender = new_alert_sender(
        trader.target, trader.api.api_url, "INFY", accounts=(trader.account,), max_age_s=120
    )
    trader.kite.stop()
    client_order_id = sender.fire()
    trader.api.settled(client_order_id, "received")

    trader.kite.start()

    order = trader.api.settled(client_order_id, "filled")
    assert [row["order_id"] for row in trader.kite.orders()] == [order["broker_order_id"]]


def test_a_changed_order_is_changed_at_the_broker(trader: KiteTrader) -> None:
    placed = trader.rest()

    changed = trader.api.modify(placed["client_order_id"], limit_price="1410.5", quantity=7).order(200)

    assert (changed["state"], changed["limit_price"], changed["quantity"]) == ("open", "1410.5", 7)
    (row,) = trader.kite.orders()
    assert (row["price"], row["quantity"], row["status"]) == (1410.5, 7, "OPEN")


def test_a_cancelled_order_is_cancelled_at_the_broker(trader: KiteTrader) -> None:
    placed = trader.rest()

    cancelled = trader.api.cancel(placed["client_order_id"]).order(200)

    assert cancelled["state"] == "cancelled"
    assert [row["status"] for row in trader.kite.orders()] == ["CANCELLED"]


def test_a_cancel_that_a_fill_has_overtaken_tells_of_the_fill(trader: KiteTrader) -> None:
    placed = trader.rest()
    trader.kite.tell(behave="filled_before_cancel", on="cancel")

    reply = trader.api.cancel(placed["client_order_id"])

    assert (reply.status, reply.code) == (422, "ORDER_REJECTED")
    assert (reply.content["order"]["state"], reply.content["order"]["filled_quantity"]) == ("filled", 5)


def test_a_fill_at_the_broker_is_seen_at_the_next_look(trader: KiteTrader, stack: LocalStack) -> None:
    placed = trader.rest()
    trader.kite.tell(fill={"order_id": placed["broker_order_id"], "quantity": 2})

    Stack(stack.facts["endpoint_url"]).client("sqs").send_message(
        QueueUrl=trader.target.outputs["ReconcileQueueUrl"],
        MessageBody=json.dumps({"account": trader.account}),
    )

    order = trader.api.settled(placed["client_order_id"], "partially_filled", within_s=RECONCILED_S)
    assert (order["filled_quantity"], order["pending_quantity"]) == (2, 3)


def test_positions_holdings_and_funds_are_the_brokers(trader: KiteTrader) -> None:
    trader.api.place(trader.order(quantity=4)).order(201)

    (position,) = trader.api.portfolio("positions", trader.account)
    (funds,) = trader.api.portfolio("funds", trader.account)

    assert (position["instrument"], position["quantity"], position["average_price"]) == (
        "NSE:INFY",
        4,
        "1500.05",
    )
    assert trader.api.portfolio("holdings", trader.account) == []
    assert (funds["segment"], funds["available"], funds["used"]) == ("equity", "993999.80", "6000.20")


def test_one_accounts_failure_stands_beside_the_others_answers(
    target: Target, admin: Client, kite: KiteProcess
) -> None:
    well = KiteTrader(target=target, api=admin, kite=kite)
    expired = KiteTrader(target=target, api=admin, kite=kite, access_token="of-yesterday")
    reader = Client(admin.api_url, new_key(target, "read", well.account, expired.account))

    entries = {entry["account"]: entry for entry in reader.get("/v1/funds").order(200)["accounts"]}

    assert "funds" in entries[well.account]
    assert entries[expired.account]["error"]["code"] == "BROKER_SESSION_EXPIRED"
