"""Bury what the order queue gave up on: end the order, keep the body, tell the trader."""

from collections.abc import Mapping
from typing import Any

from order_router import wiring
from order_router.api.records import each_record
from order_router.aws.queues import MessageUnreadable, read_message
from order_router.domain.notices import NoticeNotQueued
from order_router.ports import Letter
from order_router.service.dead_letters import bury_order, bury_unreadable

world = wiring.world()
desk, letters = world.record_desk, world.dead_letters


def bury(record: Mapping[str, Any]) -> None:
    """Bury one message; NoticeNotQueued brings it again, until what became of it is told."""
    letter = Letter(record["messageId"], record["body"])
    try:
        command = read_message(letter.body)
    except MessageUnreadable:
        is_told = bury_unreadable(desk, letters, letter)
    else:
        is_told = bury_order(desk, letters, letter, command)
    if not is_told:
        raise NoticeNotQueued(f"what became of message {letter.message_id} could not be queued")


handler = each_record(bury)
