"""Probes of what all queues have: visibility, receives, delay, dead letters."""

import json

from tests.conformance.aws import Aws, bodies, refused
from tests.conformance.probe import probe

A_SECOND = 1.1
"""A second, and what an emulator's own clock may be late."""


def receives(message: dict[str, dict[str, str]]) -> str:
    return message["Attributes"]["ApproximateReceiveCount"]


@probe
def a_message_in_flight_is_not_seen(aws: Aws) -> None:
    """A received message is invisible for its visibility timeout, then comes again. Page: Visibility timeout."""
    url = aws.queue(VisibilityTimeout="60")
    aws.send(url, "a")
    [first] = aws.receive(url)
    assert aws.receive(url) == []
    aws.show_again(url, first, after_s=1)

    aws.pass_time(A_SECOND)

    [again] = aws.receive(url)
    assert again["MessageId"] == first["MessageId"]
    assert again["ReceiptHandle"] != first["ReceiptHandle"]
    assert (receives(first), receives(again)) == ("1", "2")


@probe
def a_receive_may_set_its_own_visibility(aws: Aws) -> None:
    """VisibilityTimeout of a receive overrides the queue's for what it returns. Page: ReceiveMessage."""
    url = aws.queue(VisibilityTimeout="0")
    aws.send(url, "a")

    aws.receive(url, VisibilityTimeout=30)

    assert aws.receive(url) == []


@probe
def a_message_can_be_let_go(aws: Aws) -> None:
    """ChangeMessageVisibility with 0 makes a message visible at once. Page: Visibility timeout."""
    url = aws.queue()
    aws.send(url, "a")
    [message] = aws.receive(url)

    aws.show_again(url, message)

    assert bodies(aws.receive(url)) == ["a"]


@probe
def a_message_can_be_held_longer(aws: Aws) -> None:
    """A changed visibility counts from the change. Page: ChangeMessageVisibility."""
    url = aws.queue(VisibilityTimeout="1")
    aws.send(url, "a")
    [message] = aws.receive(url)
    aws.show_again(url, message, after_s=30)

    aws.pass_time(A_SECOND)

    assert aws.receive(url) == []


@probe
def a_changed_visibility_is_for_once(aws: Aws) -> None:
    """The next receive has the queue's own timeout again. Page: ChangeMessageVisibility."""
    url = aws.queue(VisibilityTimeout="30")
    aws.send(url, "a")
    [message] = aws.receive(url)
    aws.show_again(url, message)

    assert bodies(aws.receive(url)) == ["a"]
    assert aws.receive(url) == []


@probe
def only_a_message_in_flight_has_a_visibility(aws: Aws) -> None:
    """MessageNotInflight: the message is not in flight. Page: ChangeMessageVisibility, errors."""
    url = aws.queue()
    aws.send(url, "a")
    [message] = aws.receive(url)
    aws.show_again(url, message)

    with refused("AWS.SimpleQueueService.MessageNotInflight", "MessageNotInflight"):
        aws.show_again(url, message, after_s=5)


@probe
def a_visibility_is_at_most_12_hours(aws: Aws) -> None:
    """VisibilityTimeout is 0 to 43200 seconds. Page: ChangeMessageVisibility."""
    url = aws.queue()
    aws.send(url, "a")
    [message] = aws.receive(url)

    with refused("InvalidParameterValue"):
        aws.show_again(url, message, after_s=43_201)


@probe
def a_deleted_message_does_not_come_again(aws: Aws) -> None:
    """DeleteMessage removes what was received with this handle. Page: DeleteMessage."""
    url = aws.queue(VisibilityTimeout="0")
    aws.send(url, "a")
    aws.send(url, "b")
    gone = next(message for message in aws.receive(url) if message["Body"] == "a")

    aws.delete(url, gone)

    assert bodies(aws.receive(url)) == ["b"]


@probe
def a_handle_that_is_none_is_refused(aws: Aws) -> None:
    """ReceiptHandleIsInvalid: the receipt handle is not valid. Page: DeleteMessage, errors."""
    url = aws.queue()

    with refused("ReceiptHandleIsInvalid"):
        aws.delete(url, {"ReceiptHandle": "nonsense"})


@probe
def a_delayed_message_comes_later(aws: Aws) -> None:
    """DelaySeconds hides a message for that long after it was sent. Page: Message timers."""
    url = aws.queue()
    for body, delay_s in (("now", 0), ("soon", 1), ("late", 60)):
        aws.sqs.send_message(QueueUrl=url, MessageBody=body, DelaySeconds=delay_s)
    assert "late" not in bodies(aws.receive(url, VisibilityTimeout=0))

    aws.pass_time(A_SECOND)

    assert sorted(bodies(aws.receive(url))) == ["now", "soon"]


@probe
def a_delay_is_at_most_15_minutes(aws: Aws) -> None:
    """DelaySeconds is 0 to 900. Page: SendMessage."""
    url = aws.queue()

    with refused("InvalidParameterValue"):
        aws.sqs.send_message(QueueUrl=url, MessageBody="a", DelaySeconds=901)


@probe
def a_queue_counts_its_messages(aws: Aws) -> None:
    """Visible, in flight and delayed messages are counted apart. Page: GetQueueAttributes."""
    url = aws.queue()
    for body in "abc":
        aws.send(url, body)
    aws.sqs.send_message(QueueUrl=url, MessageBody="late", DelaySeconds=60)
    aws.receive(url, most=1)

    found = aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]

    counted = ("", "NotVisible", "Delayed")
    assert [found[f"ApproximateNumberOfMessages{kind}"] for kind in counted] == ["2", "1", "1"]


@probe
def a_receive_returns_at_most_ten(aws: Aws) -> None:
    """MaxNumberOfMessages is 1 to 10, by default 1. Page: ReceiveMessage."""
    url = aws.queue()
    for number in range(12):
        aws.send(url, str(number))

    assert len(aws.sqs.receive_message(QueueUrl=url)["Messages"]) == 1
    assert len(aws.receive(url, most=10)) <= 10
    with refused("InvalidParameterValue", "AWS.SimpleQueueService.ReadCountOutOfRange"):
        aws.receive(url, most=11)


@probe
def an_empty_receive_has_no_messages(aws: Aws) -> None:
    """Where there is nothing to receive the answer has no messages. Page: ReceiveMessage."""
    assert not aws.sqs.receive_message(QueueUrl=aws.queue()).get("Messages")


@probe
def a_failing_message_goes_to_the_dead_letters(aws: Aws) -> None:
    """Received more than maxReceiveCount times it is moved, with its id and its count. Page: Dead-letter queues."""
    dead = aws.queue()
    policy = json.dumps({"deadLetterTargetArn": aws.arn(dead), "maxReceiveCount": "2"})
    url = aws.queue(RedrivePolicy=policy)
    aws.send(url, "poison")
    seen = []
    for _ in range(2):
        [message] = aws.receive(url)
        seen.append(receives(message))
        aws.show_again(url, message)

    assert seen == ["1", "2"]
    assert aws.receive(url) == []
    [letter] = aws.receive(dead)
    assert (letter["Body"], letter["MessageId"]) == ("poison", message["MessageId"])


@probe
def receives_are_counted_across_queues(aws: Aws) -> None:
    """ApproximateReceiveCount counts receives across all queues. Page: ReceiveMessage."""
    dead = aws.queue()
    policy = json.dumps({"deadLetterTargetArn": aws.arn(dead), "maxReceiveCount": "1"})
    url = aws.queue(RedrivePolicy=policy)
    aws.send(url, "poison")
    [message] = aws.receive(url)
    aws.show_again(url, message)
    assert aws.receive(url) == []

    [letter] = aws.receive(dead)

    assert receives(letter) == "2"


@probe
def dead_letters_can_be_sent_again(aws: Aws) -> None:
    """A move task sends dead letters to their source queue, as new messages. Page: Dead-letter queue redrive."""
    dead = aws.queue(fifo=True)
    policy = json.dumps({"deadLetterTargetArn": aws.arn(dead), "maxReceiveCount": "1"})
    url = aws.queue(fifo=True, RedrivePolicy=policy)
    aws.send(url, "poison", "g", once="k-1")
    [message] = aws.receive(url)
    aws.show_again(url, message)
    assert aws.receive(url) == []

    aws.sqs.start_message_move_task(SourceArn=aws.arn(dead))
    aws.pass_time(A_SECOND)

    [again] = aws.receive(url)
    assert again["Body"] == "poison"
    assert again["MessageId"] != message["MessageId"]


@probe
def a_body_is_text_that_xml_allows(aws: Aws) -> None:
    """A body has at least one character, and only those of #x9 #xA #xD #x20-#xD7FF and on. Page: SendMessage."""
    url = aws.queue()

    with refused("InvalidMessageContents", "InvalidParameterValue"):
        aws.send(url, "a\x00b")
    with refused("MissingParameter", "InvalidParameterValue"):
        aws.send(url, "")


@probe
def a_queue_that_is_not_there_is_unknown(aws: Aws) -> None:
    """QueueDoesNotExist: the queue does not exist. Page: SendMessage, errors."""
    gone = aws.queue().rpartition("/")[0] + "/no-such-queue"

    with refused("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"):
        aws.send(gone, "a")
