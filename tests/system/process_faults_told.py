"""What reaches a person in a run: a webhook of the stack's own, which wants to hear of unknown orders only."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from infra import notify
from infra.operate import Target
from order_router.aws.channel_secrets import channel_secret_name
from order_router.aws.secrets_manager import write_texts
from order_router.domain.channel import WebhookChannel
from order_router.domain.notices import KINDS
from tests.simulators.channels import SIGNING_SECRET, WEBHOOK
from tests.system.channels import ChannelsProcess

NAME, KIND = "ledger", "unknown"
Told = Callable[[], frozenset[str]]
"""Return the client order ids of the unknown orders that somebody was told of."""


@contextmanager
def hearing(target: Target, port: int) -> Iterator[Told]:
    """Add the channel and take what it is told; the stack was deployed with LocalWebhooks=true."""
    channels = ChannelsProcess(port)
    channels.start()
    try:
        secret = channel_secret_name(f"{target.stack_name}/channels", NAME)
        write_texts(lambda: target.secretsmanager, secret, {"signing_secret": SIGNING_SECRET})
        mutes = tuple(sorted(KINDS.keys() - {KIND}))
        notify.channels(target).put(WebhookChannel(name=NAME, url=f"{channels.url}/hook", mutes=mutes))
        yield lambda: _heard(channels)
    finally:
        channels.stop()


def _heard(channels: ChannelsProcess) -> frozenset[str]:
    messages = channels.messages(WEBHOOK, f"notice.{KIND}")
    return frozenset(str(message["data"]["client_order_id"]) for message in messages)
