"""What channels are told with that must stay secret: one secret a channel, read anew each time."""

from collections.abc import Callable
from typing import Any

from order_router.adapter.session import Secret
from order_router.aws.secrets_manager import SecretDamaged, read_texts
from order_router.domain.channel import ChannelRefused


def channel_secret_name(prefix: str, channel: str) -> str:
    """Return the name of a channel's secret."""
    return f"{prefix}/{channel}"


class ChannelSecrets:
    """Reads channels' secrets over a Secrets Manager client, made when a channel first needs one."""

    def __init__(self, make_client: Callable[[], Any], prefix: str) -> None:
        self._client = make_client
        self._prefix = prefix

    def read(self, channel: str, field: str) -> Secret:
        """Return the field; ChannelRefused if there is none, SecretUnavailable on a passing fault."""
        text = self._texts(channel).get(field)
        if not text:
            raise ChannelRefused(f"channel {channel} has no {field} stored: add it again (router notify add)")
        return Secret(text)

    def _texts(self, channel: str) -> dict[str, str]:
        name = channel_secret_name(self._prefix, channel)
        try:
            return read_texts(self._client(), name, f"the secret of channel {channel}") or {}
        except SecretDamaged:
            return {}
