"""Limits on the deployed stack: set over the API or by command, they refuse, count and give back."""

from infra.operate import Target
from tests.system.trader import Trader


def limits_of(trader: Trader) -> dict[str, object]:
    reply = trader.api.send("GET", f"/v1/limits?account={trader.account}")
    assert reply.status == 200, reply
    return reply.content


def set_limits(trader: Trader, limits: dict[str, object]) -> None:
    """Set limits before the account is first used: a worker remembers an account for a while."""
    reply = trader.api.send("PUT", f"/v1/limits?account={trader.account}", limits)
    assert reply.status == 200, reply


def test_an_order_beyond_a_limit_is_refused_and_kept_with_the_limit_and_what_was_found(
    trader: Trader,
) -> None:
    set_limits(trader, {"max_order_value": "1000", "price_band_percent": "5", "max_open_orders": 2})

    beyond = trader.api.place(trader.limit("90", quantity=12))
    far = trader.api.place(trader.limit("106"))

    assert (beyond.status, beyond.code) == (422, "ORDER_VALUE_LIMIT")
    words = f"max_order_value of account {trader.account} is 1000, found 1080"
    assert beyond.content["detail"] == words
    assert (far.status, far.code) == (422, "PRICE_BAND")
    listed = trader.api.send("GET", f"/v1/orders?account={trader.account}").content["orders"]
    assert {order["reason"]["code"] for order in listed} == {"ORDER_VALUE_LIMIT", "PRICE_BAND"}
    assert {order["state"] for order in listed} == {"refused"}
    assert trader.at_broker() == []


def test_open_orders_are_counted_and_given_back(trader: Trader) -> None:
    set_limits(trader, {"max_open_orders": 2, "max_gross_exposure": "100000"})
    first, _ = trader.rest(), trader.rest()

    full = trader.api.place(trader.limit("90"))
    counted = limits_of(trader)["counted"]
    cancelled = trader.api.send("DELETE", f"/v1/orders/{first['client_order_id']}")
    again = trader.api.place(trader.limit("90"))

    assert (full.status, full.code) == (422, "OPEN_ORDERS_LIMIT")
    assert isinstance(counted, dict)
    assert [counted[name] for name in ("orders", "open", "gross", "reserved")] == [2, 2, "900", "900"]
    assert cancelled.status == 200
    assert again.status == 201


def test_at_its_limit_an_account_gets_out_of_its_position(trader: Trader) -> None:
    set_limits(trader, {"max_orders_per_day": 1, "max_open_orders": 1, "max_gross_exposure": "500"})
    assert trader.place(product="MIS")["state"] == "filled"

    entry = trader.api.place(trader.order(product="MIS"))
    out = trader.api.place(trader.order(side="SELL", product="MIS", position_effect="CLOSE"))

    assert (entry.status, entry.code) == (422, "DAILY_LIMIT_REACHED")
    assert out.order(201)["state"] == "filled"


def test_a_key_for_trading_sets_no_limit(trader: Trader, target: Target) -> None:
    trading = trader.with_scope("trade", trader.account)

    reply = trading.api.send("PUT", f"/v1/limits?account={trader.account}", {})

    assert (reply.status, reply.code) == (403, "SCOPE_MISSING")
    assert limits_of(trading)["account"] == trader.account
    assert target.settings.account(trader.account) is not None
