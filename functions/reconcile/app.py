"""Settle orders: every account on the schedule, one account when a message asks for it."""

import json
from collections.abc import Mapping
from typing import Any

from order_router import wiring
from order_router.api.records import each_record
from order_router.api.touch import touchable
from order_router.service.reconcile import answer_ask, reconcile_all

world = wiring.world()
desk = world.desk


def settle_one(record: Mapping[str, Any]) -> None:
    """Settle the account that a queue message names, unless another look at it is coming."""
    asked = json.loads(record["body"])
    answer_ask(desk, asked["account"], asked.get("look"))


answer_queue = each_record(settle_one)


def answer(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Answer whichever trigger called."""
    if "Records" in event:
        return answer_queue(event, context)
    settled = reconcile_all(desk)
    return {"accounts": [{"account": one.account, "unknown": one.unknown} for one in settled]}


handler = touchable(answer, world.seen_address)
