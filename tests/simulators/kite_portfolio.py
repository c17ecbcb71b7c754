"""What the fills of the Kite simulator's account add up to: positions and margins, average prices in paise."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

PAISA = Decimal("0.01")
Row = dict[str, Any]
Key = tuple[str, str, str]


def average_price(value: Decimal | int, quantity: int) -> Decimal:
    """Return a value's price for one, in paise as Kite shows it."""
    return (Decimal(value) / quantity).quantize(PAISA)


def positions(trades: Sequence[Row], prices: Mapping[str, Decimal]) -> Row:
    """Return the net and the day's positions: what has a `close_price` was traded earlier and carried over night."""
    today = [trade for trade in trades if "close_price" not in trade]
    return {"net": _positions(trades, prices), "day": _positions(today, prices)}


def margins(trades: Sequence[Row], cash: Decimal) -> Row:
    """Return the margins by segment; only equity is enabled."""
    debits = max(Decimal(0), sum((_signed(trade) for trade in trades), Decimal(0)))
    available = {"cash": cash, "collateral": 0, "live_balance": cash - debits, "intraday_payin": 0}
    equity = {
        "enabled": True,
        "net": cash - debits,
        "available": available,
        "utilised": {"debits": debits},
    }
    empty = {"cash": 0, "collateral": 0, "live_balance": 0, "intraday_payin": 0}
    return {
        "equity": equity,
        "commodity": {"enabled": False, "net": 0, "available": empty, "utilised": {"debits": 0}},
    }


def value_of(trade: Row) -> Decimal:
    """Return what a fill cost or brought."""
    return Decimal(trade["average_price"] * trade["quantity"])


def _positions(trades: Sequence[Row], prices: Mapping[str, Decimal]) -> list[Row]:
    keys: list[Key] = list(dict.fromkeys((t["exchange"], t["tradingsymbol"], t["product"]) for t in trades))
    return [_position(key, trades, prices) for key in keys]


def _position(key: Key, trades: Sequence[Row], prices: Mapping[str, Decimal]) -> Row:
    own = [t for t in trades if (t["exchange"], t["tradingsymbol"], t["product"]) == key]
    bought = [t for t in own if t["transaction_type"] == "BUY"]
    sold = [t for t in own if t["transaction_type"] == "SELL"]
    buy_quantity, sell_quantity = (sum(t["quantity"] for t in side) for side in (bought, sold))
    buy_value, sell_value = (sum((value_of(t) for t in side), Decimal(0)) for side in (bought, sold))
    quantity, last = buy_quantity - sell_quantity, prices[f"{key[0]}:{key[1]}"]
    held = {True: (buy_value, buy_quantity), False: (sell_value, sell_quantity)}[quantity > 0]
    average = average_price(*held) if quantity else Decimal(0)
    pnl, unrealised = sell_value - buy_value + quantity * last, (last - average) * quantity
    carried = [t for t in own if "close_price" in t]
    before = sum(((t["close_price"] - t["average_price"]) * _units(t) for t in carried), Decimal(0))
    return {
        "exchange": key[0],
        "tradingsymbol": key[1],
        "product": key[2],
        "quantity": quantity,
        "overnight_quantity": sum(_units(t) for t in carried),
        "multiplier": 1,
        "average_price": average,
        "last_price": last,
        "pnl": pnl,
        "m2m": pnl - before,
        "unrealised": unrealised,
        "realised": pnl - unrealised,
        "buy_quantity": buy_quantity,
        "buy_value": buy_value,
        "sell_quantity": sell_quantity,
        "sell_value": sell_value,
    }


def _units(trade: Row) -> int:
    return int(trade["quantity"] if trade["transaction_type"] == "BUY" else -trade["quantity"])


def _signed(trade: Row) -> Decimal:
    return value_of(trade) if trade["transaction_type"] == "BUY" else -value_of(trade)
