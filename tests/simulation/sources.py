"""Queues and schedules that call functions: what AWS's event sources do, at a virtual hour."""

from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from tests.fakes.sqs import FakeSqs
from tests.simulation.hub import Hub, Task
from tests.simulation.process import CRASHED, Fleet
from tests.simulation.trouble import Trouble

LOST_DELETE = ("delete lost",)
TRAVEL = 20_000
PATIENCE = 900_000_000


class QueueSource:
    """Takes messages one by one to a function, groups side by side; what is not confirmed comes again."""

    def __init__(self, hub: Hub, fleet: Fleet, trouble: Trouble, sqs: FakeSqs) -> None:
        self._hub = hub
        self._fleet = fleet
        self._trouble = trouble
        self._sqs = sqs
        self._pollers: dict[str, Task] = {}

    def connect(self, url: str, function: str) -> None:
        """Bring the queue's messages to the function."""
        self._pollers[url] = self._hub.spawn(f"poll {url}", lambda: self._poll(url, function))

    def look(self, url: str) -> None:
        """See at once that something changed in the queue."""
        if url in self._pollers:
            self._hub.wake(self._pollers[url])

    def _poll(self, url: str, function: str) -> None:
        while True:
            # one at a time: of a group, none while another one of it is in flight
            got = self._sqs.receive_message(QueueUrl=url, MessageSystemAttributeNames=["All"])
            if "Messages" in got:
                self._bring(url, function, got["Messages"][0])
            else:
                self._hub.pause(self._until_next(url))

    def _until_next(self, url: str) -> int:
        now = self._hub.now()
        coming = [one.visible_at for one in self._sqs.messages(url) if one.visible_at > now]
        if not coming:
            return PATIENCE
        return max(1000, int((min(coming) - now).total_seconds() * 1_000_000))

    def _bring(self, url: str, function: str, message: Mapping[str, Any]) -> None:
        record = {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": message["Attributes"],
        }

        def consume() -> None:
            answer = self._fleet.invoke(function, {"Records": [record]}, patience=PATIENCE)
            is_done = answer is not None and answer is not CRASHED and not answer["batchItemFailures"]
            if is_done and self._trouble.at(f"source of {function}: delete", LOST_DELETE) is None:
                # one that took longer than its message was hidden cannot delete it: it comes again
                with suppress(ClientError):
                    self._sqs.delete_message(QueueUrl=url, ReceiptHandle=record["receiptHandle"])
            self.look(url)

        self._hub.spawn(f"consume {url}", consume, after=TRAVEL)


SCHEDULED = ("reconcile", "kill_work")


class Schedule:
    """Calls who looks for what is open, or was forgotten, at every turn of the schedule."""

    def __init__(self, hub: Hub, fleet: Fleet) -> None:
        self._hub = hub
        self._fleet = fleet

    def start(self, every: int) -> None:
        """Call them from now on, each time so many microseconds have passed."""

        def turns() -> None:
            while True:
                self._hub.pause(every)
                for function in SCHEDULED:
                    self._hub.spawn("scheduled", partial(self._call, function))

        self._hub.spawn("schedule", turns)

    def _call(self, function: str) -> None:
        self._fleet.invoke(function, {"source": "schedule"}, patience=PATIENCE)
