"""Says things on channels that are reached over HTTP: the secret is read, the request made, the answer judged."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from order_router.adapter.session import Secret
from order_router.domain.channel import ChannelRefused, TelegramChannel, WebhookChannel, is_local
from order_router.domain.telling import Telling
from order_router.ports import Clock, Transport
from order_router.transport.channels.telegram import ENDPOINT, say_on_telegram
from order_router.transport.channels.webhook import origin_of, say_on_webhook

TOKEN, SIGNING_SECRET = "bot_token", "signing_secret"

ReadSecret = Callable[[str, str], Secret]
"""Return a channel's secret, by the names of channel and field; ChannelRefused if there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSpeakers:
    """Speaks to Telegram and to webhooks.

    `telegram` (empty: the vendor's own address) and `allows_local` are set by whoever deploys, and by nobody else.
    """

    transport: Transport
    read_secret: ReadSecret
    clock: Clock
    telegram: str
    allows_local: bool

    def by_kind(self) -> dict[str, Callable[[Any, Telling], None]]:
        """Return the function for each kind of channel."""
        return {"telegram": self.on_telegram, "webhook": self.on_webhook}

    def on_telegram(self, channel: TelegramChannel, telling: Telling) -> None:
        """Say it in a chat; ChannelDown or ChannelRefused if Telegram did not take it."""
        token, endpoint = self.read_secret(channel.name, TOKEN), self.telegram or ENDPOINT
        send = self.transport.sender(endpoint, not_after=None)
        say_on_telegram(send, endpoint, token, channel, telling)

    def on_webhook(self, channel: WebhookChannel, telling: Telling) -> None:
        """Post it to an address; ChannelDown or ChannelRefused if that did not take it."""
        if is_local(channel.url) and not self.allows_local:
            # a function's own machine answers there: nothing of ours may ask it anything
            raise ChannelRefused("this stack was not deployed with LocalWebhooks=true")
        secret = self.read_secret(channel.name, SIGNING_SECRET)
        send = self.transport.sender(origin_of(channel.url), not_after=None)
        say_on_webhook(send, secret, channel, telling, self.clock.now())
