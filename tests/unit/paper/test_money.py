from decimal import Decimal

from tests.unit.paper.market import CALL, FUTURE, INFY, Desk


def test_a_new_account_has_ten_lakh_rupees() -> None:
    assert Desk().funds() == {"cash": Decimal(1000000), "available": Decimal(1000000), "used": Decimal(0)}


def test_an_account_opens_once_with_the_cash_of_its_opening_call() -> None:
    desk = Desk()
    desk.account = "rich"

    assert desk.exchange.open_account("rich", Decimal("5000000.50")) is True
    assert desk.exchange.open_account("rich", Decimal(1)) is False
    assert desk.funds()["cash"] == Decimal("5000000.50")


def test_listing_an_instrument_again_keeps_its_last_price() -> None:
    desk = Desk()
    desk.price(INFY, "1555")

    assert Desk("second", desk.store).store.market([INFY])[INFY].last_price == Decimal(1555)


def test_a_delivery_purchase_is_paid_in_full() -> None:
    desk = Desk()

    desk.place(INFY, "BUY", 10)

    assert desk.funds() == {"cash": Decimal(985000), "available": Decimal(985000), "used": Decimal(0)}


def test_an_intraday_position_uses_a_fifth_of_its_cost() -> None:
    desk = Desk()

    desk.place(INFY, "SELL", 10, product="MIS")

    assert desk.funds() == {"cash": Decimal(1000000), "available": Decimal(997000), "used": Decimal(3000)}


def test_a_running_loss_on_margin_is_in_use_and_a_running_profit_is_not_free() -> None:
    desk = Desk()
    desk.place(INFY, "SELL", 10, product="MIS")

    desk.price(INFY, "1510")
    assert desk.funds()["used"] == Decimal(3100)
    desk.price(INFY, "1490")
    assert desk.funds()["used"] == Decimal(3000)


def test_closing_on_margin_moves_only_the_profit() -> None:
    desk = Desk()
    desk.place(FUTURE, "BUY", 75)
    desk.price(FUTURE, "26100")

    desk.place(FUTURE, "SELL", 75)

    assert desk.funds() == {"cash": Decimal(1007500), "available": Decimal(1007500), "used": Decimal(0)}
    position = desk.position(FUTURE)
    assert (position["quantity"], position["realised_pnl"], position["average_price"]) == (0, "7500", "0")


def test_an_option_purchase_pays_its_premium_and_its_sale_needs_margin_on_the_strike() -> None:
    desk = Desk()

    desk.place(CALL, "BUY", 75)
    assert desk.funds() == {"cash": Decimal(992500), "available": Decimal(992500), "used": Decimal(0)}
    desk.place(CALL, "SELL", 75)
    assert desk.funds() == {"cash": Decimal(1000000), "available": Decimal(1000000), "used": Decimal(0)}
    desk.place(CALL, "SELL", 75)

    assert desk.funds() == {"cash": Decimal(1000000), "available": Decimal(602500), "used": Decimal(397500)}


def test_a_resting_order_blocks_money_until_it_ends() -> None:
    desk = Desk()
    order_id = desk.place(INFY, "BUY", 10, order_type="LIMIT", limit_price="1490")

    assert desk.funds() == {"cash": Decimal(1000000), "available": Decimal(985100), "used": Decimal(14900)}
    desk.cancel(order_id)

    assert desk.funds()["used"] == 0


def test_an_order_that_closes_a_position_needs_no_money() -> None:
    desk = Desk()
    desk.place(FUTURE, "BUY", 75)
    used = desk.funds()["used"]

    desk.place(FUTURE, "SELL", 75, order_type="LIMIT", limit_price="27000")

    assert desk.funds()["used"] == used


def test_a_position_can_be_closed_however_short_of_funds_the_account_is() -> None:
    desk = Desk()
    desk.place(FUTURE, "BUY", 150)
    desk.price(FUTURE, "15000")
    assert desk.funds()["available"] < 0
    assert desk.refused(INFY, "BUY", 1) == "SHORT_OF_FUNDS"

    desk.place(FUTURE, "SELL", 150)

    assert desk.funds()["cash"] == Decimal(1000000) - 150 * 11000


def test_money_that_a_resting_order_blocks_cannot_be_spent_again() -> None:
    desk = Desk()
    desk.place(INFY, "BUY", 600, order_type="LIMIT", limit_price="1490")

    assert desk.refused(INFY, "BUY", 100) == "SHORT_OF_FUNDS"


def test_a_modified_order_needs_the_money_for_its_new_terms() -> None:
    desk = Desk()
    order_id = desk.place(INFY, "BUY", 600, order_type="LIMIT", limit_price="1490")

    status, content = desk.modify(
        order_id, quantity=700, order_type="LIMIT", limit_price="1490", validity="DAY"
    )

    assert (status, content["error"]["code"]) == (422, "SHORT_OF_FUNDS")
    assert desk.order(order_id)["quantity"] == 600


def test_a_position_turns_through_zero() -> None:
    desk = Desk()
    desk.place(INFY, "BUY", 10, product="MIS")
    desk.price(INFY, "1520")
    desk.place(INFY, "SELL", 15, product="MIS")
    desk.price(INFY, "1510")

    position = desk.position(INFY)

    assert position == {
        "instrument": "NSE:INFY",
        "product": "MIS",
        "quantity": -5,
        "average_price": "1520",
        "last_price": "1510",
        "realised_pnl": "200",
        "unrealised_pnl": "50",
        "buy_quantity": 10,
        "sell_quantity": 15,
    }


def test_the_same_instrument_in_two_products_is_two_positions() -> None:
    desk = Desk()
    desk.place(INFY, "BUY", 10, product="MIS")
    desk.place(INFY, "BUY", 5)

    found = {row["product"]: row["quantity"] for row in desk.rows("positions")}

    assert found == {"MIS": 10, "CNC": 5}


def test_an_average_that_does_not_divide_loses_no_money() -> None:
    desk = Desk()
    desk.place(INFY, "BUY", 1, product="MIS")
    desk.price(INFY, "1500.05")
    desk.place(INFY, "BUY", 2, product="MIS")
    desk.place(INFY, "SELL", 1, product="MIS")

    position = desk.position(INFY)

    total = Decimal(position["realised_pnl"]) + Decimal(position["unrealised_pnl"])
    assert total == Decimal("0.05")


def small_account() -> Desk:
    """Return a desk with 20,000 rupees."""
    desk = Desk()
    desk.account = "small"
    desk.exchange.open_account("small", Decimal(20000))
    return desk


def test_an_order_must_be_covered_at_its_limit_although_it_would_fill_for_less() -> None:
    desk = small_account()

    assert desk.refused(INFY, "BUY", 13, order_type="LIMIT", limit_price="1600") == "SHORT_OF_FUNDS"
    desk.place(INFY, "BUY", 12, order_type="LIMIT", limit_price="1600")


def test_an_order_must_be_covered_at_its_fill_although_its_limit_needs_less() -> None:
    desk = small_account()

    assert (
        desk.refused(INFY, "SELL", 67, order_type="LIMIT", limit_price="1", product="MIS") == "SHORT_OF_FUNDS"
    )
    desk.place(INFY, "SELL", 66, order_type="LIMIT", limit_price="1", product="MIS")


def test_only_the_first_of_two_sales_closes_one_position() -> None:
    desk = Desk()
    desk.place(INFY, "BUY", 10, product="MIS")

    for _ in range(2):
        desk.place(INFY, "SELL", 10, product="MIS", order_type="LIMIT", limit_price="1600")

    assert desk.funds()["used"] == Decimal(3000) + Decimal(3200)
