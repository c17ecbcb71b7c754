"""The queue that asks for a broker's list of instruments to be refreshed."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from order_router.adapter.decode import strict_json
from order_router.aws.failures import named_failures
from order_router.aws.queues import MessageUnreadable


@dataclass(frozen=True, slots=True)
class RefreshAsked:
    """One message: whose list, and whether the count of its rows may be any."""

    broker: str
    takes_any_count: bool


class SqsRefreshQueue:
    """Implements `service.instruments.RefreshQueue` over a standard queue; the client is made when first needed."""

    def __init__(self, client: Callable[[], Any], url: str) -> None:
        self._client = client
        self._url = url

    def put(self, broker: str, *, takes_any_count: bool = False) -> None:
        """Ask for a refresh."""
        body = json.dumps({"broker": broker, "takes_any_count": takes_any_count})
        with named_failures("asking for a refresh"):
            self._client().send_message(QueueUrl=self._url, MessageBody=body)


def read_refresh(body: str) -> RefreshAsked:
    """Return what a message asks for; MessageUnreadable if that cannot be told."""
    try:
        fields = strict_json(body)
        broker, takes_any_count = fields["broker"], fields["takes_any_count"]
    except (LookupError, TypeError, ValueError) as error:
        raise MessageUnreadable(f"the message asks for no refresh: {type(error).__name__}") from error
    if not isinstance(broker, str) or not isinstance(takes_any_count, bool):
        raise MessageUnreadable("the message asks for no refresh: expected a text and a truth")
    return RefreshAsked(broker, takes_any_count)
