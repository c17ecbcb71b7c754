"""Tell that the stack is there, and what its API is."""

from order_router import __version__, wiring
from order_router.api.endpoint import route
from order_router.api.http import Answer, ApiRequest
from order_router.api.openapi import openapi_document

world = wiring.world()


def health(_request: ApiRequest) -> Answer:
    """Answer `GET /v1/health`."""
    is_reachable = world.is_reachable()
    content = {
        "status": "ok" if is_reachable else "degraded",
        "version": __version__,
        "orders_table": is_reachable,
    }
    return Answer(status=200 if is_reachable else 503, content=content)


def contract(_request: ApiRequest) -> Answer:
    """Answer `GET /v1/openapi.json`."""
    return Answer(content=openapi_document())


handler = route({"GET /v1/health": health, "GET /v1/openapi.json": contract})
