"""Load what brokers list: on the schedule ask for each broker in use, and refresh one for each message."""

from collections.abc import Mapping
from typing import Any

from order_router import wiring
from order_router.api.records import each_record
from order_router.api.touch import touchable
from order_router.aws.refresh_queue import read_refresh
from order_router.domain.instrument_list import RefreshUnderWay
from order_router.service.instruments import BrokerUnused, ask_for_all, refresh

world = wiring.world()
desk, queue = world.instruments_desk, world.refresh_queue


def refresh_one(record: Mapping[str, Any]) -> None:
    """Refresh the list that a message names; one that nobody uses, or somebody is at, is done with."""
    asked = read_refresh(record["body"])
    try:
        refresh(desk, asked.broker, takes_any_count=asked.takes_any_count)
    except (BrokerUnused, RefreshUnderWay):
        return


answer_queue = each_record(refresh_one)


def answer(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Answer whichever trigger called."""
    if "Records" in event:
        return answer_queue(event, context)
    return {"brokers": list(ask_for_all(desk, queue))}


handler = touchable(answer, world.seen_address)
