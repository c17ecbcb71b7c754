"""An order's journey over HTTPS, from the call to its end at the paper broker."""

from datetime import datetime
from itertools import pairwise

import pytest

from tests.system.client import Order
from tests.system.trader import Trader, in_time


def _states(order: Order) -> list[str]:
    return [step["state"] for step in in_time(order["history"])]


def test_a_market_order_fills_at_the_last_price_and_its_history_tells_how(trader: Trader) -> None:
    order = trader.place(quantity=5)

    assert order["state"] == "filled"
    assert (order["filled_quantity"], order["pending_quantity"], order["average_price"]) == (5, 0, "100")
    assert _states(order) == ["received", "submitting", "open", "filled"]
    times = [datetime.fromisoformat(step["at"]) for step in order["history"]]
    assert all(earlier <= later for earlier, later in pairwise(times))
    (at_broker,) = trader.at_broker()
    assert at_broker["broker_order_id"] == order["broker_order_id"]
    assert at_broker["status"] == "COMPLETE"


def test_an_order_read_back_is_the_order_that_was_answered(trader: Trader) -> None:
    placed = trader.place(quantity=5)

    assert trader.api.read(placed["client_order_id"]).order(200) == placed


def test_a_limit_order_rests_until_the_price_comes_to_it(trader: Trader) -> None:
    placed = trader.rest("95.05", quantity=3)

    trader.set_price("95")

    filled = trader.api.settled(placed["client_order_id"], "filled")
    assert (filled["filled_quantity"], filled["average_price"]) == (3, "95")


def test_a_price_may_come_as_a_number_and_goes_out_as_text(trader: Trader) -> None:
    body = f"""{{"account": "{trader.account}", "instrument": "{trader.instrument}", "side": "BUY",
        "quantity": 1, "order_type": "LIMIT", "limit_price": 90.10, "product": "CNC"}}"""

    order = trader.api.send("POST", "/v1/orders", body).order(201)

    assert order["limit_price"] == "90.1"


def test_a_stop_limit_order_sleeps_until_its_trigger_and_then_trades_within_its_limit(trader: Trader) -> None:
    placed = trader.place(order_type="SL", trigger_price="105", limit_price="106")
    assert placed["state"] == "open"

    trader.set_price("104.95")
    assert trader.api.read(placed["client_order_id"]).content["state"] == "open"
    trader.set_price("105.5")

    filled = trader.api.settled(placed["client_order_id"], "filled")
    assert filled["average_price"] == "105.5"


def test_a_stop_market_order_sells_at_whatever_price_wakes_it(trader: Trader) -> None:
    trader.place(quantity=5)
    stop = trader.place(side="SELL", order_type="SL_M", trigger_price="95")
    assert stop["state"] == "open"

    trader.set_price("93")

    filled = trader.api.settled(stop["client_order_id"], "filled")
    assert filled["average_price"] == "93"


@pytest.mark.parametrize(
    ("limit_price", "quantity", "filled"), [("90", 5, 0), ("100", 25, 10)], ids=["nothing", "a part"]
)
def test_an_ioc_order_cancels_what_does_not_fill_at_once(
    trader: Trader, limit_price: str, quantity: int, filled: int
) -> None:
    order = trader.place(
        order_type="LIMIT", limit_price=limit_price, quantity=quantity, product="MIS", validity="IOC"
    )

    assert order["state"] == "cancelled"
    assert order["filled_quantity"] == filled
    assert [row["status"] for row in trader.at_broker()] == ["CANCELLED"]


def test_a_large_order_fills_in_parts_at_the_prices_of_each(trader: Trader) -> None:
    placed = trader.place(order_type="LIMIT", limit_price="100", quantity=25)
    assert (placed["state"], placed["filled_quantity"], placed["pending_quantity"]) == (
        "partially_filled",
        10,
        15,
    )

    trader.set_price("98")
    trader.set_price("96")

    filled = trader.api.settled(placed["client_order_id"], "filled")
    # 10 at 100, 10 at 98, 5 at 96
    assert (filled["filled_quantity"], filled["average_price"]) == (25, "98.4")


def test_a_modified_order_trades_on_its_new_terms(trader: Trader) -> None:
    placed = trader.rest("90", quantity=2)

    changed = trader.api.modify(placed["client_order_id"], limit_price="91", quantity=3).order(200)

    assert (changed["state"], changed["limit_price"], changed["quantity"]) == ("open", "91", 3)
    assert changed["broker_order_id"] == placed["broker_order_id"]
    trader.set_price("90.5")
    filled = trader.api.settled(placed["client_order_id"], "filled")
    assert (filled["filled_quantity"], filled["average_price"]) == (3, "90.5")


def test_an_order_can_be_modified_into_another_type(trader: Trader) -> None:
    placed = trader.rest("90", quantity=2)

    changed = trader.api.modify(placed["client_order_id"], order_type="MARKET", limit_price=None).order(200)

    assert (changed["state"], changed["order_type"], changed["limit_price"]) == ("filled", "MARKET", None)


def test_a_cancelled_order_never_fills(trader: Trader) -> None:
    placed = trader.rest("90")

    cancelled = trader.api.cancel(placed["client_order_id"]).order(200)
    trader.set_price("80")

    assert cancelled["state"] == "cancelled"
    (at_broker,) = trader.at_broker()
    assert (at_broker["status"], at_broker["filled_quantity"]) == ("CANCELLED", 0)


def test_cancel_all_tells_each_open_orders_outcome_and_touches_nothing_else(trader: Trader) -> None:
    filled = trader.place(quantity=1)
    resting = [trader.rest(price, quantity=1) for price in ("90", "91", "92")]

    results = trader.api.cancel_all(trader.account)

    assert {line["client_order_id"]: line["outcome"] for line in results} == {
        order["client_order_id"]: "cancelled" for order in resting
    }
    assert trader.api.read(filled["client_order_id"]).content["state"] == "filled"
    assert sorted(row["status"] for row in trader.at_broker()) == ["CANCELLED"] * 3 + ["COMPLETE"]
    assert trader.api.cancel_all(trader.account) == []
