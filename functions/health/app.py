"""Tell that the stack is there, and what its API is."""

from order_router import wiring
from order_router.api.endpoint import route
from order_router.api.http import Answer, ApiRequest
from order_router.api.openapi import openapi_document

probe = wiring.probe()


def health(_request: ApiRequest) -> Answer:
    """Answer `GET /v1/health`."""
    found = probe()
    return Answer(status=200 if found["status"] == "ok" else 503, content=found)


def contract(_request: ApiRequest) -> Answer:
    """Answer `GET /v1/openapi.json`."""
    return Answer(content=openapi_document())


handler = route({"GET /v1/health": health, "GET /v1/openapi.json": contract})
