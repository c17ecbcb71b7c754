"""The queue that asks for the next pass of what a kill switch was asked to do."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from order_router.adapter.decode import strict_json
from order_router.aws.failures import named_failures
from order_router.aws.queues import MessageUnreadable


@dataclass(frozen=True, slots=True)
class PassAsked:
    """One message: whose work, and which: a pass of work that was replaced does nothing."""

    name: str
    work_id: str


class SqsKillQueue:
    """Implements `service.kill_desk.KillQueue` over a standard queue; the client is made when first needed."""

    def __init__(self, client: Callable[[], Any], url: Callable[[], str]) -> None:
        self._client = client
        self._url = url

    def put(self, name: str, work_id: str, *, delay_s: int) -> None:
        """Ask for a pass after a delay."""
        body = json.dumps({"name": name, "work_id": work_id})
        with named_failures("asking for the kill switch's work"):
            self._client().send_message(QueueUrl=self._url(), MessageBody=body, DelaySeconds=delay_s)

    def release(self, receipt_handle: str, delay_s: int) -> None:
        """Let a message come again after this many seconds."""
        with named_failures("releasing a message"):
            self._client().change_message_visibility(
                QueueUrl=self._url(), ReceiptHandle=receipt_handle, VisibilityTimeout=delay_s
            )


def read_pass(body: str) -> PassAsked:
    """Return what a message asks for; MessageUnreadable if that cannot be told."""
    try:
        fields = strict_json(body)
        name, work_id = fields["name"], fields["work_id"]
    except (LookupError, TypeError, ValueError) as error:
        raise MessageUnreadable(f"the message asks for no pass: {type(error).__name__}") from error
    if not isinstance(name, str) or not isinstance(work_id, str):
        raise MessageUnreadable("the message asks for no pass: expected two texts")
    return PassAsked(name, work_id)
