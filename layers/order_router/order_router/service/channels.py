"""The channels that were set up, each with the function that speaks to its kind."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from order_router.domain.channel import Channel
from order_router.domain.telling import Telling

Say = Callable[[Any, Telling], None]
"""Say it on a channel of one kind."""


class ChannelSettings(Protocol):
    """What was set up."""

    def all(self) -> tuple[Channel, ...]:
        """Return all channels."""

    def named(self, name: str) -> Channel | None:
        """Return the channel of this name."""


class SpokenChannels:
    """Implements `service.telling.Channels`; `speakers` has a function for each kind of channel."""

    def __init__(self, settings: ChannelSettings, speakers: Mapping[str, Say]) -> None:
        self._settings = settings
        self._speakers = speakers

    def all(self) -> tuple[Channel, ...]:
        """Return all channels."""
        return self._settings.all()

    def named(self, name: str) -> Channel | None:
        """Return the channel of this name."""
        return self._settings.named(name)

    def say(self, channel: Channel, telling: Telling) -> None:
        """Say it on the channel; ChannelDown if the channel did not take it."""
        self._speakers[channel.kind](channel, telling)
