"""Tell API Gateway who holds an API key; the functions decide what that caller may do."""

from collections.abc import Mapping
from typing import Any

from order_router import wiring
from order_router.api.authorizer import decision

settings = wiring.world().settings


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Answer an HTTP API authorizer request (payload 2.0, simple response)."""
    return decision(event, settings)
