"""The message that asks for a refresh: what is put is what is read, and nothing else is."""

from types import SimpleNamespace
from typing import Any

import pytest

from order_router.aws.queues import MessageUnreadable
from order_router.aws.refresh_queue import RefreshAsked, SqsRefreshQueue, read_refresh


@pytest.mark.parametrize("takes_any_count", [True, False])
def test_a_message_is_read_as_it_was_put(*, takes_any_count: bool) -> None:
    sent: list[dict[str, Any]] = []
    client = SimpleNamespace(send_message=lambda **request: sent.append(request))

    SqsRefreshQueue(lambda: client, "https://queue").put("zerodha", takes_any_count=takes_any_count)

    (request,) = sent
    assert request["QueueUrl"] == "https://queue"
    assert read_refresh(request["MessageBody"]) == RefreshAsked("zerodha", takes_any_count)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "null",
        "{}",
        '{"broker": "zerodha"}',
        '{"broker": 5, "takes_any_count": false}',
        '{"broker": "zerodha", "takes_any_count": "no"}',
    ],
)
def test_a_message_that_asks_for_nothing_is_unreadable(body: str) -> None:
    with pytest.raises(MessageUnreadable):
        read_refresh(body)
