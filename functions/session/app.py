"""Begin broker sessions and keep them alive: on schedules, for callers, and for functions that found one dead."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from order_router import wiring
from order_router.api.endpoint import route
from order_router.api.renewal import answer_call
from order_router.api.sessions import begin_session, close_login, list_sessions, open_login
from order_router.api.touch import touchable
from order_router.service.login_links import note_address
from order_router.service.session_notices import tell_untold
from order_router.service.session_watch import measure_sessions
from order_router.service.sessions import keep_alive, look

world = wiring.world()
desk = world.session_desk

answer_http = route(
    {
        "GET /v1/sessions": partial(list_sessions, desk),
        "POST /v1/sessions/{account}": partial(begin_session, desk),
        "GET /v1/sessions/{account}/login": partial(open_login, desk),
        "GET /v1/sessions/{account}/callback": partial(close_login, desk),
        "POST /v1/sessions/{account}/callback": partial(close_login, desk),
    }
)


def answer_schedule(event: Mapping[str, Any]) -> dict[str, Any]:
    """Answer a schedule: before the open, or each minute."""
    note_address(desk, event["address"])
    if event["source"] == "keep-alive":
        try:
            return {"kept_alive": list(keep_alive(desk))}
        finally:
            tell_untold(desk)
    looked = look(desk)
    if desk.is_trading_day():
        measure_sessions(world.metrics, desk.settings.accounts(), looked, desk.clock.now())
    return {"sessions": [one.account for one in looked]}


def answer(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Answer whichever trigger called."""
    if "routeKey" in event:
        return answer_http(event, context)
    return answer_schedule(event) if "source" in event else answer_call(desk, event)


handler = touchable(answer, world.seen_address)
