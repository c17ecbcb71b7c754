"""Act on alarms; show circuit breakers, and close one by hand."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from order_router import wiring
from order_router.api.alarm import read_alarms
from order_router.api.breakers import close_breaker, list_breakers
from order_router.api.endpoint import route
from order_router.service.alarms import act_on_each

desk = wiring.world().alarm_desk

answer_http = route(
    {
        "GET /v1/breakers": partial(list_breakers, desk.breakers),
        "DELETE /v1/breakers/{account}": partial(close_breaker, desk.breakers),
    }
)


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Answer whichever trigger called."""
    if "routeKey" in event:
        return answer_http(event, context)
    alarms = read_alarms(event)
    act_on_each(desk, alarms)
    return {"alarms": [alarm.name for alarm in alarms]}
