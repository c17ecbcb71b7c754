"""Place an order: one HTTPS call, or one message of the order queue."""

from collections.abc import Mapping
from typing import Any

from order_router import wiring
from order_router.api.answers import placement_answer
from order_router.api.endpoint import endpoint
from order_router.api.http import Answer, ApiRequest
from order_router.api.orders import command_of, require_own_strategy
from order_router.api.records import each_record
from order_router.api.touch import touchable
from order_router.aws.queues import MessageUnreadable, read_message
from order_router.ports import Letter, ResumeOrder
from order_router.service.dead_letters import bury_unreadable
from order_router.service.place import place_order, resume_order
from order_router.service.timing import API_MAX_AGE

world = wiring.world()
desk = world.desk


def place_http(request: ApiRequest) -> Answer:
    """Answer `POST /v1/orders`."""
    command = command_of(request, max_age=API_MAX_AGE)
    require_own_strategy(request, desk.settings, command.request)
    placement = place_order(desk, command)
    return placement_answer(placement, {"idempotency-key": command.idempotency_key.removeprefix("api:")})


def place_queued(record: Mapping[str, Any]) -> None:
    """Place the order of one queue message; one that is no order is kept and told, and does not come again."""
    try:
        command = read_message(record["body"])
    except MessageUnreadable:
        bury_unreadable(desk, world.dead_letters, Letter(record["messageId"], record["body"]))
        return
    if isinstance(command, ResumeOrder):
        resume_order(desk, command.client_order_id)
    else:
        place_order(desk, command)


answer_http = endpoint(place_http)
answer_queue = each_record(place_queued, release=world.order_queue.release)


def answer(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Answer whichever trigger called."""
    return answer_queue(event, context) if "Records" in event else answer_http(event, context)


handler = touchable(answer, world.seen_address)
