"""The notifier but for sockets and AWS: its handlers over the fakes of DynamoDB and SQS, and channels that play."""

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from order_router.api.tellings import tell_messages
from order_router.aws.channels_table import ChannelsTable
from order_router.aws.notice_memory import NoticeMemoryTable
from order_router.aws.notice_queue import QueueNotifier, SqsNoticeQueue, read_telling
from order_router.domain.channel import (
    Channel,
    ChannelDown,
    EmailChannel,
    TelegramChannel,
    WebhookChannel,
)
from order_router.domain.kill_switch import KillSwitch
from order_router.domain.notices import Notice
from order_router.domain.telling import Telling
from order_router.ports import StoreUnavailable
from order_router.service.channels import SpokenChannels
from order_router.service.telling import TellingDesk
from tests.fakes.clock import FakeClock
from tests.fakes.dynamodb import FakeDynamoDB, template_tables
from tests.fakes.sqs import FakeSqs

VISIBILITY_S, GIVES_UP_AFTER = 180, 8

TELEGRAM = TelegramChannel(name="phone", chat_id="4711")
EMAIL = EmailChannel(name="mail", address="trader@example.com")
WEBHOOK = WebhookChannel(name="hook", url="https://hooks.example.com/a")


@dataclass
class PlayedChannel:
    """Takes what it is told, or fails as often as it was told to; `said` is what it took."""

    said: list[Telling] = field(default_factory=list)
    failures: deque[Exception] = field(default_factory=deque)

    def say(self, _channel: Channel, telling: Telling) -> None:
        if self.failures:
            raise self.failures.popleft()
        self.said.append(telling)

    @property
    def kinds(self) -> list[str]:
        return [telling.notice.kind for telling in self.said]


class TellingWorld:
    """`tell` queues a notice as every function does; `settle` is Lambda's poller until nothing is visible."""

    def __init__(self, *channels: Channel) -> None:
        self.clock = FakeClock()
        self.dynamodb = FakeDynamoDB(template_tables())
        self.sqs = FakeSqs(self.clock)
        self.dead_url = self.sqs.create_queue(QueueName="dead")["QueueUrl"]
        self.url = self.sqs.create_queue(
            QueueName="notices", Attributes={"VisibilityTimeout": str(VISIBILITY_S)}
        )["QueueUrl"]
        self.queue = SqsNoticeQueue(lambda: self.sqs, self.url)
        self.memory = NoticeMemoryTable(self.dynamodb, "GateTable")
        self.settings = ChannelsTable(self.dynamodb, "SettingsTable")
        for channel in channels:
            self.settings.put(channel)
        self.spoken = {kind: PlayedChannel() for kind in ("telegram", "email", "webhook")}
        self.stopped: list[str] = []
        self.has_stop_links = True
        self.notifier = QueueNotifier(lambda: self.sqs, self.url, self.clock)
        speakers = {kind: played.say for kind, played in self.spoken.items()}
        self.desk = TellingDesk(
            queue=self.queue,
            memory=self.memory,
            channels=SpokenChannels(self.settings, speakers),
            clock=self.clock,
            stop_link=self._stop_link,
        )
        self.handle = tell_messages(self.desk, self.queue, read_telling)

    def _stop_link(self, switch: KillSwitch) -> str | None:
        if not self.has_stop_links:
            raise StoreUnavailable("issuing a ticket: ThrottlingException")
        self.stopped.append(switch.key)
        return "https://router.test/stop-canary"

    @property
    def telegram(self) -> PlayedChannel:
        return self.spoken["telegram"]

    @property
    def email(self) -> PlayedChannel:
        return self.spoken["email"]

    @property
    def webhook(self) -> PlayedChannel:
        return self.spoken["webhook"]

    def tell(self, kind: str = "duplicate", message: str = "look at the book", **more: Any) -> None:
        self.notifier.tell(Notice(kind=kind, account=more.pop("account", "main"), message=message, **more))

    def receive(self) -> list[dict[str, Any]]:
        answer = self.sqs.receive_message(QueueUrl=self.url, MessageSystemAttributeNames=["All"])
        return [_record(message) for message in answer.get("Messages", ())]

    def settle(self) -> None:
        """Hand each visible message to the handler, one at a time, as Lambda's poller does."""
        while records := self.receive():
            for record in records:
                self.take(record)

    def take(self, record: dict[str, Any]) -> None:
        failed = self.handle({"Records": [record]})["batchItemFailures"]
        if not failed:
            self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=record["receiptHandle"])

    def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.settle()

    def depth(self) -> int:
        """Return how many messages are in the queue, visible or not."""
        names = ["All"]
        counts = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return sum(int(number) for name, number in counts.items() if name.startswith("ApproximateNumber"))


def down(retry_after_s: int | None = None) -> ChannelDown:
    return ChannelDown("HTTP 500", retry_after_s=retry_after_s)


def _record(message: dict[str, Any]) -> dict[str, Any]:
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "eventSource": "aws:sqs",
    }
