"""Look for instruments, read one, and ask for a broker's list to be loaded anew."""

from functools import partial

from order_router import wiring
from order_router.api.endpoint import route
from order_router.api.instruments import ask_for_refresh, list_instruments, read_instrument, read_lists

desk = wiring.world().search_desk

handler = route(
    {
        "GET /v1/instruments": partial(list_instruments, desk=desk),
        "GET /v1/instruments/{instrument}": partial(read_instrument, desk=desk),
        "GET /v1/instruments/refresh": partial(read_lists, desk=desk),
        "POST /v1/instruments/refresh": partial(ask_for_refresh, desk=desk),
    }
)
