"""SQS in this process: botocore's low-level client over queues on a virtual clock.

Ids and receipt handles count up, so that the same calls give the same answers. A standard queue hands its messages out
in the order they came, each once until its visibility ends, where AWS promises neither. What is not built is refused.

The conformance suite holds this fake against what AWS documents and against two other implementations.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import wraps
from itertools import count
from typing import Any

from order_router.ports import Clock
from tests.fakes.client_errors import answer, client_error, require_known
from tests.fakes.sqs_definitions import (
    ARN,
    QueueDefinition,
    define_queue,
    is_true,
    settings_of,
    template_queues,
)
from tests.fakes.sqs_errors import MISSING_QUEUE, Refusal, invalid_value
from tests.fakes.sqs_queue import Message, Queue

ADDRESS = "https://sqs.ap-south-1.amazonaws.com/123456789012/"
MAX_BODY = 1024 * 1024
MAX_BATCH = 10
MAX_DELAY_S = 900
MAX_VISIBILITY_S = 43_200
UNSENDABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
IDENTIFIER = re.compile(r"[!-~]{1,128}")

Method = Callable[["FakeSqs", dict[str, Any]], dict[str, Any]]


def _operation(
    name: str, required: Iterable[str], optional: Iterable[str] = ()
) -> Callable[[Method], Callable[..., dict[str, Any]]]:
    """Make a client's method of a function of the request: parameters checked, refusals raised as ClientError."""
    needed, allowed = frozenset(required), frozenset(optional)

    def client_method(method: Method) -> Callable[..., dict[str, Any]]:
        @wraps(method)
        def call(self: "FakeSqs", **request: Any) -> dict[str, Any]:
            require_known(request, needed, allowed)
            try:
                return method(self, request)
            except Refusal as refusal:
                error = client_error(name, refusal.code, str(refusal))
            raise error

        return call

    return client_method


class FakeSqs:
    """Implements the calls of a low-level SQS client that this project and Lambda's poller use."""

    def __init__(self, clock: Clock, queues: Mapping[str, QueueDefinition] | None = None) -> None:
        self._clock = clock
        self._queues: dict[str, Queue] = {}
        self._ids = count(1)
        for definition in (queues or {}).values():
            self._make(definition)

    # ------------------------------------------------------------ calls of the client
    @_operation("CreateQueue", ("QueueName",), ("Attributes",))
    def create_queue(self, request: dict[str, Any]) -> dict[str, Any]:
        """Make an empty queue."""
        name, properties = request["QueueName"], request.get("Attributes", {})
        if name.endswith(".fifo") != is_true(properties.get("FifoQueue")):
            raise invalid_value("QueueName", "The name of a FIFO queue, and no other, ends with .fifo.")
        self._make(define_queue(name, properties))
        return answer(QueueUrl=ADDRESS + name)

    @_operation("GetQueueAttributes", ("QueueUrl",), ("AttributeNames",))
    def get_queue_attributes(self, request: dict[str, Any]) -> dict[str, Any]:
        """Say how a queue is set up and how full it is."""
        queue = self._queue(request)
        wanted = request.get("AttributeNames", ())
        found = {name: str(number) for name, number in queue.counts(self._clock.now()).items()}
        found |= settings_of(queue.definition)
        shown = {name: value for name, value in found.items() if "All" in wanted or name in wanted}
        return answer(Attributes=shown)

    @_operation(
        "SendMessage",
        ("QueueUrl", "MessageBody"),
        ("DelaySeconds", "MessageGroupId", "MessageDeduplicationId"),
    )
    def send_message(self, request: dict[str, Any]) -> dict[str, Any]:
        """Put a message into a queue; a duplicate of the last five minutes is taken and dropped."""
        queue, body, now = self._queue(request), request["MessageBody"], self._clock.now()
        _require_sendable(body)
        group, deduplication = _fifo_fields(queue.definition, request)
        sent = None if deduplication is None else queue.duplicate_of(group, deduplication, now)
        if sent is None:
            delay = _delay(queue.definition, request)
            message = self._message(body, now, delay)
            message.group, message.deduplication = group, deduplication
            message.sequence = None if group is None else _sequence(message.message_id)
            sent = queue.add(message)
        numbered = {} if sent.sequence is None else {"SequenceNumber": sent.sequence}
        return answer(MessageId=sent.message_id, MD5OfMessageBody=_md5(body), **numbered)

    @_operation(
        "ReceiveMessage",
        ("QueueUrl",),
        (
            "AttributeNames",
            "MaxNumberOfMessages",
            "MessageSystemAttributeNames",
            "VisibilityTimeout",
            "WaitTimeSeconds",
        ),
    )
    def receive_message(self, request: dict[str, Any]) -> dict[str, Any]:
        """Take visible messages into flight."""
        if request.get("WaitTimeSeconds", 0) != 0:
            raise NotImplementedError("a wait for messages: whoever has the clock moves it")
        most = _within("MaxNumberOfMessages", request.get("MaxNumberOfMessages", 1), 1, MAX_BATCH)
        visibility = request.get("VisibilityTimeout")
        span = None if visibility is None else _visibility(visibility)
        queue, now = self._queue(request), self._clock.now()
        wanted = {*request.get("AttributeNames", ()), *request.get("MessageSystemAttributeNames", ())}
        received = [_shown(one, wanted) for one in queue.receive(now, most=most, visibility=span)]
        return answer(Messages=received) if received else answer()

    @_operation("DeleteMessage", ("QueueUrl", "ReceiptHandle"))
    def delete_message(self, request: dict[str, Any]) -> dict[str, Any]:
        """Remove a message that was received."""
        queue = self._queue(request)
        queue.delete(*_read_handle(request["ReceiptHandle"]), self._clock.now())
        return answer()

    @_operation("ChangeMessageVisibility", ("QueueUrl", "ReceiptHandle", "VisibilityTimeout"))
    def change_message_visibility(self, request: dict[str, Any]) -> dict[str, Any]:
        """Let a message that was received come again at another time."""
        queue, now = self._queue(request), self._clock.now()
        until = now + _visibility(request["VisibilityTimeout"])
        queue.change_visibility(*_read_handle(request["ReceiptHandle"]), until, now)
        return answer()

    @_operation("StartMessageMoveTask", ("SourceArn",), ("DestinationArn",))
    def start_message_move_task(self, request: dict[str, Any]) -> dict[str, Any]:
        """Send the messages of a dead-letter queue again, as new ones, at once."""
        source = self._queues[request["SourceArn"].removeprefix(ARN)]
        now = self._clock.now()
        for message in source.take_all(now):
            arn = request.get("DestinationArn") or message.source_arn
            if arn is None:
                raise Refusal("ResourceNotFoundException", "The messages' source queue is not known.")
            fresh = self._message(message.body, now, timedelta())
            fresh.group, fresh.deduplication = message.group, message.deduplication
            fresh.sequence = None if fresh.group is None else _sequence(fresh.message_id)
            self._queues[arn.removeprefix(ARN)].add(fresh)
        return answer(TaskHandle=f"task-{next(self._ids)}")

    # ------------------------------------------------------------ what tests look at
    def url(self, name: str) -> str:
        """Return the address of one of the template's queues."""
        return ADDRESS + template_queues()[name].name

    def messages(self, queue_url: str) -> list[Message]:
        """Return a copy of every message of a queue, in order."""
        return [replace(one) for one in self._queue({"QueueUrl": queue_url}).messages(self._clock.now())]

    def next_visible_at(self, queue_url: str) -> datetime | None:
        """Return when the first message of a queue is visible: in the past if one is now, None if it is empty."""
        kept = self._queue({"QueueUrl": queue_url}).messages(self._clock.now())
        return min((message.visible_at for message in kept), default=None)

    # ------------------------------------------------------------ inside
    def _make(self, definition: QueueDefinition) -> None:
        target = definition.dead_letters
        bury = None if target is None else lambda message: self._bury(definition, message)
        self._queues[definition.name] = Queue(definition, bury)

    def _queue(self, request: Mapping[str, Any]) -> Queue:
        queue = self._queues.get(request["QueueUrl"].removeprefix(ADDRESS))
        if queue is None:
            raise Refusal(MISSING_QUEUE, "The specified queue does not exist.")
        return queue

    def _message(self, body: str, now: datetime, delay: timedelta) -> Message:
        number = next(self._ids)
        name = f"00000000-0000-4000-8000-{number:012d}"
        return Message(name, body, sent_at=now, enqueued_at=now, visible_at=now + delay)

    def _bury(self, source: QueueDefinition, message: Message) -> None:
        assert source.dead_letters is not None
        target, now = self._queues[source.dead_letters], self._clock.now()
        # a standard queue's message keeps its age when it is moved, a FIFO queue's begins anew
        message.enqueued_at = now if target.definition.is_fifo else message.enqueued_at
        message.visible_at = now
        message.source_arn = ARN + source.name
        target.add(message)


def _require_sendable(body: str) -> None:
    if not body:
        raise Refusal("MissingParameter", "The request must contain the parameter MessageBody.")
    if len(body.encode()) > MAX_BODY:
        raise invalid_value("MessageBody", f"One or more parameters are invalid: over {MAX_BODY} bytes.")
    if UNSENDABLE.search(body):
        raise Refusal("InvalidMessageContents", "Invalid characters found.")


def _fifo_fields(definition: QueueDefinition, request: Mapping[str, Any]) -> tuple[str | None, str | None]:
    group, deduplication = request.get("MessageGroupId"), request.get("MessageDeduplicationId")
    if not definition.is_fifo:
        if group is not None or deduplication is not None:
            raise NotImplementedError("groups on a standard queue")
        return None, None
    if group is None:
        raise Refusal("MissingParameter", "The request must contain the parameter MessageGroupId.")
    if deduplication is None and definition.deduplicates_by_content:
        deduplication = hashlib.sha256(request["MessageBody"].encode()).hexdigest()
    if deduplication is None:
        reason = "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided"
        raise invalid_value("MessageDeduplicationId", reason)
    for name, value in (("MessageGroupId", group), ("MessageDeduplicationId", deduplication)):
        if IDENTIFIER.fullmatch(value) is None:
            raise invalid_value(name, "It takes 1 to 128 alphanumeric characters and punctuation.")
    return group, deduplication


def _delay(definition: QueueDefinition, request: Mapping[str, Any]) -> timedelta:
    delay = request.get("DelaySeconds")
    if delay is None:
        return definition.delay
    if definition.is_fifo:
        raise invalid_value("DelaySeconds", "The request includes a parameter not valid for this queue type.")
    return timedelta(seconds=_within("DelaySeconds", delay, 0, MAX_DELAY_S))


def _visibility(value: int) -> timedelta:
    return timedelta(seconds=_within("VisibilityTimeout", value, 0, MAX_VISIBILITY_S))


def _within(name: str, value: int, least: int, most: int) -> int:
    if not least <= value <= most:
        raise invalid_value(name, f"Must be between {least} and {most}, if provided.")
    return value


def _shown(message: Message, wanted: set[str]) -> dict[str, Any]:
    assert message.first_received_at is not None
    known = {
        "SenderId": "AIDAIENQZJOLO23YVJ4VO",
        "SentTimestamp": _milliseconds(message.sent_at),
        "ApproximateReceiveCount": str(message.receives),
        "ApproximateFirstReceiveTimestamp": _milliseconds(message.first_received_at),
        "SequenceNumber": message.sequence,
        "MessageGroupId": message.group,
        "MessageDeduplicationId": message.deduplication,
        "DeadLetterQueueSourceArn": message.source_arn,
    }
    attributes = {
        name: value for name, value in known.items() if value and ("All" in wanted or name in wanted)
    }
    shown = {
        "MessageId": message.message_id,
        "ReceiptHandle": f"{message.message_id}#{message.receives}",
        "MD5OfBody": _md5(message.body),
        "Body": message.body,
    }
    return {**shown, "Attributes": attributes} if attributes else shown


def _read_handle(handle: str) -> tuple[str, int]:
    message_id, _, receive = handle.partition("#")
    if not receive.isdecimal():
        raise Refusal(
            "ReceiptHandleIsInvalid", f'The input receipt handle "{handle}" is not a valid receipt handle.'
        )
    return message_id, int(receive)


def _sequence(message_id: str) -> str:
    return "188" + message_id[-12:].rjust(17, "0")


def _milliseconds(moment: datetime) -> str:
    return str(int(moment.timestamp() * 1000))


def _md5(body: str) -> str:
    return hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()


__all__ = ["FakeSqs", "template_queues"]
