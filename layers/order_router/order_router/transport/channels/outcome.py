"""What a channel's HTTP answer, or none, says about a telling."""

from contextlib import suppress

from order_router.adapter.errors import BrokerError
from order_router.adapter.http import HttpRequest, HttpResponse, Send
from order_router.domain.channel import ChannelDown

MAX_WORDS = 200
SUCCESS = range(200, 300)


def exchange(send: Send, request: HttpRequest, what: str) -> HttpResponse:
    """Send the request once; ChannelDown if no whole answer came: it may have been told, and is told again."""
    try:
        return send(request)
    # the transport's errors name the host and no more: an address may hold a token
    except BrokerError as error:
        words = f"{what}: {error.message[:MAX_WORDS]}"
    raise ChannelDown(words)


def seconds_of(text: object) -> int | None:
    """Return whole seconds to wait, None for anything else (a date, a word, nothing)."""
    with suppress(ValueError):
        seconds = int(str(text))
        return seconds if seconds >= 0 else None
    return None
