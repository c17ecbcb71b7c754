"""The contract as an OpenAPI 3.1 document, made from the models that judge the requests."""

from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import models_json_schema

from order_router import __version__
from order_router.api.alert import TradingViewAlert
from order_router.api.orders import CancelAll, ChangeOrder
from order_router.api.paper import PaperPrice
from order_router.api.problems import STATUS_OF_CODE
from order_router.domain.lifecycle import State
from order_router.domain.request import LimitOrder, MarketOrder, StopLimitOrder, StopMarketOrder
from order_router.domain.vocabulary import Source

REF = "#/components/schemas/{model}"
ORDERS: tuple[type[BaseModel], ...] = (MarketOrder, LimitOrder, StopLimitOrder, StopMarketOrder)
MODELS: tuple[type[BaseModel], ...] = (*ORDERS, ChangeOrder, CancelAll, PaperPrice, TradingViewAlert)
PLACE = {"oneOf": [{"$ref": REF.format(model=model.__name__)} for model in ORDERS]}

Operation = tuple[str, str | None, dict[str, Any] | None, tuple[int, ...]]
OPERATIONS: dict[str, Operation] = {
    "POST /v1/orders": ("Place an order", "trade", PLACE, (201, 200, 202)),
    "GET /v1/orders": ("List a day's orders", "read", None, (200,)),
    "GET /v1/orders/{client_order_id}": ("Read one order with its history", "read", None, (200,)),
    "PATCH /v1/orders/{client_order_id}": ("Change a resting order", "trade", {"$ref": REF.format(model="ChangeOrder")}, (200, 202)),
    "DELETE /v1/orders/{client_order_id}": ("Cancel a resting order", "trade", None, (200, 202)),
    "POST /v1/orders/cancel-all": ("Cancel an account's open orders", "trade", {"$ref": REF.format(model="CancelAll")}, (200,)),
    "GET /v1/positions": ("Read positions", "read", None, (200,)),
    "GET /v1/holdings": ("Read holdings", "read", None, (200,)),
    "GET /v1/funds": ("Read funds", "read", None, (200,)),
    "POST /v1/webhooks/tradingview": ("Take a TradingView alert", None, {"$ref": REF.format(model="TradingViewAlert")}, (202,)),
    "POST /v1/webhooks/tradingview/{token}": ("Take an alert, token in the path", None, {"$ref": REF.format(model="TradingViewAlert")}, (202,)),
    "PUT /v1/paper/prices/{instrument}": ("Set a paper price", "admin", {"$ref": REF.format(model="PaperPrice")}, (200,)),
    "GET /v1/health": ("Tell version and what is reachable", None, None, (200, 503)),
    "GET /v1/openapi.json": ("Read this document", None, None, (200,)),
}
QUERY = {
    "GET /v1/orders": ("account", "state", "day", "limit", "cursor"),
    "GET /v1/positions": ("account",),
    "GET /v1/holdings": ("account",),
    "GET /v1/funds": ("account",),
}


def openapi_document() -> dict[str, Any]:
    """Return the document."""
    paths: dict[str, dict[str, Any]] = {}
    for route, operation in OPERATIONS.items():
        method, _, path = route.partition(" ")
        paths.setdefault(path, {})[method.lower()] = _operation(route, operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "order-router", "version": __version__, "description": "One request in, one order out."},
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {"ApiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"}},
        },
    }


def _operation(route: str, operation: Operation) -> dict[str, Any]:
    summary, scope, body, statuses = operation
    described: dict[str, Any] = {
        "summary": summary,
        "parameters": [*_path_parameters(route), *_query_parameters(route), *_headers(route)],
        "responses": {
            **{str(status): {"description": "The answer"} for status in statuses},
            "default": {
                "description": "A problem with a stable code",
                "content": {"application/problem+json": {"schema": {"$ref": REF.format(model="Problem")}}},
            },
        },
        "security": [] if scope is None else [{"ApiKey": []}],
    }
    if scope is not None:
        described["x-scope"] = scope
    if body is not None:
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return described


def _path_parameters(route: str) -> list[dict[str, Any]]:
    names = [part[1:-1] for part in route.split("/") if part.startswith("{")]
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]


def _query_parameters(route: str) -> list[dict[str, Any]]:
    return [{"name": name, "in": "query", "schema": {"type": "string"}} for name in QUERY.get(route, ())]


def _headers(route: str) -> list[dict[str, Any]]:
    if route != "POST /v1/orders":
        return []
    return [{"name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "maxLength": 128}}]


def _schemas() -> dict[str, Any]:
    _, schemas = models_json_schema([(model, "validation") for model in MODELS], ref_template=REF)
    problem = {
        "type": "object",
        "required": ["type", "title", "status", "code", "detail"],
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "code": {"type": "string", "examples": sorted(STATUS_OF_CODE)},
            "detail": {"type": "string"},
        },
    }
    words = {"State": TypeAdapter(State).json_schema(), "Source": TypeAdapter(Source).json_schema()}
    return {**schemas.get("$defs", {}), **words, "Problem": problem}
