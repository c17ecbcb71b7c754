"""One intent gives one order at the broker, however often and however fast it is asked for."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from order_router.domain.identity import client_order_id
from tests.system.client import Order
from tests.system.trader import Trader, unique

REPLAYED = "idempotent-replayed"
AT_ONCE = 8
"""Each is a process of its own here; `test_claim_race.py` lets 64 threads loose on the same claim."""


@pytest.mark.parametrize("limit_price", [None, "90"], ids=["filled", "resting"])
def test_parallel_requests_with_one_key_make_one_order(trader: Trader, limit_price: str | None) -> None:
    key = unique()
    order = trader.order() if limit_price is None else trader.limit(limit_price)
    # one worker is warm: where all start at once, they take longer than an order may wait
    Trader(target=trader.target, api=trader.api).place()

    replies = trader.api.place_together(order, key, times=AT_ONCE)

    assert sorted(reply.status for reply in replies) == [200] * (AT_ONCE - 1) + [201]
    assert {(reply.status, reply.headers.get(REPLAYED)) for reply in replies} == {(201, None), (200, "true")}
    assert {reply.headers["idempotency-key"] for reply in replies} == {key}
    (told,) = {(one["client_order_id"], one["broker_order_id"]) for one in (r.content for r in replies)}
    assert told == (client_order_id(trader.account, f"api:{key}"), trader.at_broker()[0]["broker_order_id"])
    assert len(trader.at_broker()) == 1
    assert len(trader.api.orders(account=trader.account)) == 1


def test_a_repeat_later_answers_with_what_the_order_has_become(trader: Trader) -> None:
    key, order = unique(), trader.limit("90")
    first = trader.api.place(order, key).order(201)
    trader.api.cancel(first["client_order_id"])

    repeat = trader.api.place(order, key)

    assert repeat.headers[REPLAYED] == "true"
    assert repeat.order(200) == trader.api.read(first["client_order_id"]).content
    assert repeat.content["state"] == "cancelled"
    assert len(trader.at_broker()) == 1


def test_the_same_key_with_another_quantity_is_an_error_and_no_order(trader: Trader) -> None:
    key = unique()
    trader.api.place(trader.order(quantity=5), key).order(201)

    reply = trader.api.place(trader.order(quantity=6), key)

    assert (reply.status, reply.code) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert [row["quantity"] for row in trader.at_broker()] == [5]


def test_of_two_orders_racing_with_one_key_one_wins_and_the_other_is_an_error(trader: Trader) -> None:
    key = unique()
    orders: list[Order] = [trader.order(quantity=quantity) for quantity in (5, 6)] * 4

    with ThreadPoolExecutor(len(orders)) as pool:
        replies = list(pool.map(lambda order: trader.api.place(order, key), orders))

    (at_broker,) = trader.at_broker()
    for order, reply in zip(orders, replies, strict=True):
        if order["quantity"] == at_broker["quantity"]:
            assert reply.order(200, 201)["broker_order_id"] == at_broker["broker_order_id"]
        else:
            assert (reply.status, reply.code) == (422, "IDEMPOTENCY_KEY_REUSED")


def test_a_refused_order_stays_refused_under_its_key(trader: Trader) -> None:
    key, order = unique(), trader.order(instrument="NSE:NOSUCHSHARE")

    first, repeat = (trader.api.place(order, key) for _ in range(2))

    assert {(reply.status, reply.code) for reply in (first, repeat)} == {(422, "ORDER_REJECTED")}
    assert repeat.headers[REPLAYED] == "true"
    assert repeat.content["order"] == first.content["order"]


def test_a_key_is_made_for_a_caller_who_sends_none_and_works_like_any_other(trader: Trader) -> None:
    first = trader.api.place(trader.order())
    key = first.headers["idempotency-key"]

    repeat = trader.api.place(trader.order(), key)
    other = trader.api.place(trader.order())

    assert repeat.order(200)["client_order_id"] == first.order(201)["client_order_id"]
    assert other.order(201)["client_order_id"] != first.content["client_order_id"]
    assert len(trader.at_broker()) == 2


def test_the_same_key_in_another_account_is_another_order(trader: Trader) -> None:
    key, other = unique(), Trader(target=trader.target, api=trader.api)

    mine = trader.api.place(trader.order(), key).order(201)
    theirs = trader.api.place(other.order(), key).order(201)

    assert mine["client_order_id"] != theirs["client_order_id"]
    assert (len(trader.at_broker()), len(other.at_broker())) == (1, 1)
