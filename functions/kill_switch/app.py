"""Turn kill switches on and off, show how they stand, and answer the one-tap link."""

from functools import partial

from order_router import wiring
from order_router.api.endpoint import route
from order_router.api.kill_switch import (
    engage_switch,
    press_link,
    release_switch,
    show_link,
    show_switches,
)

desk = wiring.world().kill_desk

handler = route(
    {
        "GET /v1/kill-switch": partial(show_switches, desk),
        "POST /v1/kill-switch": partial(engage_switch, desk),
        "DELETE /v1/kill-switch": partial(release_switch, desk),
        "GET /v1/kill-switch/link": partial(show_link, desk),
        "POST /v1/kill-switch/link": partial(press_link, desk),
    }
)
