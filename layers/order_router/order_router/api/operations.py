"""What the API offers, route by route: the scope, the parameters, what goes in and what comes out."""

from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from order_router.adapter.login import LoginKind
from order_router.api.alert import TradingViewAlert
from order_router.api.answers import OrderJson
from order_router.api.combinations import DefineCombination
from order_router.api.instruments import ListingJson, ListStateJson, RefreshInstruments
from order_router.api.kill_switch import EngageKillSwitch, ReleaseKillSwitch
from order_router.api.orders import CancelAll, ChangeOrder
from order_router.api.paper import PaperPrice
from order_router.api.stating import SettleOrder
from order_router.domain.account import Scope
from order_router.domain.breaker import BreakerState
from order_router.domain.broker_session import SessionState
from order_router.domain.kill_switch import StopScope
from order_router.domain.limits import Limits, OrderLimits
from order_router.domain.request import LimitOrder, MarketOrder, StopLimitOrder, StopMarketOrder

REF = "#/components/schemas/{model}"
ORDERS: tuple[type[BaseModel], ...] = (MarketOrder, LimitOrder, StopLimitOrder, StopMarketOrder)
MODELS: tuple[type[BaseModel], ...] = (
    *ORDERS,
    ChangeOrder,
    CancelAll,
    PaperPrice,
    TradingViewAlert,
    RefreshInstruments,
    DefineCombination,
    SettleOrder,
    EngageKillSwitch,
    ReleaseKillSwitch,
    Limits,
    OrderLimits,
)
ANSWERS: tuple[type[Any], ...] = (OrderJson, ListingJson, ListStateJson)
PLACE = {"oneOf": [{"$ref": REF.format(model=model.__name__)} for model in ORDERS]}

ORDER = {"$ref": REF.format(model="OrderJson")}
NEXT_CURSOR = {
    "type": ["string", "null"],
    "description": "Goes into `cursor` for the next page, under the same filters; null: this was the last."
    " A page that is not the last may have fewer entries than asked for, and none at all.",
}
ORDERS_PAGE = {
    "type": "object",
    "properties": {"orders": {"type": "array", "items": ORDER}, "next_cursor": NEXT_CURSOR},
}
AUDIT_PAGE = {
    "type": "object",
    "properties": {
        "accounts": {
            "type": ["array", "null"],
            "items": {"type": "string"},
            "description": "The accounts of which alone it tells: those of the key, or the one asked for; null: all.",
        },
        "lines": {"type": "array", "items": {"type": "object"}},
        "turns": {"type": "array", "items": {"type": "object"}},
        "changes": {"type": "array", "items": {"type": "object"}},
        "next_cursor": NEXT_CURSOR,
    },
}
INSTRUMENT = {"$ref": REF.format(model="ListingJson")}
INSTRUMENTS_PAGE = {
    "type": "object",
    "properties": {
        "instruments": {"type": "array", "items": INSTRUMENT},
        "next_cursor": {"type": ["string", "null"]},
    },
}
INSTRUMENT_LISTS = {
    "type": "object",
    "properties": {"lists": {"type": "array", "items": {"$ref": REF.format(model="ListStateJson")}}},
}
OBJECT = {"type": "object"}


def _ref(model: type[BaseModel]) -> dict[str, Any]:
    return {"$ref": REF.format(model=model.__name__)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One route: what it does, the scope it needs (None: no key), what goes in and what comes out."""

    summary: str
    scope: Scope | None = None
    body: dict[str, Any] | None = None
    statuses: tuple[int, ...] = (200,)
    answer: dict[str, Any] = field(default_factory=lambda: OBJECT)


ALERT = Operation(summary="Take a TradingView alert", body=_ref(TradingViewAlert), statuses=(202,))
CANCEL_ALL = Operation(summary="Cancel an account's open orders", scope=Scope.TRADE, body=_ref(CancelAll))
SESSION = {
    "type": "object",
    "required": ["account", "broker", "login", "state", "expires_at", "last_login_at", "last_error"],
    "properties": {
        "account": {"type": "string"},
        "broker": {"type": "string"},
        "login": {"enum": [str(kind) for kind in LoginKind]},
        "state": {"enum": [str(state) for state in SessionState]},
        "expires_at": {"type": ["string", "null"]},
        "last_login_at": {"type": ["string", "null"]},
        "last_error": {"type": ["object", "null"]},
        "login_url": {"type": "string"},
        "login_url_expires_at": {"type": "string"},
    },
}
PAGE = Operation(summary="Show what came of a login, as a page for a person", statuses=(200, 403, 503))
POSTBACK = Operation(summary="Take a broker's word that an order changed")
NOTIFICATIONS: dict[str, Operation] = {
    "GET /v1/notifications": Operation(
        summary="List where notices go",
        scope=Scope.ADMIN,
        answer={"type": "object", "properties": {"channels": {"type": "array", "items": OBJECT}}},
    ),
    "POST /v1/notifications/{channel}/test": Operation(
        summary="Say on a channel, now, that it works", scope=Scope.ADMIN
    ),
}
SESSIONS: dict[str, Operation] = {
    "GET /v1/sessions": Operation(
        summary="List the accounts' broker sessions",
        scope=Scope.READ,
        answer={"type": "object", "properties": {"sessions": {"type": "array", "items": SESSION}}},
    ),
    "POST /v1/sessions/{account}": Operation(
        summary="Log in, or get a link to the broker's page", scope=Scope.TRADE, answer=SESSION
    ),
    "GET /v1/sessions/{account}/login": Operation(
        summary="Lead a browser to the broker's page", statuses=(302, 403)
    ),
    "GET /v1/sessions/{account}/callback": PAGE,
    "POST /v1/sessions/{account}/callback": PAGE,
    "POST /v1/postbacks/{broker}/{account}": POSTBACK,
    "POST /v1/postbacks/{broker}/{account}/{token}": POSTBACK,
}
SWITCH = {
    "type": "object",
    "required": ["scope", "name", "is_on", "lets_exits", "since", "turned_at", "turned_by", "reason"],
    "properties": {
        "scope": {"enum": [str(scope) for scope in StopScope]},
        "name": {"type": ["string", "null"]},
        "is_on": {"type": "boolean"},
        "lets_exits": {"type": "boolean"},
        **{name: {"type": ["string", "null"]} for name in ("since", "turned_at", "turned_by", "reason")},
    },
}
BREAKER = {
    "type": "object",
    "required": ["account", "broker", "state", "failures", "since", "next_probe_at", "by", "reason"],
    "properties": {
        "account": {"type": "string"},
        "broker": {"type": "string"},
        "state": {"enum": [str(state) for state in BreakerState]},
        "failures": {"type": "integer"},
        **{name: {"type": ["string", "null"]} for name in ("since", "next_probe_at", "by")},
        "reason": {"type": ["object", "null"]},
    },
}
BREAKERS: dict[str, Operation] = {
    "GET /v1/breakers": Operation(
        summary="Tell how the accounts' circuit breakers stand",
        scope=Scope.READ,
        answer={"type": "object", "properties": {"breakers": {"type": "array", "items": BREAKER}}},
    ),
    "DELETE /v1/breakers/{account}": Operation(
        summary="Close an account's circuit breaker by hand", scope=Scope.ADMIN, answer=BREAKER
    ),
}
KILL_PAGE = Operation(
    summary="Show a page with one button that stops, or what came of it", statuses=(200, 403)
)
KILL_SWITCH: dict[str, Operation] = {
    "GET /v1/kill-switch": Operation(
        summary="Tell how every kill switch stands, and what its work came to",
        scope=Scope.ADMIN,
        answer={
            "type": "object",
            "properties": {"switches": {"type": "array", "items": SWITCH}, "work": {"type": "array"}},
        },
    ),
    "POST /v1/kill-switch": Operation(
        summary="Stop everything, an account or a strategy",
        scope=Scope.ADMIN,
        body=_ref(EngageKillSwitch),
        statuses=(200, 202),
        answer=SWITCH,
    ),
    "DELETE /v1/kill-switch": Operation(
        summary="Let orders leave again", scope=Scope.ADMIN, body=_ref(ReleaseKillSwitch), answer=SWITCH
    ),
    "GET /v1/kill-switch/link": KILL_PAGE,
    "POST /v1/kill-switch/link": KILL_PAGE,
}
HELD_TO = {
    "type": "object",
    "required": ["version", "limits", "counted", "warnings"],
    "properties": {
        "account": {"type": "string"},
        "strategy": {"type": "string"},
        "version": {"type": "string"},
        "limits": {"anyOf": [_ref(Limits), _ref(OrderLimits)]},
        "counted": OBJECT,
        "warnings": {"type": "array", "items": {"type": "string"}},
    },
}
LIMITS: dict[str, Operation] = {
    "GET /v1/limits": Operation(
        summary="Read the limits of an account or a strategy, and what is counted today",
        scope=Scope.READ,
        answer=HELD_TO,
    ),
    "PUT /v1/limits": Operation(
        summary="Replace the limits of an account or a strategy",
        scope=Scope.ADMIN,
        body={"anyOf": [_ref(Limits), _ref(OrderLimits)]},
        answer=HELD_TO,
    ),
}
OPERATIONS: dict[str, Operation] = {
    "POST /v1/orders": Operation(
        summary="Place an order", scope=Scope.TRADE, body=PLACE, statuses=(201, 200, 202), answer=ORDER
    ),
    "GET /v1/orders": Operation(summary="List a day's orders", scope=Scope.READ, answer=ORDERS_PAGE),
    "GET /v1/audit": Operation(
        summary="Read what happened to a day's orders, line by line, its kill switches, breakers and limits",
        scope=Scope.ADMIN,
        answer=AUDIT_PAGE,
    ),
    "GET /v1/orders/{client_order_id}": Operation(
        summary="Read one order with its history", scope=Scope.READ, answer=ORDER
    ),
    "PATCH /v1/orders/{client_order_id}": Operation(
        summary="Change a resting order",
        scope=Scope.TRADE,
        body=_ref(ChangeOrder),
        statuses=(200, 202),
        answer=ORDER,
    ),
    "DELETE /v1/orders/{client_order_id}": Operation(
        summary="Cancel an order that rests or has not left",
        scope=Scope.TRADE,
        statuses=(200, 202),
        answer=ORDER,
    ),
    "POST /v1/orders/{client_order_id}/settle": Operation(
        summary="Settle an unknown order by what the broker's own app shows",
        scope=Scope.ADMIN,
        body=_ref(SettleOrder),
        answer=ORDER,
    ),
    "POST /v1/orders/cancel-all": CANCEL_ALL,
    "GET /v1/positions": Operation(summary="Read positions", scope=Scope.READ),
    "GET /v1/holdings": Operation(summary="Read holdings", scope=Scope.READ),
    "GET /v1/funds": Operation(summary="Read funds", scope=Scope.READ),
    "GET /v1/quotes": Operation(summary="Read last prices of an account's broker", scope=Scope.READ),
    "GET /v1/option-chain": Operation(summary="Read the options of one expiry, by strike", scope=Scope.READ),
    "POST /v1/margin": Operation(summary="Read what an order would bind", scope=Scope.READ, body=PLACE),
    "GET /v1/instruments": Operation(
        summary="Look for instruments by name or by parts", scope=Scope.READ, answer=INSTRUMENTS_PAGE
    ),
    "GET /v1/instruments/{instrument}": Operation(
        summary="Read one instrument as the account's broker lists it", scope=Scope.READ, answer=INSTRUMENT
    ),
    "GET /v1/instruments/refresh": Operation(
        summary="Tell how the brokers' lists stand", scope=Scope.READ, answer=INSTRUMENT_LISTS
    ),
    "POST /v1/instruments/refresh": Operation(
        summary="Load brokers' lists anew", scope=Scope.ADMIN, body=_ref(RefreshInstruments), statuses=(202,)
    ),
    "POST /v1/instruments/combinations": Operation(
        summary="Define a combination of several legs, once, by a name",
        scope=Scope.ADMIN,
        body=_ref(DefineCombination),
        statuses=(201,),
        answer=INSTRUMENT,
    ),
    "POST /v1/webhooks/tradingview": ALERT,
    "POST /v1/webhooks/tradingview/{token}": ALERT,
    "PUT /v1/paper/prices/{instrument}": Operation(
        summary="Set a paper instrument's last price", scope=Scope.ADMIN, body=_ref(PaperPrice)
    ),
    "GET /v1/health": Operation(summary="Tell the version and what is reachable", statuses=(200, 503)),
    "GET /v1/openapi.json": Operation(summary="Read this document"),
}
OPERATIONS |= SESSIONS | NOTIFICATIONS | KILL_SWITCH | BREAKERS | LIMITS
QUERY = {
    "GET /v1/limits": ("account", "strategy"),
    "PUT /v1/limits": ("account", "strategy"),
    "GET /v1/breakers": ("account",),
    "GET /v1/kill-switch": ("history",),
    "GET /v1/kill-switch/link": ("token",),
    "POST /v1/sessions/{account}": ("force",),
    "GET /v1/sessions/{account}/login": ("token",),
    "GET /v1/sessions/{account}/callback": ("state",),
    "GET /v1/orders": ("account", "state", "day", "limit", "cursor"),
    "GET /v1/audit": ("account", "state", "day", "limit", "cursor"),
    "GET /v1/instruments": (
        "account",
        "query",
        "exchange",
        "underlying",
        "expiry",
        "strike",
        "right",
        "limit",
        "cursor",
    ),
    "GET /v1/instruments/{instrument}": ("account",),
    "GET /v1/instruments/refresh": ("account",),
    "GET /v1/positions": ("account",),
    "GET /v1/holdings": ("account",),
    "GET /v1/funds": ("account",),
    "GET /v1/quotes": ("account", "instrument"),
    "GET /v1/option-chain": ("account", "underlying", "expiry", "strikes"),
}
HEADERS = {"POST /v1/orders": "Idempotency-Key", "PUT /v1/limits": "If-Match"}
