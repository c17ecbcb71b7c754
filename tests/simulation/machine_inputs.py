"""What callers send: orders in many spellings, alerts, changes."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

Terms = Mapping[str, Any]

LISTED = ("NSE:INFY", "NSE:RELIANCE")
UNLISTED = ("NSE:NOSUCH", "BSE:INFY", "MCX:GOLD", "NFO:NIFTY26NOVFUT")
LIMITS = ("1450", "1390", "1500.05", "1600", "1450", "1390", "1500.051", "0.05")
TICK = Decimal("0.05")
TRIGGERS = ("1490", "1510", "1600")
NEEDS: dict[str, tuple[str, ...]] = {
    "MARKET": (),
    "LIMIT": ("limit_price",),
    "SL": ("limit_price", "trigger_price"),
    "SL_M": ("trigger_price",),
}
PRICES = {"limit_price": LIMITS, "trigger_price": TRIGGERS}
UNSUPPORTED = {"paper": {"product": {"MTF"}}, "kite": {"instrument": {"MCX:GOLD"}}}


ODD_KEYS = ("0", "api:key-0", "~!@#$%^&*()", '{"a":1}', "x" * 128)
LIMIT_ORDER = {
    "account": "paper",
    "instrument": "NSE:INFY",
    "side": "BUY",
    "quantity": 5,
    "product": "MIS",
    "order_type": "LIMIT",
    "limit_price": "1450",
}


def _chooser(draw: st.DrawFn) -> Callable[..., Any]:
    def choose(*words: Any) -> Any:
        return draw(st.sampled_from(words))

    return choose


@st.composite
def orders(draw: st.DrawFn) -> dict[str, Any]:
    """Draw the terms of an order as the stack keeps them."""
    choose = _chooser(draw)
    terms: dict[str, Any] = {
        "account": choose("paper", "kite"),
        "instrument": choose(*LISTED * 6, *UNLISTED),
        "side": choose("BUY", "SELL"),
        "quantity": choose(5, 1, 50, 5, 1, 50, 5, 900_000),
        "product": choose(*["MIS"] * 6, "NRML", "CNC", "MTF"),
        "validity": choose("DAY", "DAY", "DAY", "IOC"),
        "order_type": choose("LIMIT", *NEEDS),
    }
    for price in NEEDS[terms["order_type"]]:
        terms[price] = choose(*PRICES[price])
    optional = {
        "strategy": choose(None, "demo", "swing"),
        "disclosed_quantity": choose(None, None, 1),
        "position_effect": choose(None, "OPEN", "CLOSE"),
    }
    return terms | {name: value for name, value in optional.items() if value is not None}


def is_unsupported(terms: Terms) -> bool:
    """Return whether the account's broker says beforehand that it cannot take the order."""
    lacks = UNSUPPORTED[terms["account"]]
    return any(terms[name] in values for name, values in lacks.items())


def misfit(terms: Terms) -> str | None:
    """Return the code of what does not fit the list of the account's broker; the paper broker has none."""
    if terms["account"] != "kite":
        return None
    if terms["instrument"] not in LISTED:
        return "INSTRUMENT_UNKNOWN"
    is_off_tick = any(Decimal(terms[price]) % TICK for price in PRICES if price in terms)
    return "WRONG_TICK_SIZE" if is_off_tick else None


def is_same(one: Terms, other: Terms) -> bool:
    """Return whether two bodies ask for the same order."""
    return {"validity": "DAY", **one} == {"validity": "DAY", **other}


def _plain(terms: Terms) -> str:
    return json.dumps(terms)


def _texts(terms: Terms) -> str:
    return json.dumps({**terms, "quantity": str(terms["quantity"])})


def _nulls(terms: Terms) -> str:
    names = ("strategy", "disclosed_quantity", "position_effect", "limit_price", "trigger_price")
    return json.dumps({**dict.fromkeys(names), **terms}, indent=1)


def _defaults_left_out(terms: Terms) -> str:
    return json.dumps({name: value for name, value in terms.items() if (name, value) != ("validity", "DAY")})


def _backwards(terms: Terms) -> str:
    return json.dumps(dict(reversed(list(terms.items()))))


def _numbers(terms: Terms) -> str:
    """Spell prices as JSON numbers with zeros behind them, the quantity with a fraction of nothing."""
    text = json.dumps({**terms, "quantity": "@quantity"})
    for name in PRICES:
        if name in terms:
            digits = terms[name] if "." in terms[name] else f"{terms[name]}."
            text = text.replace(f'"{terms[name]}"', f"{digits}0")
    return text.replace('"@quantity"', f"{terms['quantity']}.0")


SPELLINGS = {
    "plain": _plain,
    "as text": _texts,
    "with nulls": _nulls,
    "defaults left out": _defaults_left_out,
    "backwards": _backwards,
    "as numbers": _numbers,
}
spellings = st.sampled_from(sorted(SPELLINGS, key=lambda name: name != "plain"))


# ------------------------------------------------------------ alerts
@dataclass(frozen=True)
class AlertBody:
    """An alert as its strategy's owner wrote it: `time` is said or not."""

    strategy: str
    fields: tuple[tuple[str, str], ...]
    has_time: bool

    def _repr_pretty_(self, printer: Any, _cycle: object) -> None:
        words = " ".join(
            value for name, value in self.fields if name in {"action", "contracts", "ticker", "price"}
        )
        printer.text(f"<{self.strategy}: {words}{', with a time' if self.has_time else ''}>")

    def text(self, token: str | None, time: str) -> str:
        """Return the bytes that TradingView would send."""
        fields = dict(self.fields) | ({} if token is None else {"token": token})
        return json.dumps(fields | ({"time": time} if self.has_time else {}))


@st.composite
def alerts(draw: st.DrawFn) -> AlertBody:
    """Draw an alert that its strategy allows."""
    choose = _chooser(draw)
    fields = {
        "ticker": choose("INFY", "RELIANCE", "INFY", "RELIANCE", "NOSUCH"),
        "exchange": choose("NSE", "NSE_DLY", "NSE", "NSE", "BSE"),
        "action": choose("buy", "sell", "BUY"),
        "contracts": choose("5", "1", "100", "5.0"),
        "price": choose("1450", "1500.05", "1600", "1500.051"),
        "position_size": choose("5", "0", "-5", "NaN", "flat?"),
        "comment": choose("long entry", "NaN"),
    }
    return AlertBody(choose("demo", "swing"), tuple(fields.items()), draw(st.booleans()))


def alert_terms(strategy: str, account: str, body: str) -> list[dict[str, Any]]:
    """Return the order that an alert asks for in an account, opening and closing."""
    fields = json.loads(body)
    terms: dict[str, Any] = {
        "account": account,
        "instrument": f"{fields['exchange'].removesuffix('_DLY')}:{fields['ticker']}",
        "side": fields["action"].upper(),
        "quantity": int(float(fields["contracts"])),
        "product": "MIS",
        "order_type": "MARKET" if strategy == "demo" else "LIMIT",
        "strategy": strategy,
    }
    if strategy == "swing":
        terms["limit_price"] = fields["price"]
    return [terms, {**terms, "position_effect": "CLOSE"}]


# ------------------------------------------------------------ changes
CHANGES: SearchStrategy[dict[str, Any]] = st.sampled_from(
    [
        {"quantity": 7},
        {"quantity": 2},
        {"limit_price": "1499.95"},
        {"limit_price": "1600"},
        {"quantity": 6, "limit_price": "1451"},
        {"trigger_price": "1505"},
        {"order_type": "MARKET", "limit_price": None},
        {"order_type": "LIMIT", "limit_price": "1450", "trigger_price": None},
        {"validity": "IOC"},
        {"disclosed_quantity": 1},
        {"quantity": 900_000},
    ]
)
