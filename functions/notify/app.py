"""Tell the trader: from the orders' stream and the queue of notices to e-mail, Telegram and webhooks."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from order_router import wiring
from order_router.api.endpoint import route
from order_router.api.notifications import list_channels, tell_test
from order_router.api.tellings import tell_changes, tell_messages
from order_router.aws.notice_queue import read_telling
from order_router.aws.order_stream import read_change

world = wiring.world()
desk, queue = world.telling_desk, world.notice_queue

answer_changes = tell_changes(queue, read_change)
answer_messages = tell_messages(desk, queue, read_telling)
answer_http = route(
    {
        "GET /v1/notifications": partial(list_channels, desk),
        "POST /v1/notifications/{channel}/test": partial(tell_test, desk),
    }
)


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Answer whichever trigger called."""
    if "Records" not in event:
        return answer_http(event, context)
    is_stream = event["Records"][0]["eventSource"] == "aws:dynamodb"
    return answer_changes(event) if is_stream else answer_messages(event)
