from decimal import Decimal

from tests.unit.paper.market import CALL, FUTURE, INFY, TCS, Desk


def test_a_resting_order_expires_when_a_new_day_begins() -> None:
    desk = Desk()
    order_id = desk.place(INFY, "BUY", 5, order_type="LIMIT", limit_price="1490")
    desk.sleep_until_tomorrow()

    desk.price(INFY, "1400")

    order = desk.order(order_id)
    assert (order["status"], order["filled_quantity"]) == ("EXPIRED", 0)
    assert desk.funds()["used"] == 0
    assert desk.rows("orders") == []


def test_the_day_changes_at_midnight_in_kolkata() -> None:
    desk = Desk()
    order_id = desk.place(INFY, "BUY", 5, order_type="LIMIT", limit_price="1490")

    desk.clock.advance(14 * 3600 - 1)
    assert desk.order(order_id)["status"] == "OPEN"
    desk.clock.advance(1)

    assert desk.order(order_id)["status"] == "EXPIRED"


def test_more_orders_than_one_transaction_holds_expire_together() -> None:
    desk = Desk()
    for _ in range(130):
        desk.place(INFY, "BUY", 1, order_type="LIMIT", limit_price="1")
    desk.sleep_until_tomorrow()

    assert desk.rows("orders") == []
    assert [order.status for order in desk.store.all_orders("paper")] == ["EXPIRED"] * 130


def test_more_orders_than_one_transaction_holds_fill_at_one_price() -> None:
    desk = Desk()
    for _ in range(130):
        desk.place(INFY, "BUY", 1, order_type="LIMIT", limit_price="1490")

    desk.price(INFY, "1490")

    assert {row["status"] for row in desk.rows("orders")} == {"COMPLETE"}
    assert len(desk.rows("trades")) == 130


def test_a_delivery_position_becomes_a_holding() -> None:
    desk = Desk()
    desk.place(INFY, "BUY", 10)
    desk.sleep_until_tomorrow()
    desk.price(INFY, "1510")

    assert desk.rows("positions") == []
    assert desk.rows("holdings") == [
        {
            "instrument": "NSE:INFY",
            "quantity": 10,
            "average_price": "1500",
            "last_price": "1510",
            "pnl": "100",
        }
    ]


def test_a_holding_can_be_sold_and_its_profit_is_todays() -> None:
    desk = Desk()
    desk.place(INFY, "BUY", 10)
    desk.sleep_until_tomorrow()
    desk.price(INFY, "1510")

    desk.place(INFY, "SELL", 4)

    position = desk.position(INFY)
    assert (position["quantity"], position["realised_pnl"], position["sell_quantity"]) == (0, "40", 4)
    assert desk.rows("holdings")[0]["quantity"] == 6
    assert desk.funds()["cash"] == Decimal(1000000) - 15000 + 4 * 1510


def test_a_sale_takes_todays_shares_first_and_then_the_holding() -> None:
    desk = Desk()
    desk.place(INFY, "BUY", 10)
    desk.sleep_until_tomorrow()
    desk.place(INFY, "BUY", 3)

    desk.place(INFY, "SELL", 5)

    assert desk.position(INFY)["quantity"] == 0
    assert desk.rows("holdings")[0]["quantity"] == 8
    assert desk.refused(INFY, "SELL", 9) == "SHORT_OF_HOLDINGS"


def test_an_intraday_position_is_squared_off_at_the_last_price_of_its_day() -> None:
    desk = Desk()
    desk.place(INFY, "SELL", 10, product="MIS")
    desk.price(INFY, "1490")
    desk.sleep_until_tomorrow()

    desk.price(INFY, "1600")

    assert desk.rows("positions") == []
    assert desk.funds() == {"cash": Decimal(1000100), "available": Decimal(1000100), "used": Decimal(0)}
    order = next(one for one in desk.store.all_orders("paper") if one.message is not None)
    assert (order.status, order.request.side, order.filled_quantity) == ("COMPLETE", "BUY", 10)
    assert order.broker_order_id.startswith("261123")


def test_a_carried_position_stays_and_its_counts_begin_anew() -> None:
    desk = Desk()
    desk.place(FUTURE, "BUY", 75)
    desk.place(CALL, "BUY", 75)
    desk.sleep_until_tomorrow()

    position = desk.position(FUTURE)

    assert (position["quantity"], position["average_price"], position["buy_quantity"]) == (75, "26000", 0)
    assert desk.position(CALL)["quantity"] == 75


def test_order_ids_of_two_days_never_meet() -> None:
    desk = Desk()
    first = desk.place(TCS, "BUY", 1)
    desk.sleep_until_tomorrow()
    second = desk.place(TCS, "BUY", 1)

    assert (first, second) == ("261123000001", "261124000001")
    assert desk.order(first)["status"] == "COMPLETE"
    assert [row["broker_order_id"] for row in desk.rows("orders")] == [second]


def test_a_weekend_is_one_new_day() -> None:
    desk = Desk()
    desk.place(INFY, "BUY", 10)
    desk.clock.advance(5 * 24 * 3600)

    assert desk.rows("holdings")[0]["quantity"] == 10
