"""E-mail through the stack's SNS topic: each address has a subscription with a filter on its channel's name."""

from collections.abc import Callable
from functools import cached_property
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from order_router.domain.channel import ChannelDown, ChannelRefused, EmailChannel
from order_router.domain.telling import Telling, text_of, title_of

ATTRIBUTE = "channel"
"""The message attribute that subscriptions filter by."""

MAX_SUBJECT = 100
PASSING = {"Throttling", "ThrottledException", "InternalError", "InternalErrorException", "KMSThrottling"}


class SnsMail:
    """Says things by publishing to one topic; the client is made when first needed."""

    def __init__(self, make_client: Callable[[], Any], topic: Callable[[], str]) -> None:
        self._make_client = make_client
        self._topic = topic

    @cached_property
    def _client(self) -> Any:  # noqa: ANN401 - botocore's clients have no type
        return self._make_client()

    def say(self, channel: EmailChannel, telling: Telling) -> None:
        """Publish it; ChannelDown or ChannelRefused unless SNS took it. Who is subscribed, it does not say."""
        try:
            self._client.publish(
                TopicArn=self._topic(),
                Subject=_subject(telling),
                Message=text_of(telling),
                MessageAttributes={ATTRIBUTE: {"DataType": "String", "StringValue": channel.name}},
            )
        except ClientError as error:
            code = error.response["Error"]["Code"]
        except BotoCoreError as error:
            code = type(error).__name__
            raise ChannelDown(f"SNS: {code}") from None
        else:
            return
        raise (ChannelDown if code in PASSING else ChannelRefused)(f"SNS: {code}")


def _subject(telling: Telling) -> str:
    """Return the title as SNS takes it: printable ASCII, at most 100 characters (API reference, Publish)."""
    plain = title_of(telling).encode("ascii", "replace").decode()
    return "".join(letter if letter.isprintable() else " " for letter in plain)[:MAX_SUBJECT]
