"""E-mail through SNS, on moto: the filter by channel, a subject that SNS takes, failures as ours."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from order_router.aws.sns_mail import SnsMail
from order_router.domain.channel import ChannelDown, ChannelRefused, EmailChannel
from order_router.domain.notices import Notice
from order_router.domain.telling import Telling
from tests.fakes.aws import Wrapped, aws_client, aws_in_memory
from tests.fakes.client_errors import client_error
from tests.fakes.clock import MONDAY_MORNING

NOTICE = Notice(kind="fill", account="main", message="BUY 5 NSE:INFY is filled at 1500.05")
TELLING = Telling(telling_id="t1", notice=NOTICE, at=MONDAY_MORNING)
MINE = EmailChannel(name="mail", address="trader@example.com")


@dataclass
class Post:
    """A topic with a queue where mail would go."""

    sns: Any
    sqs: Any
    topic: str
    queue: str

    def mail(self) -> SnsMail:
        return SnsMail(lambda: self.sns, lambda: self.topic)

    def received(self) -> list[dict[str, Any]]:
        answer = self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10)
        return [json.loads(message["Body"]) for message in answer.get("Messages", ())]


@pytest.fixture
def post() -> Iterator[Post]:
    with aws_in_memory():
        sns, sqs = aws_client("sns"), aws_client("sqs")
        topic = sns.create_topic(Name="notices")["TopicArn"]
        queue = sqs.create_queue(QueueName="mailbox")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        only_mine = {"FilterPolicy": json.dumps({"channel": ["mail"]})}
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=only_mine)
        yield Post(sns, sqs, topic, queue)


def test_only_the_channels_own_subscription_gets_it(post: Post) -> None:
    post.mail().say(MINE, TELLING)
    post.mail().say(MINE.model_copy(update={"name": "other"}), TELLING)

    (mail,) = post.received()
    assert mail["Subject"] == "Order filled [main]"
    assert mail["Message"].startswith("BUY 5 NSE:INFY is filled at 1500.05\n23 Nov 2026 10:00:00 IST")


def test_a_subject_is_what_sns_takes(post: Post) -> None:
    notice = Notice(kind="fill", account="main\n" + "ü" * 200, message="-")
    sent: dict[str, Any] = {}

    client = Wrapped(post.sns, publish=lambda **request: sent.update(request))
    SnsMail(lambda: client, lambda: post.topic).say(
        MINE, Telling(telling_id="t1", notice=notice, at=MONDAY_MORNING)
    )

    assert len(sent["Subject"]) == 100
    assert sent["Subject"].isascii()
    assert sent["Subject"].isprintable()


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (client_error("Publish", "Throttling", "slow down"), ChannelDown),
        (client_error("Publish", "InternalError", "sorry"), ChannelDown),
        (client_error("Publish", "AuthorizationError", "no"), ChannelRefused),
        (client_error("Publish", "NotFound", "no topic"), ChannelRefused),
        (EndpointConnectionError(endpoint_url="https://sns.example"), ChannelDown),
    ],
)
def test_each_failure_is_one_of_ours(post: Post, error: Exception, expected: type[ChannelDown]) -> None:
    def publish(**_: Any) -> Any:
        raise error

    with pytest.raises(ChannelDown) as caught:
        SnsMail(lambda: Wrapped(post.sns, publish=publish), lambda: post.topic).say(MINE, TELLING)

    assert type(caught.value) is expected


def test_a_topic_that_is_gone_is_refused(post: Post) -> None:
    post.sns.delete_topic(TopicArn=post.topic)

    with pytest.raises(ChannelRefused, match="NotFound"):
        post.mail().say(MINE, TELLING)
