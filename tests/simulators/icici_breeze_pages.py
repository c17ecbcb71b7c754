"""Breeze's pages over the book that plays Kite's side too: its forms read, its rows written."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from tests.simulators.kite_book import KiteRefusal, Row

Form = Mapping[str, Any]

PRODUCTS = {"cash": "CNC", "mtf": "MTF", "futures": "NRML", "options": "NRML"}
ORDER_TYPES = {"limit": "LIMIT", "stoploss": "SL"}
SHOWN_TYPES = {"LIMIT": "Limit", "SL": "StopLoss"}
SHOWN_VALIDITIES = {"DAY": "Day", "IOC": "IOC"}
TICK = Decimal("0.05")
# as in the vendor's samples: shares show no seconds
MINUTES, SECONDS = "%d-%b-%Y %H:%M", "%d-%b-%Y %H:%M:%S"


def name_of(form: Form) -> str:
    """Return what the book calls an instrument: its short name, and a contract's day, right and strike."""
    parts = [form["stock_code"]]
    if form["exchange_code"] in {"NFO", "BFO"}:
        day = datetime.strptime(form["expiry_date"], "%Y-%m-%dT06:00:00.000Z")  # noqa: DTZ007 - a day
        parts += [day.strftime("%d-%b-%Y"), form["right"].title(), form["strike_price"]]
    return "|".join(parts)


def order_form(form: Form) -> dict[str, str]:
    """Return a placement as the book takes it; a refusal in Breeze's words where a field is wrong."""
    if any(not isinstance(value, str) for value in form.values()):
        raise refusal("Invalid input: every value must be a string")
    return {
        "exchange": form["exchange_code"],
        "tradingsymbol": name_of(form),
        "transaction_type": form["action"].upper(),
        "product": PRODUCTS[form["product"]],
        "tag": form["user_remark"],
        **terms(form),
    }


def terms(form: Form) -> dict[str, str]:
    """Return the terms that placing and modifying share."""
    order_type = ORDER_TYPES.get(form["order_type"])
    if order_type is None:
        raise refusal("Invalid Market/Limit indicator:")
    if Decimal(form["price"]) % TICK:
        raise refusal(f"Price should be in multiples of: {TICK}")
    return {
        "order_type": order_type,
        "quantity": form["quantity"],
        "price": form["price"],
        "trigger_price": form["stoploss"],
        "validity": form["validity"].upper(),
        "disclosed_quantity": form["disclosed_quantity"],
    }


def refusal(words: str, status: int = 500) -> KiteRefusal:
    """Return a refusal: HTTP 200, its kind inside."""
    return KiteRefusal(200, str(status), words)


def order_row(row: Row, *, shows_remark: bool) -> Row:
    """Return a row of the order list; what a cancel leaves unfilled stays pending, as the vendor shows it."""
    is_dead = row["status"] in {"CANCELLED", "REJECTED"}
    left = row["quantity"] - row["filled_quantity"]
    is_cash = row["exchange"] in {"NSE", "BSE"}
    placed_at = datetime.strptime(row["order_timestamp"], "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007 - shown as it is
    return {
        "order_id": row["order_id"],
        "exchange_order_id": row["exchange_order_id"],
        **_contract(row),
        "product_type": _product(row),
        "action": row["transaction_type"].title(),
        "order_type": SHOWN_TYPES[row["order_type"]],
        "stoploss": str(row["trigger_price"]),
        "quantity": str(row["quantity"]),
        "price": str(row["price"]),
        "validity": SHOWN_VALIDITIES[row["validity"]],
        "disclosed_quantity": str(row["disclosed_quantity"]),
        "average_price": str(row["average_price"]),
        "cancelled_quantity": str(left if is_dead else 0),
        "pending_quantity": str(0 if row["status"] == "REJECTED" else left),
        "status": status_of(row),
        "user_remark": row["tag"] if shows_remark else "",
        "order_datetime": placed_at.strftime(MINUTES if is_cash else SECONDS),
    }


def status_of(row: Row) -> str:
    """Return Breeze's word for where an order is."""
    if row["status"] == "REJECTED":
        return "Rejected"
    if row["status"] == "COMPLETE":
        return "Executed"
    if row["status"] == "CANCELLED":
        return "Partially Executed And Cancelled" if row["filled_quantity"] else "Cancelled"
    return "Partially Executed" if row["filled_quantity"] else "Ordered"


def trade_row(trade: Row) -> Row:
    """Return a row of the trade list."""
    return {
        "book_type": "Trade-Book",
        **_contract(trade),
        "product_type": _product(trade),
        "action": trade["transaction_type"].title(),
        "quantity": str(trade["quantity"]),
        "average_cost": str(trade["average_price"]),
        "order_id": trade["order_id"],
    }


def position_row(position: Row) -> Row:
    """Return a row of the positions: the quantity without its sign, which the action tells."""
    quantity = position["quantity"]
    return {
        "segment": "equity" if position["exchange"] in {"NSE", "BSE"} else "fno",
        **_contract(position),
        "product_type": _product(position),
        "action": "Buy" if quantity > 0 else "Sell" if quantity else "NA",
        "quantity": str(abs(quantity)),
        "average_price": str(position["average_price"]),
        "ltp": str(position["last_price"]),
        "pnl": None,
    }


def quote_row(exchange: str, name: str, price: Decimal) -> Row:
    """Return a quote at one price, a tick to each side of it."""
    return {
        **_contract({"exchange": exchange, "tradingsymbol": name}),
        "ltp": price,
        "ltt": "",
        "best_bid_price": price - TICK,
        "best_bid_quantity": "100",
        "best_offer_price": price + TICK,
        "best_offer_quantity": "100",
        "previous_close": price,
        "upper_circuit": price * 2,
        "lower_circuit": TICK,
        "total_quantity_traded": "1000",
    }


def funds_row(margins: Row) -> Row:
    """Return the funds: all of the money is allocated to equity."""
    equity, nothing = margins["equity"], Decimal(0)
    empty = {f"{kind}_{name}": nothing for kind in ("allocated", "block_by_trade") for name in OTHER_SEGMENTS}
    return {
        **empty,
        "allocated_equity": equity["available"]["cash"],
        "block_by_trade_equity": equity["utilised"]["debits"],
        "unallocated_balance": "0",
    }


OTHER_SEGMENTS = ("fno", "commodity", "currency")


def _contract(row: Row) -> Row:
    stock_code, *terms_of_contract = row["tradingsymbol"].split("|")
    expiry, right, strike = terms_of_contract or (None, None, None)
    return {
        "exchange_code": row["exchange"],
        "stock_code": stock_code,
        "expiry_date": expiry,
        "right": right,
        "strike_price": strike,
    }


def _product(row: Row) -> str:
    if row["product"] == "NRML":
        return "Futures" if "|Others|" in row["tradingsymbol"] else "Options"
    return {"CNC": "Cash", "MTF": "Mtf"}[row["product"]]
