"""Telegram's Bot API: one message to one chat.

The vendor wants the bot's token in the URL: no URL is ever logged or raised here. Every answer is a JSON object with a
boolean `ok`; a refusal has `description`, and may have `parameters`. Source: core.telegram.org/bots/api, "Making
requests", as of Bot API 7.9, read 2026-11-21.

Unconfirmed, since only clients' descriptions of that page were read: that too many messages are answered 429 with
`parameters.retry_after` in seconds, `link_preview_options`, and that a text has at most 4096 characters. What a token
looks like beyond the page's one example (`TOKEN`) is a guess.
"""

import json
from typing import Any

from order_router.adapter.decode import strict_json
from order_router.adapter.http import HttpRequest, HttpResponse, Send
from order_router.adapter.session import Secret
from order_router.domain.channel import ChannelDown, ChannelRefused, TelegramChannel
from order_router.domain.telling import Telling, text_of, title_of
from order_router.transport.channels.outcome import MAX_WORDS, exchange, seconds_of

ENDPOINT = "https://api.telegram.org"
TOKEN = r"[0-9]{5,16}:[A-Za-z0-9_-]{30,64}"  # noqa: S105 - what a token looks like
OK, TOO_MANY, SERVER_ERROR = 200, 429, 500


def say_on_telegram(
    send: Send, endpoint: str, token: Secret, channel: TelegramChannel, telling: Telling
) -> None:
    """Send the message; ChannelDown or ChannelRefused unless Telegram says that it is sent."""
    response = exchange(send, _request(endpoint, token, channel, telling), "Telegram")
    answer = _answer(response)
    if response.status == OK and answer.get("ok") is True:
        return
    words = str(answer.get("description", ""))[:MAX_WORDS].replace(token.reveal(), "***")
    if response.status == TOO_MANY:
        parameters = answer.get("parameters")
        wait = parameters.get("retry_after") if isinstance(parameters, dict) else None
        raise ChannelDown(f"Telegram: {words}", retry_after_s=seconds_of(wait))
    if answer.get("ok") is False and response.status < SERVER_ERROR:
        raise ChannelRefused(f"Telegram answered {response.status}: {words}")
    raise ChannelDown(f"Telegram answered HTTP {response.status} without a word that can be read")


def _request(endpoint: str, token: Secret, channel: TelegramChannel, telling: Telling) -> HttpRequest:
    message = {
        "chat_id": channel.chat_id,
        "text": f"{title_of(telling)}\n{text_of(telling)}",
        # a preview is made by opening the link, and a link here is good for one opening
        "link_preview_options": {"is_disabled": True},
    }
    return HttpRequest(
        method="POST",
        url=f"{endpoint}/bot{token.reveal()}/sendMessage",
        headers={"Content-Type": "application/json"},
        body=json.dumps(message).encode(),
        is_write=True,
    )


def _answer(response: HttpResponse) -> dict[str, Any]:
    try:
        answer = strict_json(response.body)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}
