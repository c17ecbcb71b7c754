"""What channels are told with that must stay secret: one secret a channel, read through a short cache."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from order_router.adapter.session import Secret
from order_router.aws.secrets_manager import SecretDamaged, read_texts
from order_router.domain.channel import ChannelRefused
from order_router.ports import Clock

CACHE_LIFE = timedelta(seconds=60)


def channel_secret_name(prefix: str, channel: str) -> str:
    """Return the name of a channel's secret."""
    return f"{prefix}/{channel}"


class ChannelSecrets:
    """Reads channels' secrets over a Secrets Manager client, made when a channel first needs one."""

    def __init__(self, make_client: Callable[[], Any], prefix: str, clock: Clock) -> None:
        self._client = make_client
        self._prefix = prefix
        self._clock = clock
        self._cached: dict[str, tuple[datetime, dict[str, str]]] = {}

    def read(self, channel: str, field: str) -> Secret:
        """Return the field; ChannelRefused if there is none, SecretUnavailable on a passing fault."""
        now = self._clock.now()
        cached = self._cached.get(channel)
        if cached is None or now >= cached[0]:
            cached = self._cached[channel] = (now + CACHE_LIFE, self._load(channel))
        text = cached[1].get(field)
        if not text:
            raise ChannelRefused(f"channel {channel} has no {field} stored: add it again (router notify add)")
        return Secret(text)

    def _load(self, channel: str) -> dict[str, str]:
        name = channel_secret_name(self._prefix, channel)
        try:
            return read_texts(self._client(), name, f"the secret of channel {channel}") or {}
        except SecretDamaged:
            return {}
