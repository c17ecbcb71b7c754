"""API Gateway and those who call it: a trader's program that repeats with its key, TradingView that resends."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.simulation.hub import Hub
from tests.simulation.process import CRASHED, Fleet

GATEWAY_PATIENCE = 30_000_000
TRADINGVIEW_PATIENCE = 3_000_000
TRADINGVIEW_PAUSE = 5_000_000
RESENDS = 3
API_TRIES = 4
SERVER_ERROR, GATEWAY_TIMEOUT = 500, 504
AGAIN = {409, 429}


@dataclass(frozen=True)
class Answer:
    """What a caller got: no status where nothing came in time."""

    status: int | None
    content: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_success(self) -> bool:
        """Return whether it says yes."""
        return self.status is not None and self.status < 300


LOST = Answer(None)
Came = Callable[[datetime], None]


def _nobody(_: datetime) -> None:
    return None


class Gateway:
    """Makes events of calls, lets the authorizer see the key, and waits for the function."""

    def __init__(self, hub: Hub, fleet: Fleet) -> None:
        self._hub = hub
        self._fleet = fleet
        self._allowed: dict[str, Mapping[str, Any]] = {}

    def call(self, function: str, route: str, body: object = None, **more: Any) -> Answer:
        """Call a function's route; `more`: key, headers, path, query, patience, is_base64, came."""
        answer = self.exchange(function, route, body, **more)
        if answer is None:
            return LOST
        if answer is CRASHED:
            return Answer(SERVER_ERROR)
        return Answer(answer["statusCode"], json.loads(answer["body"]))

    def exchange(self, function: str, route: str, body: object = None, **more: Any) -> dict[str, Any] | None:
        """Return the function's answer as it is: CRASHED where the gateway has none, None if none came in time."""
        event = self._event(route, body, more)
        if event is None:
            return CRASHED
        return self._fleet.invoke(function, event, patience=more.get("patience", GATEWAY_PATIENCE))

    def _event(self, route: str, body: object, more: Mapping[str, Any]) -> dict[str, Any] | None:
        method, _, path = route.partition(" ")
        headers = {**more.get("headers", {}), "x-api-key": more.get("key", "")}
        came_ms = int(self._hub.now().timestamp() * 1000)
        more.get("came", _nobody)(datetime.fromtimestamp(came_ms / 1000, UTC))
        context = {"http": {"method": method, "path": path, "sourceIp": "127.0.0.1"}}
        event: dict[str, Any] = {
            "version": "2.0",
            "routeKey": route,
            "headers": headers,
            "pathParameters": more.get("path", {}),
            "queryStringParameters": more.get("query", {}),
            "requestContext": {**context, "timeEpoch": came_ms},
            "body": body if isinstance(body, str) or body is None else json.dumps(body),
            "isBase64Encoded": bool(more.get("is_base64")),
        }
        if more.get("key"):
            allowed = self._authorize(more["key"], event)
            if allowed is None:
                return None
            event["requestContext"]["authorizer"] = {"lambda": allowed}
        return event

    def _authorize(self, key: str, event: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Return what the authorizer says of a key, once asked and then remembered as the gateway does."""
        if key not in self._allowed:
            answer = self._fleet.invoke("authorizer", event, patience=GATEWAY_PATIENCE)
            if answer is None or answer is CRASHED:
                return None
            self._allowed[key] = answer["context"]
        return self._allowed[key]

    def send_alert(self, body: str, came: Came = _nobody) -> Answer:
        """Send an alert as TradingView does: 3 s of patience, again after 5 s on 500 to 599 but not 504.

        `came` hears of each try when it came, as the event says it.
        """
        for _ in range(1 + RESENDS):
            route = "POST /v1/webhooks/tradingview"
            answer = self.call("webhook", route, body, patience=TRADINGVIEW_PATIENCE, came=came)
            status = answer.status
            if status is None or status < SERVER_ERROR or status == GATEWAY_TIMEOUT:
                return answer
            self._hub.pause(TRADINGVIEW_PAUSE)
        return answer

    def place(self, key: str, idempotency_key: str, order: Mapping[str, Any], came: Came = _nobody) -> Answer:
        """Place an order as a careful program does: the same key again while no clear answer came.

        `came` hears of each try when it came, as the event says it.
        """
        for _ in range(API_TRIES):
            headers = {"idempotency-key": idempotency_key}
            answer = self.call("place", "POST /v1/orders", order, key=key, headers=headers, came=came)
            if answer.status is not None and answer.status < SERVER_ERROR and answer.status not in AGAIN:
                return answer
            self._hub.pause(1_500_000)
        return answer
