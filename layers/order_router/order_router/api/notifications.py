"""The HTTP face of the notifier: which channels there are, and whether one works."""

import secrets

from order_router.api.http import Answer, ApiRequest
from order_router.domain.account import Scope
from order_router.domain.channel import shown
from order_router.domain.errors import RouterError
from order_router.service.telling import TellingDesk, try_channel


class ChannelUnknown(RouterError):
    """No channel has this name."""

    code = "CHANNEL_UNKNOWN"


def list_channels(desk: TellingDesk, request: ApiRequest) -> Answer:
    """Answer `GET /v1/notifications`."""
    request.require(Scope.ADMIN)
    return Answer(content={"channels": [shown(channel) for channel in desk.channels.all()]})


def tell_test(desk: TellingDesk, request: ApiRequest) -> Answer:
    """Answer `POST /v1/notifications/{channel}/test`: the channel is told now, and what it says is the answer."""
    request.require(Scope.ADMIN)
    name = request.path["channel"]
    channel = desk.channels.named(name)
    if channel is None:
        raise ChannelUnknown("there is no channel of this name: add it first (router notify add)")
    try_channel(desk, channel, secrets.token_hex(8))
    return Answer(content={"channel": channel.name, "kind": channel.kind, "told": True})
