"""The contract as an OpenAPI 3.1 document, made from the models that judge the requests."""

from typing import Any

from pydantic import TypeAdapter

from order_router import __version__
from order_router.api.operations import ANSWERS, HEADERS, MODELS, OPERATIONS, QUERY, REF, Operation
from order_router.api.problems import STATUS_OF_CODE


def openapi_document() -> dict[str, Any]:
    """Return the document."""
    paths: dict[str, dict[str, Any]] = {}
    for route, operation in OPERATIONS.items():
        method, _, path = route.partition(" ")
        paths.setdefault(path, {})[method.lower()] = _operation(route, operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "order-router",
            "version": __version__,
            "description": "One request in, one order out.",
        },
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {"ApiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"}},
        },
    }


def _operation(route: str, operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "summary": operation.summary,
        "parameters": [*_path_parameters(route), *_query_parameters(route), *_headers(route)],
        "responses": {
            **{str(status): _content("The answer", operation.answer) for status in operation.statuses},
            "default": _content(
                "A problem with a stable code",
                {"$ref": REF.format(model="Problem")},
                "application/problem+json",
            ),
        },
        "security": [] if operation.scope is None else [{"ApiKey": []}],
    }
    if operation.scope is not None:
        described["x-scope"] = operation.scope
    if operation.body is not None:
        described["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": operation.body}},
        }
    return described


def _content(description: str, schema: dict[str, Any], kind: str = "application/json") -> dict[str, Any]:
    return {"description": description, "content": {kind: {"schema": schema}}}


def _path_parameters(route: str) -> list[dict[str, Any]]:
    names = [part[1:-1] for part in route.split("/") if part.startswith("{")]
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]


def _query_parameters(route: str) -> list[dict[str, Any]]:
    return [{"name": name, "in": "query", "schema": {"type": "string"}} for name in QUERY.get(route, ())]


def _headers(route: str) -> list[dict[str, Any]]:
    if route not in HEADERS:
        return []
    return [{"name": HEADERS[route], "in": "header", "schema": {"type": "string", "maxLength": 128}}]


def _schemas() -> dict[str, Any]:
    adapters = [(model.__name__, "validation", TypeAdapter(model)) for model in MODELS]
    answers = [(kind.__name__, "serialization", TypeAdapter(kind)) for kind in ANSWERS]
    _, schemas = TypeAdapter.json_schemas([*adapters, *answers], ref_template=REF)  # type: ignore[list-item]
    problem = {
        "type": "object",
        "required": ["type", "title", "status", "code", "detail"],
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "code": {"type": "string", "examples": sorted(STATUS_OF_CODE)},
            "detail": {"type": "string"},
            "errors": {"type": "array", "items": {"type": "object"}},
            "order": {"$ref": REF.format(model="OrderJson")},
        },
    }
    return {**schemas["$defs"], "Problem": problem}
