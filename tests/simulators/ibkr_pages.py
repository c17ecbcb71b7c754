"""How IBKR shows what the book holds: tickets in, rows out."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tests.simulators import ibkr_combinations as combinations
from tests.simulators.ibkr_login import refusal
from tests.simulators.ibkr_market import BY_CONID, BY_NAME, SPOKEN
from tests.simulators.kite_book import Row

TYPES = {"MKT": "MARKET", "LMT": "LIMIT", "STOP_LIMIT": "SL", "STP": "SL-M"}
LIVE_TYPES = {"MARKET": "Market", "LIMIT": "Limit", "SL": "Stop Limit", "SL-M": "Stop"}
STATUS_TYPES = {"MARKET": "MARKET", "LIMIT": "LIMIT", "SL": "STOP_LIMIT", "SL-M": "STOP"}
STATUSES = {
    "PUT ORDER REQ RECEIVED": "PendingSubmit",
    "OPEN": "Submitted",
    "MODIFIED": "Submitted",
    "TRIGGER PENDING": "PreSubmitted",
    "COMPLETE": "Filled",
    "CANCELLED": "Cancelled",
    "REJECTED": "Inactive",
}
ENDED = frozenset({"Filled", "Cancelled", "Inactive"})
FUTURES = frozenset({"CME", "CBOT", "NYMEX", "COMEX"})


def form_of(ticket: Mapping[str, Any], account: str) -> dict[str, str]:
    """Return an account's ticket as the book takes it; what it lacks is refused."""
    name = _contract(ticket)
    is_stop = ticket.get("orderType") == "STP"
    if not str(ticket.get("quantity", "")).isdigit() or ticket.get("acctId") != account:
        raise refusal(400, "accountId or quantity is not valid")
    if FUTURES & combinations.venues_of(name) and (
        ticket.get("manualIndicator"),
        ticket.get("extOperator"),
    ) != (
        False,
        account,
    ):
        raise refusal(200, "manualIndicator and extOperator are required for this contract")
    form = {
        "exchange": name.partition(":")[0],
        "tradingsymbol": name.partition(":")[2],
        "transaction_type": str(ticket.get("side")),
        "order_type": TYPES.get(str(ticket.get("orderType")), ""),
        "product": "CNC",
        "validity": str(ticket.get("tif")),
        "quantity": str(ticket["quantity"]),
        "price": "" if is_stop else str(ticket.get("price", "")),
        "trigger_price": str(ticket.get("price" if is_stop else "auxPrice", "")),
        "market_protection": "-1",
    }
    return form | ({"tag": str(ticket["cOID"])} if "cOID" in ticket else {})


def live_row(row: Row, account: str) -> Row:
    """Return an order as the live orders show it."""
    conid, kind = names_of(row)
    status = STATUSES[row["status"]]
    shown = {
        "acct": account,
        "account": account,
        "conid": int(conid),
        "conidex": row["tradingsymbol"] if kind == "BAG" else conid,
        "orderId": int(row["order_id"]),
        "ticker": row["tradingsymbol"],
        "secType": kind,
        "listingExchange": row["exchange"],
        "side": row["transaction_type"],
        "totalSize": Decimal(row["quantity"]),
        "filledQuantity": Decimal(row["filled_quantity"]),
        "remainingQuantity": Decimal(row["quantity"] - row["filled_quantity"]),
        "orderType": LIVE_TYPES[row["order_type"]],
        "price": _text(row["trigger_price"] if row["order_type"] == "SL-M" else row["price"]),
        "stop_price": _text(row["trigger_price"]),
        "avgPrice": _text(row["average_price"]),
        "status": status,
        "order_ccp_status": status,
        "timeInForce": "CLOSE" if status in ENDED else row["validity"],
        "order_ref": row["tag"],
    }
    if row["status"] == "REJECTED":
        shown["order_cancellation_by_system_reason"] = row["status_message"]
    return {name: value for name, value in shown.items() if value is not None}


def status_row(row: Row, account: str) -> Row:
    """Return an order as its status page shows it."""
    conid, kind = names_of(row)
    return {
        "order_id": int(row["order_id"]),
        "conid": int(conid),
        "conidex": row["tradingsymbol"] if kind == "BAG" else conid,
        "side": row["transaction_type"][0],
        "size": f"{row['quantity'] - row['filled_quantity']}.0",
        "total_size": f"{row['quantity']}.0",
        "cum_fill": f"{row['filled_quantity']}.0",
        "order_type": STATUS_TYPES[row["order_type"]],
        "limit_price": _text(row["price"]),
        "stop_price": _text(row["trigger_price"]),
        "average_price": _text(row["average_price"]),
        "order_status": STATUSES[row["status"]],
        "tif": row["validity"],
        "sec_type": kind,
        "account": account,
        "order_time": _utc(row["order_timestamp"]).strftime("%y%m%d%H%M%S"),
    }


def trade_row(trade: Row, order: Row, account: str) -> Row:
    """Return a fill."""
    conid, kind = names_of(trade)
    return {
        "execution_id": f"0000e0d5.{trade['trade_id']}.01.01",
        "order_id": int(trade["order_id"]),
        "order_ref": order["tag"] or "",
        "conid": int(conid),
        "symbol": trade["tradingsymbol"],
        "listing_exchange": trade["exchange"],
        "sec_type": kind,
        "side": trade["transaction_type"][0],
        "size": Decimal(trade["quantity"]),
        "price": str(trade["average_price"]),
        "account": account,
        "trade_time": _utc(trade["fill_timestamp"]).strftime("%Y%m%d-%H:%M:%S"),
    }


def position_row(row: Row) -> Row:
    """Return a net position."""
    conid, kind = names_of(row)
    return {
        "conid": conid,
        "secType": kind,
        "position": Decimal(row["quantity"]),
        "avgPrice": row["average_price"],
        "marketPrice": row["last_price"],
        "realizedPnl": row["realised"],
        "unrealizedPnl": row["unrealised"],
        "currency": "INR",
    }


def summary(margins: Row) -> Row:
    """Return the account's money."""
    equity = margins["equity"]
    amounts = {
        "availablefunds": equity["net"],
        "initmarginreq": equity["utilised"]["debits"],
        "totalcashvalue": equity["available"]["cash"],
    }
    return {name: {"amount": amount, "currency": "INR"} for name, amount in amounts.items()}


def preview(ticket: Mapping[str, Any], price: Decimal) -> Row:
    """Return what an order would bind: a fifth of its value."""
    value = Decimal(str(ticket["quantity"])) * price
    bound = {"current": "0", "change": f"{value / 5:,.2f}", "after": f"{value / 5:,.2f}"}
    return {
        "amount": {"amount": f"{value:,.2f} INR", "commission": "1 INR", "total": f"{value + 1:,.2f} INR"},
        "initial": bound,
        "maintenance": bound,
        "warn": None,
        "error": None,
    }


def price_of(ticket: Mapping[str, Any], prices: Mapping[str, Decimal]) -> Decimal:
    """Return the price at which a ticket would trade."""
    return Decimal(str(ticket.get("price") or prices[_contract(ticket)]))


def _contract(ticket: Mapping[str, Any]) -> str:
    written = str(ticket.get("conidex", ticket.get("conid", "")))
    combination = combinations.name_of(written)
    if combination is not None and "conid" not in ticket:
        return combination
    listing = BY_CONID.get(written.partition("@")[0])
    if ("conid" in ticket) == ("conidex" in ticket) or listing is None:
        raise refusal(200, "No such contract")
    return str(listing.instrument)


def names_of(row: Row) -> tuple[str, str]:
    """Return a row's contract id and kind: that of every combination is its currency's spread."""
    if row["exchange"] == "COMBO":
        return row["tradingsymbol"].partition(";")[0].partition("@")[0], "BAG"
    listing = BY_NAME[f"{row['exchange']}:{row['tradingsymbol']}"]
    return listing.broker_key, SPOKEN[listing.instrument_type]


def _text(price: Decimal) -> str:
    return f"{price:,}" if price else ""


def _utc(ist: str) -> datetime:
    return datetime.strptime(f"{ist} +0530", "%Y-%m-%d %H:%M:%S %z").astimezone(UTC)
