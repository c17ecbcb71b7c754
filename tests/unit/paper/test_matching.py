from tests.unit.paper.market import CALL, FUTURE, INFY, Desk


def test_a_market_order_fills_at_the_last_price() -> None:
    desk = Desk()

    order = desk.order(desk.place(INFY, "BUY", 5))

    assert (order["status"], order["filled_quantity"], order["average_price"]) == ("COMPLETE", 5, "1500")


def test_a_marketable_limit_order_fills_at_the_last_price_not_at_its_limit() -> None:
    desk = Desk()

    order = desk.order(desk.place(INFY, "BUY", 5, order_type="LIMIT", limit_price="1510"))

    assert (order["status"], order["average_price"]) == ("COMPLETE", "1500")


def test_a_limit_order_rests_until_the_price_crosses() -> None:
    desk = Desk()
    order_id = desk.place(INFY, "BUY", 5, order_type="LIMIT", limit_price="1490")

    assert desk.price(INFY, "1490.05") == ()
    assert desk.order(order_id)["status"] == "OPEN"
    assert desk.price(INFY, "1489.5") == ("paper",)
    assert desk.order(order_id)["status"] == "COMPLETE"
    assert desk.order(order_id)["average_price"] == "1489.5"


def test_a_sell_limit_fills_when_the_price_rises_to_it() -> None:
    desk = Desk()
    order_id = desk.place(FUTURE, "SELL", 75, order_type="LIMIT", limit_price="26100")

    desk.price(FUTURE, "26100")

    assert desk.order(order_id)["status"] == "COMPLETE"


def test_a_buy_stop_waits_for_its_trigger_and_then_trades_at_the_market() -> None:
    desk = Desk()
    order_id = desk.place(INFY, "BUY", 5, order_type="SL_M", trigger_price="1510")

    assert desk.order(order_id)["status"] == "TRIGGER PENDING"
    desk.price(INFY, "1509.95")
    assert desk.order(order_id)["status"] == "TRIGGER PENDING"
    desk.price(INFY, "1512")

    assert desk.order(order_id)["status"] == "COMPLETE"
    assert desk.order(order_id)["average_price"] == "1512"


def test_a_sell_stop_triggers_when_the_price_falls_to_it() -> None:
    desk = Desk()
    desk.place(INFY, "BUY", 5)
    order_id = desk.place(INFY, "SELL", 5, order_type="SL_M", trigger_price="1490")

    desk.price(INFY, "1490")

    assert desk.order(order_id)["status"] == "COMPLETE"


def test_a_stop_limit_that_triggers_beyond_its_limit_rests_as_a_limit_order() -> None:
    desk = Desk()
    order_id = desk.place(INFY, "BUY", 5, order_type="SL", trigger_price="1510", limit_price="1511")

    assert desk.price(INFY, "1520") == ("paper",)
    assert desk.order(order_id)["status"] == "OPEN"
    desk.price(INFY, "1505")

    assert desk.order(order_id)["status"] == "COMPLETE"
    assert desk.order(order_id)["average_price"] == "1505"


def test_an_order_above_the_set_size_fills_in_parts_at_one_price_event_each() -> None:
    desk = Desk()
    order_id = desk.place(INFY, "BUY", 250)

    first = desk.order(order_id)
    again = desk.order(order_id)
    desk.price(INFY, "1501")
    desk.price(INFY, "1501")
    last = desk.order(order_id)

    assert (first["status"], first["filled_quantity"], first["pending_quantity"]) == (
        "PARTIALLY FILLED",
        100,
        150,
    )
    assert again == first
    assert (last["status"], last["filled_quantity"], last["pending_quantity"]) == ("COMPLETE", 250, 0)
    assert last["average_price"] == "1500.6"
    assert [trade["quantity"] for trade in desk.rows("trades")] == [100, 100, 50]


def test_what_an_ioc_order_does_not_fill_at_once_is_cancelled() -> None:
    desk = Desk()

    part = desk.order(desk.place(INFY, "BUY", 150, validity="IOC"))
    none = desk.order(desk.place(INFY, "BUY", 5, validity="IOC", order_type="LIMIT", limit_price="1400"))

    assert (part["status"], part["filled_quantity"], part["pending_quantity"]) == ("CANCELLED", 100, 0)
    assert (none["status"], none["filled_quantity"], none["average_price"]) == ("CANCELLED", 0, None)


def test_the_same_tag_twice_makes_two_orders_and_the_book_shows_both() -> None:
    desk = Desk()

    ids = [desk.place(INFY, "BUY", 1, client_tag="ABCDEFGHIJKLMNOPQRST") for _ in range(2)]

    rows = desk.rows("orders")
    assert [row["broker_order_id"] for row in rows] == ids
    assert {row["client_tag"] for row in rows} == {"ABCDEFGHIJKLMNOPQRST"}


def test_a_modified_order_meets_the_market_with_its_new_terms() -> None:
    desk = Desk()
    order_id = desk.place(INFY, "BUY", 5, order_type="LIMIT", limit_price="1490")

    status, _ = desk.modify(order_id, quantity=8, order_type="LIMIT", limit_price="1500", validity="DAY")

    order = desk.order(order_id)
    assert status == 200
    assert (order["status"], order["filled_quantity"], order["limit_price"]) == ("COMPLETE", 8, "1500")


def test_modifying_never_fills_twice_at_one_price_event() -> None:
    desk = Desk()
    order_id = desk.place(INFY, "BUY", 150)

    desk.modify(order_id, quantity=180, order_type="MARKET", validity="DAY")
    assert desk.order(order_id)["filled_quantity"] == 100
    desk.price(INFY, "1500")

    assert desk.order(order_id)["filled_quantity"] == 180


def test_a_triggered_stop_stays_triggered_when_only_its_quantity_changes() -> None:
    desk = Desk()
    terms = {"order_type": "SL", "trigger_price": "1510", "limit_price": "1511"}
    order_id = desk.place(INFY, "BUY", 150, **terms)
    desk.price(INFY, "1520")
    desk.price(INFY, "1505")

    desk.modify(order_id, quantity=160, validity="DAY", **terms)
    desk.price(INFY, "1500")

    assert desk.order(order_id)["filled_quantity"] == 160


def test_a_stop_with_a_new_trigger_waits_for_it() -> None:
    desk = Desk()
    order_id = desk.place(INFY, "BUY", 5, order_type="SL", trigger_price="1510", limit_price="1511")
    desk.price(INFY, "1520")

    desk.modify(
        order_id, quantity=5, order_type="SL", trigger_price="1530", limit_price="1531", validity="DAY"
    )

    assert desk.order(order_id)["status"] == "TRIGGER PENDING"


def test_a_cancelled_order_never_fills_again() -> None:
    desk = Desk()
    order_id = desk.place(INFY, "BUY", 150)

    status, _ = desk.cancel(order_id)
    desk.price(INFY, "1400")

    order = desk.order(order_id)
    assert status == 200
    assert (order["status"], order["filled_quantity"]) == ("CANCELLED", 100)


def test_a_price_moves_the_orders_of_all_accounts() -> None:
    desk = Desk()
    other = Desk("second", desk.store)
    desk.place(INFY, "BUY", 1, order_type="LIMIT", limit_price="1490")
    other.place(INFY, "BUY", 1, order_type="LIMIT", limit_price="1490")

    assert desk.price(INFY, "1490") == ("paper", "second")


def test_an_option_trades_too() -> None:
    desk = Desk()

    assert desk.order(desk.place(CALL, "BUY", 75))["status"] == "COMPLETE"
