"""What the Kite simulator's market is: quotes, the margin of an order, and the dump of instruments."""

import calendar
import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from tests.simulators.kite_book import IST, KiteRefusal

INDICES = {
    "NSE:NIFTY 50": Decimal("26450.1"),
    "NSE:NIFTY BANK": Decimal("58810.35"),
    "BSE:SENSEX": Decimal("85120.4"),
}
HEADER = (
    "instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,lot_size,"
    "instrument_type,segment,exchange"
)
LOTS = {"NIFTY": 75, "BANKNIFTY": 35, "SENSEX": 20}
MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
DERIVATIVE = re.compile(
    r"(?P<name>[A-Z]+)(?P<year>\d\d)(?P<month>[A-Z]{3})(?P<strike>\d*)(?P<type>FUT|CE|PE)"
)
TICK, CENT = Decimal("0.05"), Decimal("0.01")
CIRCUIT = Decimal("0.1")
CHARGES = Decimal("0.0004")
Prices = Mapping[str, Decimal]


class KiteMarket:
    """The market around a book's prices. `dump` stands in place of the true dump of instruments once it is told."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self.dump: str | None = None

    def quotes(self, prices: Prices, names: Iterable[str]) -> dict[str, Any]:
        """Return full quotes; a name that is not there is left out, as the vendor does."""
        there = INDICES | dict(prices)
        return {name: self._quote(name, there[name]) for name in names if name in there}

    def last_prices(self, prices: Prices, names: Iterable[str]) -> dict[str, Any]:
        """Return last prices alone."""
        quotes = self.quotes(prices, names)
        return {
            name: {key: quote[key] for key in ("instrument_token", "last_price")}
            for name, quote in quotes.items()
        }

    def margins(self, prices: Prices, body: str) -> list[dict[str, Any]]:
        """Return what each of some orders would bind: here all of its value."""
        try:
            orders = json.loads(body, parse_float=Decimal)
            return [self._margin(prices, order) for order in orders]
        except (ValueError, KeyError, TypeError, AttributeError):
            raise KiteRefusal(400, "InputException", "Invalid JSON.") from None

    def instruments(self, prices: Prices) -> str:
        """Return the dump of all instruments as CSV."""
        if self.dump is not None:
            return self.dump
        rows = [_row(name, price) for name, price in prices.items()]
        indices = [_index_row(name) for name in INDICES]
        return "\n".join([HEADER, *rows, *indices]) + "\n"

    def _quote(self, name: str, last: Decimal) -> dict[str, Any]:
        quote = {
            "instrument_token": _token(name),
            "timestamp": self._now().astimezone(IST).strftime("%Y-%m-%d %H:%M:%S"),
            "last_price": last,
            "volume": 0,
            "oi": 0,
            "ohlc": dict.fromkeys(("open", "high", "low", "close"), last),
        }
        if name in INDICES:
            return quote | {"last_trade_time": "", "depth": {"buy": None, "sell": None}}
        return quote | {
            "last_trade_time": quote["timestamp"],
            "lower_circuit_limit": (last * (1 - CIRCUIT)).quantize(CENT),
            "upper_circuit_limit": (last * (1 + CIRCUIT)).quantize(CENT),
            "depth": {"buy": _levels(last - TICK), "sell": _levels(last + TICK)},
        }

    def _margin(self, prices: Prices, order: Mapping[str, Any]) -> dict[str, Any]:
        name = f"{order['exchange']}:{order['tradingsymbol']}"
        if name not in prices:
            raise KiteRefusal(400, "InputException", "Invalid `tradingsymbol`.")
        total = (order["price"] or prices[name]) * order["quantity"]
        return {
            "type": "equity",
            "tradingsymbol": order["tradingsymbol"],
            "exchange": order["exchange"],
            "var": total,
            "leverage": 1,
            "charges": {"total": (total * CHARGES).quantize(CENT)},
            "total": total,
        }


def _levels(best: Decimal) -> list[dict[str, Any]]:
    none = {"price": 0, "quantity": 0, "orders": 0}
    return [{"price": best, "quantity": 100, "orders": 1}, *[none] * 4]


def _row(name: str, last: Decimal) -> str:
    exchange, _, symbol = name.partition(":")
    found = DERIVATIVE.fullmatch(symbol) if exchange in {"NFO", "BFO"} else None
    if found is None:
        return f"{_token(name)},1,{symbol},{symbol},{last},,0,{TICK},1,EQ,{exchange},{exchange}"
    kind, lot = found["type"], LOTS.get(found["name"], 100)
    expiry = _last_tuesday(2000 + int(found["year"]), MONTHS[found["month"]])
    segment = f"{exchange}-{'FUT' if kind == 'FUT' else 'OPT'}"
    terms = f"{expiry},{found['strike'] or 0},{TICK},{lot},{kind}"
    return f'{_token(name)},1,{symbol},"{found["name"]}",{last},{terms},{segment},{exchange}'


def _index_row(name: str) -> str:
    exchange, _, symbol = name.partition(":")
    return f"{_token(name)},1,{symbol},{symbol},0,,0,0,0,EQ,INDICES,{exchange}"


def _token(name: str) -> int:
    return int.from_bytes(name.encode()[-4:]) % 2**31


def _last_tuesday(year: int, month: int) -> date:
    weeks = calendar.monthcalendar(year, month)
    return date(year, month, max(week[calendar.TUESDAY] for week in weeks))
