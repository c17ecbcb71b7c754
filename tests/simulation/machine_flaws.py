"""What callers get wrong: a body, a field, a key, a cursor, each in one named way, with the code that says so."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from tests.simulation.machine_inputs import Terms


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
    *_wrong("instrument", '"INFY"', '"nse:INFY"', '"NSE:infy"', "7", '"NSE:"', '"LSE:VOD"', '"NSE:\\ud800"'),
    *_wrong("account", '"Paper!"', "7", '""', '"\\ud800"'),
    *_wrong("strategy", '"Bad Name"', "7"),
    *_wrong("position_effect", '"close"'),
    *_wrong("disclosed_quantity", "0", "true"),
    *_wrong("price", "1500"),
    Flaw("an unknown account", "ACCOUNT_UNKNOWN", "account", '"nobody"'),
]
BAD_KEYS = ("", "a b", "é", "x" * 129, "tab\t", "null\0")


ALERT_FLAWS = [
    *UNREADABLE,
    Flaw("no ticker", "INVALID_REQUEST", "ticker"),
    Flaw("no action", "INVALID_REQUEST", "action"),
    *_wrong("contracts", '"-5"', '"1e3"', '"NaN"', "true", "[]", '"5,0"'),
    *_wrong("price", '"-5"', '"1e3"', "{}"),
    *_wrong("time", '"yesterday"', "5", '"2026-11-23T04:30:00"', '"2026-11-23"'),
    *_wrong("ticker", "null", '"  "', f'"{"X" * 65}"'),
    Flaw("too many", "ALERT_REFUSED", "contracts", '"101"'),
    Flaw("an unknown exchange", "ALERT_REFUSED", "exchange", '"LSE"'),
    Flaw("no exchange", "ALERT_REFUSED", "exchange"),
    Flaw("an unknown action", "ALERT_REFUSED", "action", '"hold"'),
    Flaw("no symbol", "ALERT_REFUSED", "ticker", '"infy!"'),
    Flaw("ticker: half a character", "INVALID_REQUEST", "ticker", '"\\ud800"'),
    Flaw("contracts: 0", "INVALID_REQUEST", "contracts", '"0"', named="quantity"),
]

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
