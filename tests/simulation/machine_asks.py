"""Calls that ask for what is no order: prices, margins, instruments, sessions, channels, the audit; right and wrong."""

from dataclasses import dataclass, field, replace
from typing import Any

from tests.simulation.machine_driver import PAPER_ADMIN, PAPER_ONLY, READER, STRANGER
from tests.simulation.machine_flaws import UNREADABLE
from tests.simulation.machine_inputs import LIMIT_ORDER
from tests.simulation.machine_switches import Stopping
from tests.simulation.stack import KEY

KITE_ORDER = {**LIMIT_ORDER, "account": "kite"}
CHAIN = {"underlying": "NSE:INFY", "expiry": "2026-11-24"}
DELETE_BREAKER = "DELETE /v1/breakers/{account}"
TEST_CHANNEL = "POST /v1/notifications/{channel}/test"
INSTRUMENT = "GET /v1/instruments/{instrument}"


@dataclass(frozen=True)
class Ask:
    """One call of a route, and the code that its answer must have; `account` is the one whose broker is asked."""

    code: str
    function: str
    route: str
    query: dict[str, str] = field(default_factory=dict)
    path: dict[str, str] = field(default_factory=dict)
    body: Any = None
    key: str = KEY
    account: str | None = None

    def _repr_pretty_(self, printer: Any, _cycle: object) -> None:
        printer.text(f"<{self.route} {self.path or ''}{str(self.query or '')[:60]}: {self.code}>")


def _market(code: str, route: str, account: str, **query: str) -> Ask:
    return Ask(code, "positions", f"GET /v1/{route}", {"account": account, **query}, account=account)


def _query(code: str, function: str, route: str, **query: str) -> Ask:
    return Ask(code, function, route, query)


def _body(code: str, function: str, route: str, body: Any, **query: str) -> Ask:
    return Ask(code, function, route, query, body=body)


RIGHT = (
    _market("OK", "quotes", "paper", instrument="NSE:INFY"),
    _market("OK", "quotes", "kite", instrument="NSE:INFY,NSE:RELIANCE"),
    _market("UNSUPPORTED", "option-chain", "paper", underlying="NSE:INFY", expiry="2026-11-24"),
    # no option of it is listed: its broker is not asked
    replace(_market("OK", "option-chain", "kite", **CHAIN, strikes="5"), account=None),
    Ask("UNSUPPORTED", "positions", "POST /v1/margin", body=LIMIT_ORDER),
    Ask("OK", "positions", "POST /v1/margin", body=KITE_ORDER, account="kite"),
    _query("OK", "session", "GET /v1/sessions"),
    _query("OK", "instruments", "GET /v1/instruments"),
    _query("OK", "instruments", "GET /v1/instruments", account="kite", query="nse:inf", limit="1"),
    Ask("OK", "instruments", INSTRUMENT, {"account": "kite"}, {"instrument": "NSE:INFY"}),
    _query("OK", "instruments", "GET /v1/instruments/refresh"),
    _query("OK", "notify", "GET /v1/notifications"),
    _query("OK", "alarm", "GET /v1/breakers", account="paper"),
    Ask("OK", "alarm", "GET /v1/breakers", key=READER),
    _query("OK", "limits", "GET /v1/limits", strategy="demo"),
    Ask("OK", "limits", "GET /v1/limits", {"account": "paper"}, key=PAPER_ONLY),
)


FLAWED_LIMITS = (
    {"max_quantity": 0},
    {"nonsense": 1},
    {"max_order_value": "NaN"},
    {"max_orders_per_day": "many"},
)
SWITCH = "/v1/kill-switch"
READERS: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("kill_switch", f"POST {SWITCH}", {}),
    ("kill_switch", f"DELETE {SWITCH}", {}),
    ("limits", "PUT /v1/limits", {"account": "paper"}),
    ("positions", "POST /v1/margin", {}),
)
"""Function, route and query of what reads a body."""


def _flawed_switches() -> list[Ask]:
    account, reason = {"scope": "account", "name": "kite"}, {"reason": "all is well"}
    bodies: dict[str, list[Any]] = {
        "POST": [
            {},
            {"scope": "everything"},
            {"scope": "global", "name": "paper"},
            {"scope": "account"},
            {**account, "reason": "x"},
            {**account, "reason": "two\nlines"},
            {**account, "lets_exits": "perhaps"},
            {**account, "close_positions": True},
            {**account, "close_positions": True, "confirm": True, "lets_exits": False},
            {"scope": "strategy", "name": "demo", "close_positions": True, "confirm": True},
            {**account, "until": "noon"},
        ],
        "DELETE": [account, {**account, "reason": ""}, {"scope": "global", **reason, "lets_exits": True}],
    }
    return [
        _body("INVALID_REQUEST", "kill_switch", f"{method} {SWITCH}", body)
        for method, flawed in bodies.items()
        for body in flawed
    ]


def _unreadable_bodies() -> list[Ask]:
    return [
        Ask(flaw.code, function, route, query, body=flaw.body)
        for flaw in UNREADABLE
        if not flaw.is_base64
        for function, route, query in READERS
    ]


WRONG = (
    *_flawed_switches(),
    *(_body("INVALID_REQUEST", "limits", "PUT /v1/limits", one, account="paper") for one in FLAWED_LIMITS),
    _body("INVALID_REQUEST", "limits", "PUT /v1/limits", {"margin": "funds"}, strategy="demo"),
    _body("INVALID_REQUEST", "positions", "POST /v1/margin", {**LIMIT_ORDER, "quantity": 0}),
    *_unreadable_bodies(),
    _query("INVALID_REQUEST", "positions", "GET /v1/quotes", account="paper"),
    _query("INVALID_REQUEST", "positions", "GET /v1/quotes", instrument="NSE:INFY"),
    _market("INVALID_REQUEST", "quotes", "paper", instrument="INFY"),
    _market("INVALID_REQUEST", "quotes", "paper", instrument=",".join(["NSE:INFY"] * 51)),
    _market("INVALID_REQUEST", "option-chain", "kite", underlying="NSE:INFY"),
    _market("INVALID_REQUEST", "option-chain", "kite", underlying="NSE:INFY", expiry="soon"),
    _market(
        "INVALID_REQUEST", "option-chain", "kite", underlying="NSE:INFY", expiry="2026-11-24", strikes="0"
    ),
    _market("ACCOUNT_UNKNOWN", "quotes", "nobody", instrument="NSE:INFY"),
    _body("ACCOUNT_UNKNOWN", "positions", "POST /v1/margin", {**LIMIT_ORDER, "account": "nobody"}),
    _query("ACCOUNT_UNKNOWN", "session", "GET /v1/sessions", account="nobody"),
    _query("NO_INSTRUMENT_LIST", "instruments", "GET /v1/instruments", account="paper"),
    _query("INVALID_REQUEST", "instruments", "GET /v1/instruments", account="kite", query="!"),
    _query("INVALID_REQUEST", "instruments", "GET /v1/instruments", account="kite", limit="0"),
    _query("INVALID_REQUEST", "instruments", "GET /v1/instruments", account="kite", expiry="2026-11-24"),
    Ask("NO_SUCH_INSTRUMENT", "instruments", INSTRUMENT, {"account": "kite"}, {"instrument": "NSE:NOSUCH"}),
    Ask("INVALID_REQUEST", "instruments", INSTRUMENT, {"account": "kite"}, {"instrument": "INFY"}),
    Ask("CHANNEL_UNKNOWN", "notify", TEST_CHANNEL, path={"channel": "nobody"}, body=""),
    _query("ACCOUNT_UNKNOWN", "alarm", "GET /v1/breakers", account="nobody"),
    Ask("ACCOUNT_UNKNOWN", "alarm", DELETE_BREAKER, path={"account": "nobody"}),
    _query("INVALID_REQUEST", "limits", "GET /v1/limits"),
    _query("INVALID_REQUEST", "limits", "GET /v1/limits", account="paper", strategy="demo"),
    _query("ACCOUNT_UNKNOWN", "limits", "GET /v1/limits", account="nobody"),
    _query("STRATEGY_UNKNOWN", "limits", "GET /v1/limits", strategy="nobody"),
    _query("INVALID_REQUEST", "kill_switch", "GET /v1/kill-switch", history="maybe"),
    _body("ACCOUNT_UNKNOWN", "kill_switch", "POST /v1/kill-switch", {"scope": "account", "name": "nobody"}),
    _body("STRATEGY_UNKNOWN", "kill_switch", "POST /v1/kill-switch", {"scope": "strategy", "name": "nobody"}),
    _query("INVALID_REQUEST", "orders", "GET /v1/audit", day="today"),
    _query("INVALID_CURSOR", "orders", "GET /v1/audit", cursor="x"),
    _query("ACCOUNT_UNKNOWN", "orders", "GET /v1/audit", account="nobody"),
)
STOP_KITE = {"scope": "account", "name": "kite"}
GLOBAL = {"scope": "global", "reason": "all is well"}
ADMINS_ONLY = (
    _body("", "kill_switch", "POST /v1/kill-switch", {"scope": "global"}),
    _body("", "kill_switch", "POST /v1/kill-switch", STOP_KITE),
    _body("", "kill_switch", "DELETE /v1/kill-switch", GLOBAL),
    Ask("", "alarm", DELETE_BREAKER, path={"account": "kite"}),
    _body("", "limits", "PUT /v1/limits", {"max_quantity": 1}, account="kite"),
    _body("", "limits", "PUT /v1/limits", {"max_quantity": 1}, strategy="demo"),
)
"""What changes more than the accounts of one caller."""

ADMINS_READ = (
    _query("", "kill_switch", "GET /v1/kill-switch"),
    _query("", "notify", "GET /v1/notifications"),
    Ask("", "notify", TEST_CHANNEL, path={"channel": "nobody"}, body=""),
    _query("", "orders", "GET /v1/audit"),
    _body("", "instruments", "POST /v1/instruments/refresh", {}),
)
OF_KITE = (
    _market("", "quotes", "kite", instrument="NSE:INFY"),
    _market("", "option-chain", "kite", underlying="NSE:INFY", expiry="2026-11-24"),
    Ask("", "positions", "POST /v1/margin", body=KITE_ORDER),
    _query("", "session", "GET /v1/sessions", account="kite"),
    Ask("", "session", "POST /v1/sessions/{account}", path={"account": "kite"}, body=""),
    _query("", "instruments", "GET /v1/instruments", account="kite"),
    _query("", "alarm", "GET /v1/breakers", account="kite"),
    _query("", "limits", "GET /v1/limits", account="kite"),
    _query("", "orders", "GET /v1/audit", account="kite"),
)
FORBIDDEN = (
    *(("SCOPE_MISSING", who, ask) for ask in (*ADMINS_ONLY, *ADMINS_READ) for who in (READER, PAPER_ONLY)),
    *(("ACCOUNT_FORBIDDEN", PAPER_ADMIN, ask) for ask in (*ADMINS_ONLY, *OF_KITE)),
    *(("ACCOUNT_FORBIDDEN", PAPER_ONLY, ask) for ask in OF_KITE if ask.route != "GET /v1/audit"),
    *(
        ("API_KEY_UNKNOWN", who, ask)
        for ask in (*ADMINS_ONLY, *ADMINS_READ, *OF_KITE)
        for who in ("", STRANGER)
    ),
)


class Asking(Stopping):
    """Calls with what each may answer."""

    def ask_for(self, one: Ask) -> None:
        """Ask, right or wrong in one way."""
        since = self.hits
        reply = self.ask(one.function, one.route, one.body, key=one.key, query=one.query, path=one.path)
        expired = () if one.account is None or one.code != "OK" else self.expired(one.account)
        self.require(reply, *(expired or (one.code,)), since=since)

    def ask_without_right(self, code: str, who: str, one: Ask) -> None:
        """Ask as somebody who may not: nothing changes and nothing is shown."""
        before = self._settings()
        self.require_none(code, one.function, one.route, one.body, key=who, query=one.query, path=one.path)
        assert self._settings() == before or not self.is_calm(), f"{who} changed a setting"

    def _settings(self) -> str:
        return str(self.stack.dynamodb.items("SettingsTable"))

    def read_audit(self, who: str, limit: str) -> None:
        """Read the audit to its end: every order of the caller's accounts, each line as it is in its history."""
        since, there = self.hits, set(self.stack.judge.items)
        shown: list[dict[str, Any]] = []
        query = {"limit": limit}
        while True:
            reply = self.ask("orders", "GET /v1/audit", key=who, query=query)
            self.require(reply, "OK", since=since)
            if not reply.is_success:
                return
            shown += reply.content["lines"]
            if reply.content["next_cursor"] is None:
                break
            query = {"limit": limit, "cursor": reply.content["next_cursor"]}
        self._judge_audit(shown, only=None if who == KEY else "paper")
        if who == KEY and self.hits == since:
            assert there <= {line["client_order_id"] for line in shown}, "the audit leaves an order out"

    def _judge_audit(self, shown: list[dict[str, Any]], *, only: str | None) -> None:
        seen = [(line["client_order_id"], line["line"]) for line in shown]
        assert len(set(seen)) == len(seen), "a line is shown twice"
        for line in shown:
            history = self.stack.judge.items[line["client_order_id"]]["history"]["L"]
            assert line["event"] == history[line["line"]]["M"]["kind"]["S"], line
            assert only in (None, line["account"]), f"an audit of {only} shows {line['account']}"
