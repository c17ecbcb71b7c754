"""Show and set the limits of accounts and strategies."""

from functools import partial

from order_router import wiring
from order_router.api.endpoint import route
from order_router.api.limits import answer_limits, replace_limits

desk = wiring.world().limits_desk

handler = route(
    {
        "GET /v1/limits": partial(answer_limits, desk),
        "PUT /v1/limits": partial(replace_limits, desk),
    }
)
