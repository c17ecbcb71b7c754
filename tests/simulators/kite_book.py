"""The book behind the Kite simulator: one account's orders, fills, positions and margins, in Kite's words."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from typing import Any

from tests.simulators.kite_portfolio import average_price, margins, positions, value_of

IST = timezone(timedelta(hours=5, minutes=30))
FIRST_ORDER = 1990345678900000001
ENDED = frozenset({"COMPLETE", "CANCELLED", "CANCELLED AMO", "REJECTED"})
WAITING = frozenset({"AMO REQ RECEIVED", "MODIFY AMO REQ RECEIVED"})
WORDS = {
    "transaction_type": {"BUY", "SELL"},
    "order_type": {"MARKET", "LIMIT", "SL", "SL-M"},
    "product": {"CNC", "NRML", "MIS", "MTF"},
    "validity": {"DAY", "IOC", "TTL"},
}
NEEDS = {"MARKET": (), "LIMIT": ("price",), "SL": ("price", "trigger_price"), "SL-M": ("trigger_price",)}
NO_PROTECTION = (
    "Market orders without market protection are not allowed via API. "
    "Please set market protection or use a Limit order."
)
Row = dict[str, Any]


@dataclass
class KiteRefusal(Exception):
    """An error answer."""

    status: int
    error_type: str
    message: str


class KiteBook:
    """One account. `prices` maps EXCHANGE:SYMBOL to the last price; a symbol without one does not exist.

    While the market is closed, variety amo is taken and waits until it opens; no other is.
    """

    def __init__(
        self,
        now: Callable[[], datetime],
        *,
        cash: Decimal = Decimal(1000000),
        on_change: Callable[[Row], None] = lambda _: None,
    ) -> None:
        self._now, self._on_change = now, on_change
        self.cash = cash
        self.is_open = True
        self.prices: dict[str, Decimal] = {}
        self.orders: dict[str, Row] = {}
        self.histories: dict[str, list[Row]] = {}
        self.trades: list[Row] = []
        self.holdings: list[Row] = []
        self.carried: list[Row] = []

    def accept(self, variety: str, form: Mapping[str, str]) -> str:
        """Check an order at the door and take it in; return its id."""
        if (variety == "amo") is self.is_open:
            raise _input(f"No {variety} orders while the market is {'open' if self.is_open else 'closed'}.")
        self._check_door(form)
        if len(form.get("tag", "")) > 20:
            raise _input("`tag` is longer than 20 characters.")
        row = self._new_row(variety, form)
        self.orders[row["order_id"]] = row
        self._record(row, "PUT ORDER REQ RECEIVED")
        return str(row["order_id"])

    def settle(self, order_id: str, effect: str | None = None, quantity: int | None = None) -> None:
        """Let the risk checks and the exchange have an order that was taken in."""
        row = self.orders[order_id]
        missing = self._missing_margin(row)
        if effect == "reject" or missing:
            self._record(
                row, "REJECTED", status_message=missing or "Rejected by the risk checks.", pending_quantity=0
            )
            return
        if row["variety"] == "amo":
            self._record(row, "AMO REQ RECEIVED")
            return
        self._to_exchange(row)
        if effect in {"fill", "fill_partially"}:
            self.fill(order_id, quantity=quantity)
        elif effect != "rest":
            self._match(row)

    def open_market(self) -> None:
        """Open the market: what waited for it goes there, and still shows as amo."""
        self.is_open = True
        for row in self.orders.values():
            if row["status"] in WAITING:
                self._to_exchange(row)
                self._match(row)

    def close_market(self) -> None:
        """Close the market."""
        self.is_open = False

    def require_variety(self, order_id: str, variety: str) -> None:
        """Refuse a change under another variety than the order has now, as slowly as the vendor (forum 40302)."""
        row = self.orders.get(order_id)
        if row is not None and variety != ("amo" if row["status"] in WAITING else "regular"):
            raise KiteRefusal(504, "NetworkException", "request timed out")

    def modify(self, order_id: str, form: Mapping[str, str]) -> None:
        """Change a resting order."""
        row = self._resting(order_id)
        terms = {
            name: str(row[name]) for name in ("order_type", "quantity", "price", "trigger_price", "validity")
        }
        wanted = {"exchange": row["exchange"], "tradingsymbol": row["tradingsymbol"]} | terms | dict(form)
        wanted |= {name: row[name] for name in ("transaction_type", "product")}
        self._check_door(wanted)
        if int(wanted["quantity"]) < row["filled_quantity"]:
            raise _input("`quantity` is below what has been filled.")
        row.update(
            order_type=wanted["order_type"],
            quantity=int(wanted["quantity"]),
            pending_quantity=int(wanted["quantity"]) - row["filled_quantity"],
            price=Decimal(wanted.get("price") or 0),
            trigger_price=Decimal(wanted.get("trigger_price") or 0),
            validity=wanted["validity"],
            modified=True,
        )
        if row["status"] in WAITING:
            self._record(row, "MODIFY AMO REQ RECEIVED")
            return
        self._record(row, "MODIFIED")
        self._record(row, "TRIGGER PENDING" if row["order_type"].startswith("SL") else "OPEN")
        self._match(row)

    def cancel(self, order_id: str, effect: str | None = None) -> None:
        """Cancel a resting order; `effect` lets a fill overtake it."""
        row = self._resting(order_id)
        if effect in {"fill_then_refuse", "fill_then_acknowledge"}:
            self.fill(order_id)
            if effect == "fill_then_refuse":
                raise KiteRefusal(
                    400, "OrderException", "Order cannot be cancelled as it has been processed."
                )
            return
        # as the vendor's: pending_quantity stays as it was
        word = "CANCELLED AMO" if row["status"] in WAITING else "CANCELLED"
        self._record(row, word, cancelled_quantity=row["pending_quantity"])

    def fill(self, order_id: str, *, quantity: int | None = None, price: Decimal | None = None) -> None:
        """Fill some or all of what is pending, at a price or the last one."""
        row = self.orders[order_id]
        done = row["pending_quantity"] if quantity is None else min(quantity, row["pending_quantity"])
        at = self._last_price(row) if price is None else price
        self.trades.append(self._trade(row, done, at))
        value = sum(value_of(trade) for trade in self.trades if trade["order_id"] == order_id)
        filled = row["filled_quantity"] + done
        row.update(
            filled_quantity=filled,
            pending_quantity=row["quantity"] - filled,
            average_price=average_price(value, filled),
        )
        self._record(row, "COMPLETE" if row["pending_quantity"] == 0 else "OPEN")

    def set_price(self, instrument: str, price: Decimal) -> None:
        """Move the market, and with it the orders that rest in it."""
        self.prices[instrument] = price
        for row in self.orders.values():
            if _name(row) == instrument and row["status"] in {"OPEN", "TRIGGER PENDING"}:
                self._match(row)

    def history(self, order_id: str) -> list[Row]:
        """Return an order's states, the newest last."""
        if order_id not in self.histories:
            raise KiteRefusal(400, "GeneralException", "Couldn't find that `order_id`.")
        return self.histories[order_id]

    def positions(self) -> Row:
        """Return the net and the day's positions, from the fills and what was carried over night."""
        return positions([*self.carried, *self.trades], self.prices)

    def carry(self, rows: Iterable[Row]) -> None:
        """Have these trades made on an earlier day, each with the last close as its `close_price`."""
        self.carried = [
            {**row, **{name: Decimal(row[name]) for name in ("average_price", "close_price")}} for row in rows
        ]

    def margins(self) -> Row:
        """Return the margins by segment; only equity is enabled."""
        return margins(self.trades, self.cash)

    def _check_door(self, form: Mapping[str, str]) -> None:
        for name, words in WORDS.items():
            if form.get(name, "DAY" if name == "validity" else "") not in words:
                raise _input(f"Invalid `{name}`.")
        if f"{form.get('exchange')}:{form.get('tradingsymbol')}" not in self.prices:
            raise _input("The instrument you are placing an order for has either expired or does not exist.")
        for name in ("quantity", *NEEDS[form["order_type"]]):
            if _number(form.get(name)) <= 0:
                raise _input(f"Invalid `{name}`.")
        protection = _number(form.get("market_protection"))
        if form["order_type"] in {"MARKET", "SL-M"} and not (protection == -1 or 0 < protection <= 100):
            raise _input(NO_PROTECTION)

    def _new_row(self, variety: str, form: Mapping[str, str]) -> Row:
        quantity = int(form["quantity"])
        tag = form.get("tag")
        return {
            "order_id": str(FIRST_ORDER + len(self.orders)),
            "exchange_order_id": None,
            "parent_order_id": None,
            "placed_by": "AB1234",
            "account_id": "AB1234",
            "status_message": None,
            "status_message_raw": None,
            "order_timestamp": self._time(),
            "variety": variety,
            "modified": False,
            **{
                name: form[name]
                for name in ("exchange", "tradingsymbol", "order_type", "transaction_type", "product")
            },
            "validity": form.get("validity", "DAY"),
            "validity_ttl": 0,
            "quantity": quantity,
            "disclosed_quantity": int(form.get("disclosed_quantity", 0)),
            "price": Decimal(form.get("price") or 0),
            "trigger_price": Decimal(form.get("trigger_price") or 0),
            "average_price": Decimal(0),
            "filled_quantity": 0,
            "pending_quantity": quantity,
            "cancelled_quantity": 0,
            "market_protection": Decimal(form.get("market_protection") or 0),
            "meta": {},
            "tag": tag,
            "tags": [] if tag is None else [tag],
            "guid": None,
        }

    def _to_exchange(self, row: Row) -> None:
        row["exchange_order_id"] = f"12{row['order_id'][-14:]}"
        self._record(row, "TRIGGER PENDING" if row["order_type"].startswith("SL") else "OPEN")

    def _record(self, row: Row, status: str, **changes: Any) -> None:
        row.update(
            changes, status=status, exchange_timestamp=self._time(), exchange_update_timestamp=self._time()
        )
        self.histories.setdefault(row["order_id"], []).append(dict(row))
        self._on_change(row)

    def _resting(self, order_id: str) -> Row:
        row = self.orders.get(order_id)
        if row is None:
            raise KiteRefusal(400, "GeneralException", "Couldn't find that `order_id`.")
        if row["status"] in ENDED:
            raise KiteRefusal(400, "OrderException", f"Order cannot be changed: it is {row['status']}.")
        return row

    def _match(self, row: Row) -> None:
        last = self._last_price(row)
        is_buy = row["transaction_type"] == "BUY"
        if row["status"] == "TRIGGER PENDING":
            if not (last >= row["trigger_price"] if is_buy else last <= row["trigger_price"]):
                return
            self._record(row, "OPEN")
        has_limit = row["order_type"] in {"LIMIT", "SL"}
        if not has_limit or (last <= row["price"] if is_buy else last >= row["price"]):
            self.fill(row["order_id"])
        elif row["validity"] == "IOC":
            self._record(row, "CANCELLED", cancelled_quantity=row["pending_quantity"])

    def _missing_margin(self, row: Row) -> str | None:
        needed = (row["price"] or self._last_price(row)) * row["quantity"]
        usable = self.margins()["equity"]["net"]
        if row["transaction_type"] == "SELL" or needed <= usable:
            return None
        return f"Insufficient funds. Required margin is {needed} but available margin is {usable}."

    def _trade(self, row: Row, quantity: int, price: Decimal) -> Row:
        names = ("order_id", "exchange", "tradingsymbol", "product", "transaction_type", "exchange_order_id")
        return {
            "trade_id": str(10000001 + len(self.trades)),
            **{name: row[name] for name in names},
            "quantity": quantity,
            "average_price": price,
            "fill_timestamp": self._time(),
            "exchange_timestamp": self._time(),
            "order_timestamp": self._time()[11:],
        }

    def _last_price(self, row: Row) -> Decimal:
        return self.prices[_name(row)]

    def _time(self) -> str:
        return self._now().astimezone(IST).strftime("%Y-%m-%d %H:%M:%S")


def _name(row: Row) -> str:
    return f"{row['exchange']}:{row['tradingsymbol']}"


def _number(text: str | None) -> Decimal:
    try:
        return Decimal(text or 0)
    except InvalidOperation:
        return Decimal(0)


def _input(message: str) -> KiteRefusal:
    return KiteRefusal(400, "InputException", message)
