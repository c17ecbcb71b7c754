"""A webhook of the trader's own: one signed POST, as Standard Webhooks writes it.

Headers `webhook-id`, `webhook-timestamp` and `webhook-signature` (`v1,` and the base64 of an HMAC-SHA256 over id,
timestamp and body, joined by full stops; the secret is base64 after `whsec_`): whoever receives it can check who sent
it and when, and know a repeat by its id. Source: github.com/standard-webhooks, spec/standard-webhooks.md, 1.0.0, read
2026-11-21.
"""

import base64
import binascii
import hashlib
import hmac
import json
from datetime import UTC, datetime
from urllib.parse import urlsplit

from order_router.adapter.http import HttpRequest, HttpResponse, Send
from order_router.adapter.session import Secret
from order_router.domain.channel import ChannelDown, ChannelRefused, WebhookChannel
from order_router.domain.notices import kind_of
from order_router.domain.telling import Telling, title_of
from order_router.transport.channels.outcome import SUCCESS, exchange, seconds_of

PREFIX = "whsec_"
TOO_MANY, SERVER_ERROR = 429, 500
PASSING = {408, 425, TOO_MANY}


def say_on_webhook(
    send: Send, secret: Secret, channel: WebhookChannel, telling: Telling, now: datetime
) -> None:
    """Post the notice; ChannelDown or ChannelRefused unless the answer is a 2xx. A redirect is not followed."""
    request = _request(secret, channel, telling, now)
    response = exchange(send, request, "the webhook")
    if response.status in SUCCESS:
        return
    words = f"the webhook answered HTTP {response.status}"
    if response.status >= SERVER_ERROR or response.status in PASSING:
        raise ChannelDown(words, retry_after_s=_wait(response))
    raise ChannelRefused(words)


def origin_of(url: str) -> str:
    """Return the endpoint of an address: scheme and host."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def signature(secret: Secret, message_id: str, timestamp: str, body: bytes) -> str:
    """Return the signature header of a message; ChannelRefused if the secret is not one."""
    try:
        key = base64.b64decode(secret.reveal().removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise ChannelRefused("the webhook's stored secret is not base64 after whsec_: add the channel again")
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def _request(secret: Secret, channel: WebhookChannel, telling: Telling, now: datetime) -> HttpRequest:
    body = _body(telling)
    timestamp = str(int(now.timestamp()))
    headers = {
        "Content-Type": "application/json",
        "webhook-id": telling.telling_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": signature(secret, telling.telling_id, timestamp, body),
    }
    return HttpRequest(method="POST", url=channel.url, headers=headers, body=body, is_write=True)


def _body(telling: Telling) -> bytes:
    """Return the notice as JSON, without its links: they open a login, or stop trading, for whoever has them."""
    notice = telling.notice
    data = {
        "title": title_of(telling),
        "urgency": kind_of(notice).urgency,
        "account": notice.account,
        "message": notice.message,
        "client_order_id": notice.client_order_id,
    }
    at = telling.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    whole = {"type": f"notice.{notice.kind}", "timestamp": at, "data": data}
    return json.dumps(whole, separators=(",", ":")).encode()


def _wait(response: HttpResponse) -> int | None:
    return seconds_of(response.headers.get("retry-after"))
