"""Kotak's words for what the shared order book holds: its forms read, its rows rendered."""

from collections.abc import Mapping
from datetime import datetime
from decimal import ROUND_DOWN, ROUND_UP, Decimal
from typing import Any

from tests.simulators.kite_book import KiteRefusal
from tests.simulators.kotak_neo_market import BY_NAME, BY_SYMBOL, SEGMENTS, TICK

TYPES = {"L": "LIMIT", "MKT": "MARKET", "SL": "SL"}
KOTAK_TYPES = {"LIMIT": "L", "SL": "SL"}
SIDES = {"B": "BUY", "S": "SELL"}
EXCHANGES = {segment: exchange for exchange, segment in SEGMENTS.items()}
PLACED = ("am", "dq", "es", "mp", "pc", "pr", "pt", "qt", "rt", "tp", "ts", "tt", "os")
CHANGED = ("no", "am", "dq", "mp", "pr", "pt", "qt", "tp", "vd", "os")
VARIETIES = {"NO": "regular", "YES": "amo"}
STATUSES = {
    "AMO REQ RECEIVED": "after market order req received",
    "MODIFY AMO REQ RECEIVED": "modify after market order req received",
    "CANCELLED AMO": "cancelled after market order",
}
FUTURE_BANDS = ((Decimal(100), Decimal("0.02")), (Decimal(500), Decimal("0.01")))
WIDEST, ELSE = Decimal("0.10"), Decimal("0.005")
Row = dict[str, Any]


def placed_form(fields: Mapping[str, str], prices: Mapping[str, Decimal]) -> dict[str, str]:
    """Return a placement in the book's words; a market order is a limit order with a band, as Kotak makes it one."""
    _require(fields, PLACED)
    listing = BY_SYMBOL.get((fields["es"], fields["ts"]))
    if listing is None:
        raise KiteRefusal(200, "1009", "please provide valid trading symbol")
    if fields["tt"] not in SIDES or fields["am"] not in VARIETIES or fields["os"] != "NEOTRADEAPI":
        raise KiteRefusal(400, "10300", "Validation Errors!")
    if int(fields["qt"]) % listing.lot_size:
        raise KiteRefusal(200, "1009", "please provide valid quantity")
    form = {
        "exchange": EXCHANGES[fields["es"]],
        "tradingsymbol": listing.instrument.tradingsymbol,
        "transaction_type": SIDES[fields["tt"]],
        "product": fields["pc"],
        "validity": fields["rt"],
    }
    last = prices[str(listing.instrument)]
    tag = {"tag": fields["ig"]} if fields.get("ig") else {}
    return form | tag | _terms(fields, last, is_buy=fields["tt"] == "B")


def changed_form(fields: Mapping[str, str], row: Row, prices: Mapping[str, Decimal]) -> dict[str, str]:
    """Return a change in the book's words."""
    last = prices[f"{row['exchange']}:{row['tradingsymbol']}"]
    terms = _terms(fields, last, is_buy=row["transaction_type"] == "BUY")
    return terms | {"validity": fields["vd"]}


def require_change(fields: Mapping[str, str]) -> None:
    """Refuse a change that lacks a field."""
    _require(fields, CHANGED)


def require_cancel(fields: Mapping[str, str]) -> None:
    """Refuse a cancel that lacks a field: that of an after-market order names its symbol too."""
    _require(fields, ("on", "am", "ts") if fields.get("am") == "YES" else ("on", "am"))


def order_row(row: Row, shown_tag: str) -> Row:
    """Return an order as a row of Kotak's book."""
    listing = BY_NAME[f"{row['exchange']}:{row['tradingsymbol']}"]
    at = datetime.strptime(row["order_timestamp"], "%Y-%m-%d %H:%M:%S").strftime("%d-%b-%Y %H:%M:%S")  # noqa: DTZ007
    status = STATUSES.get(row["status"], row["status"].lower())
    return {
        "nOrdNo": row["order_id"],
        "exOrdId": row["exchange_order_id"] or "NA",
        "stat": status,
        "ordSt": status,
        "ordGenTp": "AMO" if row["variety"] == "amo" else "--",
        "exSeg": SEGMENTS[row["exchange"]],
        "trdSym": listing.broker_symbol,
        "sym": listing.underlying or listing.instrument.tradingsymbol,
        "tok": listing.broker_key.partition("|")[2],
        "qty": row["quantity"],
        "fldQty": row["filled_quantity"],
        "unFldSz": row["quantity"] - row["filled_quantity"],
        "cnlQty": row["cancelled_quantity"],
        "dscQty": row["disclosed_quantity"],
        "prc": f"{row['price']:.2f}",
        "trgPrc": f"{row['trigger_price']:.2f}",
        "avgPrc": f"{row['average_price']:.2f}",
        "prcTp": KOTAK_TYPES[row["order_type"]],
        "prod": row["product"],
        "trnsTp": row["transaction_type"][0],
        "vldt": row["validity"],
        "rejRsn": row["status_message"] or "--",
        "ordEntTm": at,
        "ordDtTm": at,
        "GuiOrdId": shown_tag,
    }


def trade_row(trade: Row) -> Row:
    """Return a fill as a row of Kotak's trades, which have no token."""
    listing = BY_NAME[f"{trade['exchange']}:{trade['tradingsymbol']}"]
    at = datetime.strptime(trade["fill_timestamp"], "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007
    return {
        "flId": trade["trade_id"],
        "nOrdNo": trade["order_id"],
        "exOrdId": trade["exchange_order_id"],
        "exSeg": SEGMENTS[trade["exchange"]],
        "trdSym": listing.broker_symbol,
        "tok": "",
        "trnsTp": trade["transaction_type"][0],
        "prod": trade["product"],
        "fldQty": trade["quantity"],
        "avgPrc": f"{trade['average_price']:.2f}",
        "flDt": at.strftime("%d-%b-%Y"),
        "flTm": at.strftime("%H:%M:%S"),
    }


def position_row(row: Row) -> Row:
    """Return a position as Kotak shows it: quantities and amounts, no average."""
    listing = BY_NAME[f"{row['exchange']}:{row['tradingsymbol']}"]
    carried = dict.fromkeys(("cfBuyQty", "cfSellQty"), "0") | dict.fromkeys(("cfBuyAmt", "cfSellAmt"), "0.00")
    factors = dict.fromkeys(("multiplier", "genNum", "genDen", "prcNum", "prcDen"), "1")
    return {
        "exSeg": SEGMENTS[row["exchange"]],
        "trdSym": listing.broker_symbol,
        "tok": listing.broker_key.partition("|")[2],
        "prod": row["product"],
        **carried,
        "flBuyQty": str(row["buy_quantity"]),
        "flSellQty": str(row["sell_quantity"]),
        "buyAmt": f"{row['buy_value']:.2f}",
        "sellAmt": f"{row['sell_value']:.2f}",
        **factors,
        "precision": "2",
        "lotSz": str(listing.lot_size),
        "ltp": f"{row['last_price']:.2f}",
    }


def in_kotaks_words(refusal: KiteRefusal) -> KiteRefusal:
    """Return the book's refusal as Kotak says it; what has Kotak's code already stays."""
    if refusal.error_type.isdigit():
        return refusal
    if "Couldn't find" in refusal.message:
        return KiteRefusal(200, "1006", "order not found")
    if "cannot be" in refusal.message:
        return KiteRefusal(200, "1021", "order is completed")
    return KiteRefusal(400, "10300", f"Validation Errors! {refusal.message}")


def _terms(fields: Mapping[str, str], last: Decimal, *, is_buy: bool) -> dict[str, str]:
    if fields["pt"] == "SL-M":
        raise KiteRefusal(200, "1017", "Market order with Algo Id not allowed")
    if fields["pt"] not in TYPES or any(fields[name] == "0.0" for name in ("pr", "tp")):
        raise KiteRefusal(400, "10300", "Validation Errors!")
    kind, price = TYPES[fields["pt"]], fields["pr"]
    if kind == "MARKET":
        kind, price = "LIMIT", str(_protected(last, is_buy=is_buy))
    return {
        "order_type": kind,
        "quantity": fields["qt"],
        "price": price,
        "trigger_price": fields["tp"],
        "disclosed_quantity": fields["dq"],
    }


def _protected(last: Decimal, *, is_buy: bool) -> Decimal:
    """Return the limit of a market order in a share or a future: the last price and a band of it, on tick."""
    band = next((band for below, band in FUTURE_BANDS if last < below), ELSE)
    limit = last * (1 + band if is_buy else 1 - band)
    return (limit / TICK).quantize(Decimal(1), ROUND_DOWN if is_buy else ROUND_UP) * TICK


def _require(fields: Mapping[str, str], names: tuple[str, ...]) -> None:
    for name in names:
        if not fields.get(name):
            raise KiteRefusal(400, "400", f"Missing required field '{name}'")
