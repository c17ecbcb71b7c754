"""What callers read of an account: positions and funds that agree with its fills, and lists of its orders."""

from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from tests.system.client import Order
from tests.system.trader import Trader

KOLKATA = ZoneInfo("Asia/Kolkata")


def test_positions_and_funds_agree_with_the_fills(trader: Trader) -> None:
    trader.place(quantity=10)
    trader.set_price("110")
    trader.place(quantity=4, side="SELL")

    (position,) = trader.api.portfolio("positions", trader.account)
    (funds,) = trader.api.portfolio("funds", trader.account)

    assert (position["instrument"], position["product"]) == (trader.instrument, "CNC")
    assert (position["quantity"], position["buy_quantity"], position["sell_quantity"]) == (6, 10, 4)
    assert (position["average_price"], position["last_price"]) == ("100", "110")
    assert (position["realised_pnl"], position["unrealised_pnl"]) == ("40", "60")
    assert Decimal(funds["cash"]) == 1_000_000 - 10 * 100 + 4 * 110
    assert Decimal(funds["available"]) + Decimal(funds["used"]) == Decimal(funds["cash"])
    # shares bought today are positions; they are holdings from tomorrow
    assert trader.api.portfolio("holdings", trader.account) == []


def test_a_resting_order_ties_up_its_money_until_it_is_cancelled(trader: Trader) -> None:
    placed = trader.rest("90", quantity=5)
    (while_it_rests,) = trader.api.portfolio("funds", trader.account)

    trader.api.cancel(placed["client_order_id"])

    (after,) = trader.api.portfolio("funds", trader.account)
    assert (while_it_rests["used"], after["used"]) == ("450", "0")


def test_a_caller_sees_every_account_of_its_key_side_by_side(trader: Trader) -> None:
    other = Trader(target=trader.target, api=trader.api)
    bound = trader.with_scope("read", trader.account, other.account)

    entries = bound.api.get("/v1/funds").order(200)["accounts"]

    assert [entry["account"] for entry in entries] == sorted([trader.account, other.account])
    assert {row["cash"] for entry in entries for row in entry["funds"]} == {"1000000"}


def test_orders_are_listed_newest_first_and_by_state(trader: Trader) -> None:
    filled = trader.place(quantity=1)
    resting = trader.rest("90", quantity=1)
    cancelled = trader.rest("91", quantity=1)
    trader.api.cancel(cancelled["client_order_id"])

    def ids(**query: str) -> list[str]:
        return [order["client_order_id"] for order in trader.api.orders(account=trader.account, **query)]

    assert ids() == [order["client_order_id"] for order in (cancelled, resting, filled)]
    assert ids(state="open") == [resting["client_order_id"]]
    assert ids(state="cancelled,filled") == [cancelled["client_order_id"], filled["client_order_id"]]
    assert ids(state="rejected") == []


def test_a_day_is_the_exchanges_day(trader: Trader) -> None:
    placed = trader.place(quantity=1)
    day = datetime.fromisoformat(placed["created_at"]).astimezone(KOLKATA).date()

    def listed(day_text: str) -> list[str]:
        orders = trader.api.orders(account=trader.account, day=day_text)
        return [order["client_order_id"] for order in orders]

    assert listed(str(day)) == [placed["client_order_id"]]
    assert listed(str(day - timedelta(days=1))) == []


def test_cursors_lead_through_all_orders_once(trader: Trader) -> None:
    placed = [trader.rest(f"9{step}", quantity=1)["client_order_id"] for step in range(5)]

    pages: list[list[Order]] = []
    query: dict[str, str | int] = {"account": trader.account, "limit": 2}
    while True:
        page = trader.api.get("/v1/orders", **query).order(200)
        pages.append(page["orders"])
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]

    assert [order["client_order_id"] for orders in pages for order in orders] == placed[::-1]
    assert all(len(orders) <= 2 for orders in pages)
