"""Do what a kill switch was asked to do beside stopping, and ask on the schedule for what nobody does."""

from collections.abc import Mapping
from typing import Any

from order_router import wiring
from order_router.api.records import each_record
from order_router.api.touch import touchable
from order_router.aws.kill_queue import read_pass
from order_router.service.kill_work import ask_anew, make_pass

world = wiring.world()
desk = world.kill_work_desk


def take(record: Mapping[str, Any]) -> None:
    """Make the pass that one message asks for."""
    asked = read_pass(record["body"])
    make_pass(desk, asked.name, asked.work_id)


answer_queue = each_record(take, release=world.kill_queue.release)


def answer(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Answer whichever trigger called."""
    if "Records" in event:
        return answer_queue(event, context)
    return {"asked_anew": list(ask_anew(desk))}


handler = touchable(answer, world.seen_address)
