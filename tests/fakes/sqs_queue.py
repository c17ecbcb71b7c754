"""One queue of SQS on a virtual clock: what is visible when, in which order, and how often it was received.

Sources: Amazon SQS Developer Guide, "Amazon SQS visibility timeout", "FIFO queue and message group ID key terms",
"Exactly-once processing in Amazon SQS", "Using dead-letter queues in Amazon SQS", "Amazon SQS delay queues".
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.fakes.sqs_definitions import QueueDefinition
from tests.fakes.sqs_errors import Refusal, invalid_value

DEDUPLICATION = timedelta(minutes=5)


@dataclass(slots=True)
class Message:
    """A message, and what has happened to it."""

    message_id: str
    body: str
    sent_at: datetime
    enqueued_at: datetime
    visible_at: datetime
    sequence: str | None = None
    group: str | None = None
    deduplication: str | None = None
    receives: int = 0
    first_received_at: datetime | None = None
    source_arn: str | None = None

    def is_in_flight(self, now: datetime) -> bool:
        """Return whether somebody received it and may still delete it."""
        return self.receives > 0 and self.visible_at > now


@dataclass(slots=True)
class Sent:
    """What a send answers: the same again for a duplicate."""

    message_id: str
    sequence: str | None
    at: datetime


@dataclass(slots=True)
class Queue:
    """A queue's messages in the order they were sent."""

    definition: QueueDefinition
    bury: Callable[[Message], None] | None = None
    """Takes a message that was received too often."""

    _messages: dict[str, Message] = field(default_factory=dict)
    _sent: dict[tuple[str | None, str], Sent] = field(default_factory=dict)

    def duplicate_of(self, group: str | None, deduplication: str, now: datetime) -> Sent | None:
        """Return the first send of this deduplication id in the last five minutes."""
        found = self._sent.get((self._scope(group), deduplication))
        return None if found is None or now >= found.at + DEDUPLICATION else found

    def add(self, message: Message) -> Sent:
        """Put a message at the end."""
        self._messages[message.message_id] = message
        sent = Sent(message.message_id, message.sequence, message.enqueued_at)
        if message.deduplication is not None:
            self._sent[self._scope(message.group), message.deduplication] = sent
        return sent

    def receive(self, now: datetime, *, most: int, visibility: timedelta | None) -> Iterator[Message]:
        """Hand out messages that are visible; of a group none while another of it is in flight."""
        blocked = {one.group for one in self.messages(now) if one.is_in_flight(now)} - {None}
        for message in list(self.messages(now)):
            if most == 0:
                return
            if message.group in blocked or message.visible_at > now:
                continue
            if self._has_failed(message):
                self._bury(message)
                continue
            message.receives += 1
            message.first_received_at = message.first_received_at or now
            message.visible_at = now + (self.definition.visibility if visibility is None else visibility)
            most -= 1
            yield message

    def delete(self, message_id: str, receive: int, now: datetime) -> None:
        """Remove a message; with a handle that is not the last one given, it stays."""
        message = self._messages.get(message_id)
        if message is None:
            return
        is_last = message.receives == receive
        if self.definition.is_fifo and not (is_last and message.is_in_flight(now)):
            raise invalid_value("ReceiptHandle", "The receipt handle has expired.")
        if is_last:
            del self._messages[message_id]

    def change_visibility(self, message_id: str, receive: int, until: datetime, now: datetime) -> None:
        """Let a message in flight become visible at another time."""
        message = self._messages.get(message_id)
        if message is None or message.receives != receive:
            reason = "Message does not exist or is not available for visibility timeout change."
            raise invalid_value("ReceiptHandle", reason)
        if not message.is_in_flight(now):
            raise Refusal("AWS.SimpleQueueService.MessageNotInflight", "The message is not in flight.")
        message.visible_at = until

    def messages(self, now: datetime) -> list[Message]:
        """Return what is kept, in order; what is older than the retention is gone."""
        expired = [
            one for one in self._messages.values() if now >= one.enqueued_at + self.definition.retention
        ]
        for message in expired:
            del self._messages[message.message_id]
        return list(self._messages.values())

    def take_all(self, now: datetime) -> list[Message]:
        """Remove and return every message."""
        taken = self.messages(now)
        self._messages.clear()
        return taken

    def counts(self, now: datetime) -> dict[str, int]:
        """Return how many are visible, in flight, and delayed."""
        kept = self.messages(now)
        in_flight = sum(one.is_in_flight(now) for one in kept)
        hidden = sum(one.visible_at > now for one in kept)
        return {
            "ApproximateNumberOfMessages": len(kept) - hidden,
            "ApproximateNumberOfMessagesNotVisible": in_flight,
            "ApproximateNumberOfMessagesDelayed": hidden - in_flight,
        }

    def _scope(self, group: str | None) -> str | None:
        return group if self.definition.deduplicates_by_group else None

    def _has_failed(self, message: Message) -> bool:
        return self.bury is not None and message.receives >= self.definition.max_receives

    def _bury(self, message: Message) -> None:
        assert self.bury is not None
        del self._messages[message.message_id]
        self.bury(message)
