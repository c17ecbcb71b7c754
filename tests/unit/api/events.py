"""API Gateway events (payload 2.0) as a test needs them."""

import base64
import json
from datetime import datetime
from typing import Any

from order_router.api.http import ApiRequest, read_event
from order_router.domain.account import Caller
from tests.fakes.clock import MONDAY_MORNING

ADMIN = {"key_id": "k-admin", "scopes": "admin", "accounts": ""}
TRADER = {"key_id": "k-trade", "scopes": "trade", "accounts": "paper"}
READER = {"key_id": "k-read", "scopes": "read", "accounts": "paper"}
NOBODY = {"key_id": ""}
ORDER = {
    "account": "paper",
    "instrument": "NSE:INFY",
    "side": "BUY",
    "quantity": 5,
    "order_type": "MARKET",
    "product": "MIS",
}


def event(route: str, body: object = None, **changes: Any) -> dict[str, Any]:
    """Return an event; `body` is text, or a value that is sent as JSON."""
    at: datetime = changes.get("at", MONDAY_MORNING)
    method, _, path = route.partition(" ")
    text = body if isinstance(body, str) or body is None else json.dumps(body)
    is_base64 = changes.get("is_base64", False)
    if is_base64 and text is not None:
        text = base64.b64encode(text.encode()).decode()
    return {
        "version": "2.0",
        "routeKey": route,
        "rawPath": path,
        "headers": changes.get("headers", {}),
        "pathParameters": changes.get("path", {}),
        "queryStringParameters": changes.get("query", {}),
        "cookies": changes.get("cookies", []),
        "requestContext": {
            "domainName": "api.example",
            "http": {"method": method, "path": path, "sourceIp": changes.get("source_ip", "127.0.0.1")},
            "timeEpoch": int(at.timestamp() * 1000),
            "authorizer": {"lambda": changes.get("caller", ADMIN)},
        },
        "body": text,
        "isBase64Encoded": is_base64,
    }


def request(route: str, body: object = None, **changes: Any) -> ApiRequest:
    """Return the request that such an event carries."""
    return read_event(event(route, body, **changes))


def caller(*scopes: str, accounts: tuple[str, ...] = ()) -> Caller:
    """Return who holds these scopes."""
    return Caller.model_validate({"key_id": "k", "scopes": scopes, "accounts": accounts})
