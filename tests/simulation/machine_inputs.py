"""What callers send: orders and alerts that are right in many spellings, or wrong in one named way."""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

Terms = Mapping[str, Any]

LISTED = ("NSE:INFY", "NSE:RELIANCE")
UNLISTED = ("NSE:NOSUCH", "BSE:INFY", "MCX:GOLD", "NFO:NIFTY26NOVFUT")
LIMITS = ("1450", "1390", "1500.05", "1600", "1450", "1390", "1500.051", "0.05")
TRIGGERS = ("1490", "1510", "1600")
NEEDS: dict[str, tuple[str, ...]] = {
    "MARKET": (),
    "LIMIT": ("limit_price",),
    "SL": ("limit_price", "trigger_price"),
    "SL_M": ("trigger_price",),
}
PRICES = {"limit_price": LIMITS, "trigger_price": TRIGGERS}
UNSUPPORTED = {"paper": {"product": {"MTF"}}, "kite": {"instrument": {"MCX:GOLD"}}}


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


@dataclass(frozen=True)
class Flaw:
    """One thing that is wrong: how the body is then, the code that the answer must have, the field it
    must name: that field, or the one that is `named`."""

    what: str
    code: str
    field: str | None = None
    literal: str | None = None
    body: str | None = None
    is_base64: bool = False
    named: str | None = None

    def _repr_pretty_(self, printer: Any, _cycle: object) -> None:
        printer.text(f"<{self.what}>")

    def spoil(self, terms: Terms) -> str:
        """Return the body with this flaw."""
        if self.body is not None:
            return self.body
        if self.literal is None:
            return json.dumps({name: value for name, value in terms.items() if name != self.field})
        return json.dumps({**terms, str(self.field): "@here"}).replace('"@here"', self.literal)


def _wrong(field: str, *literals: str) -> list[Flaw]:
    return [Flaw(f"{field}: {text[:20]}", "INVALID_REQUEST", field, text) for text in literals]


def _unreadable(what: str, body: str, *, is_base64: bool = False) -> Flaw:
    return Flaw(what, "BODY_UNREADABLE", body=body, is_base64=is_base64)


UNREADABLE = [
    _unreadable("nothing", ""),
    _unreadable("half an object", '{"account": "pap'),
    _unreadable("a list", "[1]"),
    _unreadable("null", "null"),
    _unreadable("a constant", '{"quantity": NaN}'),
    _unreadable("an infinity", '{"quantity": -Infinity}'),
    _unreadable("a key twice", '{"account": "paper", "account": "kite"}'),
    _unreadable("too many digits", f'{{"quantity": {"9" * 5000}}}'),
    _unreadable("an absurd exponent", '{"quantity": 1e99999999999999999999}'),
    _unreadable("too deep", "[" * 30_000),
    _unreadable("latin-1", base64.b64encode(b'{"account": "caf\xe9"}').decode(), is_base64=True),
    _unreadable("no base64", "{}", is_base64=True),
    _unreadable("half a character", '{"account": "\ud800"}'),
    Flaw("a little too large", "BODY_TOO_LARGE", body=json.dumps({"account": "x" * 65_536})),
    Flaw("far too large", "BODY_TOO_LARGE", body="x" * 200_000),
]
ORDER_FLAWS = [
    *UNREADABLE,
    *(
        Flaw(f"no {name}", "INVALID_REQUEST", name)
        for name in ("account", "instrument", "side", "quantity", "product", "order_type", "limit_price")
    ),
    *_wrong(
        "quantity",
        "0",
        "-1",
        "10000001",
        "true",
        "5.5",
        '"5.5"',
        '"five"',
        '"\u0665"',
        "1e400",
        "[]",
        "{}",
        '""',
    ),
    *_wrong(
        "limit_price", "0", "-1", "true", '"NaN"', '"Infinity"', "1500.00001", '"1e99"', "[1]", '"1500,5"'
    ),
    *_wrong("trigger_price", "1490"),
    *_wrong("side", '"buy"', "1"),
    *_wrong("product", '"BO"', "null"),
    *_wrong("validity", '"GTC"'),
    *_wrong("order_type", '"limit"', '"STOP"', "7"),
    *_wrong("instrument", '"INFY"', '"nse:INFY"', '"NSE:infy"', "7", '"NSE:"', '"NYSE:IBM"', '"NSE:\\ud800"'),
    *_wrong("account", '"Paper!"', "7", '""', '"\\ud800"'),
    *_wrong("strategy", '"Bad Name"', "7"),
    *_wrong("position_effect", '"close"'),
    *_wrong("disclosed_quantity", "0", "true"),
    *_wrong("price", "1500"),
    Flaw("an unknown account", "ACCOUNT_UNKNOWN", "account", '"nobody"'),
]
LIMIT_ORDER = {
    "account": "paper",
    "instrument": "NSE:INFY",
    "side": "BUY",
    "quantity": 5,
    "product": "MIS",
    "order_type": "LIMIT",
    "limit_price": "1450",
}
BAD_KEYS = ("", "a b", "é", "x" * 129, "tab\t", "null\0")
ODD_KEYS = ("x" * 128, "~!@#$%^&*()", '{"a":1}', "api:key-0", "0")


# ------------------------------------------------------------------------------------------------ alerts
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


ALERT_FLAWS = [
    *UNREADABLE,
    Flaw("no ticker", "INVALID_REQUEST", "ticker"),
    Flaw("no action", "INVALID_REQUEST", "action"),
    *_wrong("contracts", '"-5"', '"1e3"', '"NaN"', "true", "[]", '"5,0"'),
    *_wrong("price", '"-5"', '"1e3"', "{}"),
    *_wrong("time", '"yesterday"', "5", '"2026-11-23T04:30:00"', '"2026-11-23"'),
    *_wrong("ticker", "null", '"  "', f'"{"X" * 65}"'),
    Flaw("too many", "ALERT_REFUSED", "contracts", '"101"'),
    Flaw("an unknown exchange", "ALERT_REFUSED", "exchange", '"NASDAQ"'),
    Flaw("no exchange", "ALERT_REFUSED", "exchange"),
    Flaw("an unknown action", "ALERT_REFUSED", "action", '"hold"'),
    Flaw("no symbol", "ALERT_REFUSED", "ticker", '"infy!"'),
    Flaw("ticker: half a character", "INVALID_REQUEST", "ticker", '"\\ud800"'),
    Flaw("contracts: 0", "INVALID_REQUEST", "contracts", '"0"', named="quantity"),
]

# ------------------------------------------------------------------------------------------------ changes and reads
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
CHANGE_FLAWS = [
    *UNREADABLE,
    Flaw("nothing to change", "INVALID_REQUEST", body="{}"),
    Flaw("another side", "INVALID_REQUEST", body='{"side": "SELL"}'),
    Flaw("no quantity", "INVALID_REQUEST", body='{"quantity": 0}'),
    Flaw("a price that is none", "INVALID_REQUEST", body='{"limit_price": "NaN"}'),
    Flaw("an unknown type", "INVALID_REQUEST", body='{"order_type": "limit"}'),
]
NO_NAMES = ("A" * 20, "nosuch", "", "a" * 20, "A" * 5000)
BAD_QUERIES: dict[str, tuple[dict[str, str], ...]] = {
    "INVALID_REQUEST": (
        {"limit": "0"},
        {"limit": "201"},
        {"limit": "-1"},
        {"limit": "five"},
        {"limit": "\u0665"},
        {"limit": ""},
        {"limit": "9" * 5000},
        {"state": "done"},
        {"state": "OPEN"},
        {"day": "today"},
        {"day": "2026-02-30"},
        {"day": ""},
    ),
    "INVALID_CURSOR": (
        {"cursor": ""},
        {"cursor": "x"},
        {"cursor": "é"},
        {"cursor": "!!!!"},
        {"cursor": base64.urlsafe_b64encode(b"[1, 2]").decode()},
        {"cursor": base64.urlsafe_b64encode(b'["nobody", null]').decode()},
        {"cursor": base64.urlsafe_b64encode(b'["paper", "x"]').decode()},
        {"cursor": base64.urlsafe_b64encode(b'["paper", "e30="]').decode()},
        {"cursor": base64.urlsafe_b64encode(b'{"paper": 1}').decode()},
        {"cursor": base64.urlsafe_b64encode(b"[[], null]").decode()},
        {"cursor": base64.urlsafe_b64encode(b"[{}, {}]").decode()},
        {"cursor": base64.urlsafe_b64encode(b"[" * 6000).decode()},
        {"cursor": base64.urlsafe_b64encode(b'["paper", "\xff"]').decode()},
    ),
    "ACCOUNT_UNKNOWN": (
        {"account": "nobody"},
        {"account": ""},
        {"account": "x" * 3000},
        {"account": "Paper"},
    ),
}


@dataclass(frozen=True)
class BadQuery:
    """A query that cannot be answered, and the code that says so."""

    code: str
    query: Mapping[str, str]

    def _repr_pretty_(self, printer: Any, _cycle: object) -> None:
        printer.text(f"<{self.code}: {str(self.query)[:60]}>")


bad_queries = st.sampled_from(
    [BadQuery(code, query) for code, queries in BAD_QUERIES.items() for query in queries]
)
