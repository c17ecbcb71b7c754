"""Probes of FIFO queues."""

import json
from contextlib import suppress

from botocore.exceptions import ClientError

from tests.conformance.aws import Aws, bodies, refused
from tests.conformance.probe import probe

BY_GROUP = {"DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"}


@probe
def a_group_comes_out_in_order(aws: Aws) -> None:
    """Messages of one group are delivered in the order they were sent. Page: FIFO delivery logic."""
    url = aws.queue(fifo=True)
    for body in "abcde":
        aws.send(url, body, "g")

    assert bodies(aws.receive(url)) == list("abcde")


@probe
def a_group_waits_for_its_message_in_flight(aws: Aws) -> None:
    """While one of a group is in flight no other of it is returned. Page: FIFO key terms, message group ID."""
    url = aws.queue(fifo=True)
    for body in ("a", "b"):
        aws.send(url, body, "g")

    [first] = aws.receive(url, most=1)
    assert aws.receive(url) == []
    aws.delete(url, first)

    assert bodies(aws.receive(url)) == ["b"]


@probe
def groups_do_not_wait_for_each_other(aws: Aws) -> None:
    """Messages of other groups can be received meanwhile. Page: FIFO delivery logic."""
    url = aws.queue(fifo=True)
    for body, group in (("a", "g"), ("b", "g"), ("c", "h")):
        aws.send(url, body, group)

    aws.receive(url, most=1)

    assert bodies(aws.receive(url)) == ["c"]


@probe
def a_group_waits_for_all_that_were_taken(aws: Aws) -> None:
    """After one of several in flight is deleted the group still waits for the rest. Page: FIFO delivery logic."""
    url = aws.queue(fifo=True)
    for body in "abc":
        aws.send(url, body, "g")

    first, second = aws.receive(url, most=2)
    aws.delete(url, first)
    assert aws.receive(url) == []
    aws.delete(url, second)

    assert bodies(aws.receive(url)) == ["c"]


@probe
def a_message_that_comes_again_comes_first(aws: Aws) -> None:
    """A message whose visibility ended is delivered again before later ones of its group. Page: FIFO delivery logic."""
    url = aws.queue(fifo=True)
    for body in ("a", "b"):
        aws.send(url, body, "g")

    [first] = aws.receive(url, most=1)
    aws.show_again(url, first)

    assert bodies(aws.receive(url)) == ["a", "b"]


@probe
def a_duplicate_is_taken_and_not_delivered(aws: Aws) -> None:
    """A repeat of a deduplication id within 5 minutes succeeds and is not delivered. Page: Exactly-once processing."""
    url = aws.queue(fifo=True)

    sent = [aws.send(url, body, "g", once="k-1") for body in ("a", "other")]

    assert bodies(aws.receive(url)) == ["a"]
    assert all(answer["MessageId"] for answer in sent)


@probe
def a_deduplication_id_outlives_its_message(aws: Aws) -> None:
    """The id is tracked even after the message is received and deleted. Page: SendMessage, MessageDeduplicationId."""
    url = aws.queue(fifo=True)
    aws.send(url, "a", "g", once="k-1")
    [message] = aws.receive(url)
    aws.delete(url, message)

    aws.send(url, "again", "g", once="k-1")

    assert aws.receive(url) == []


@probe
def deduplication_is_by_queue(aws: Aws) -> None:
    """By default a deduplication id is unique in the queue, whatever its group. Page: SetQueueAttributes."""
    url = aws.queue(fifo=True)
    for group in ("g", "h"):
        aws.send(url, group, group, once="k-1")

    assert bodies(aws.receive(url)) == ["g"]


@probe
def deduplication_may_be_by_group(aws: Aws) -> None:
    """With DeduplicationScope messageGroup an id is unique in its group. Page: SetQueueAttributes."""
    url = aws.queue(fifo=True, **BY_GROUP)
    for group in ("g", "h", "g"):
        aws.send(url, group, group, once="k-1")

    assert sorted(bodies(aws.receive(url))) == ["g", "h"]


@probe
def equal_content_may_be_a_duplicate(aws: Aws) -> None:
    """ContentBasedDeduplication makes the id from the body's SHA-256. Page: SetQueueAttributes."""
    url = aws.queue(fifo=True, ContentBasedDeduplication="true")
    for body in ("a", "a", "b"):
        aws.sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId="g")

    assert bodies(aws.receive(url)) == ["a", "b"]


@probe
def a_fifo_message_has_a_group_and_an_id(aws: Aws) -> None:
    """A FIFO queue's messages need a group, and a deduplication id or one by content. Page: SendMessage."""
    url = aws.queue(fifo=True)

    with refused("MissingParameter"):
        aws.sqs.send_message(QueueUrl=url, MessageBody="a", MessageDeduplicationId="k-1")
    with refused("InvalidParameterValue"):
        aws.sqs.send_message(QueueUrl=url, MessageBody="a", MessageGroupId="g")


@probe
def an_id_has_128_characters(aws: Aws) -> None:
    """A deduplication id and a group id have at most 128 characters. Page: SendMessage."""
    url = aws.queue(fifo=True)
    aws.send(url, "a", "g" * 128, once="k" * 128)

    with refused("InvalidParameterValue"):
        aws.send(url, "a", "g", once="k" * 129)
    with refused("InvalidParameterValue"):
        aws.send(url, "a", "g" * 129)


@probe
def a_fifo_message_has_no_delay_of_its_own(aws: Aws) -> None:
    """On a FIFO queue DelaySeconds is set for the queue, not for a message. Page: SendMessage, DelaySeconds."""
    url = aws.queue(fifo=True)

    with refused("InvalidParameterValue"):
        aws.sqs.send_message(
            QueueUrl=url, MessageBody="a", MessageGroupId="g", MessageDeduplicationId="k-1", DelaySeconds=5
        )


@probe
def a_message_tells_its_group_id_and_number(aws: Aws) -> None:
    """MessageGroupId, MessageDeduplicationId and SequenceNumber are attributes of a message. Page: ReceiveMessage."""
    url = aws.queue(fifo=True)
    sent = [aws.send(url, body, "g", once=f"k-{body}") for body in ("a", "b")]

    received = [message["Attributes"] for message in aws.receive(url)]

    assert [one["MessageGroupId"] for one in received] == ["g", "g"]
    assert [one["MessageDeduplicationId"] for one in received] == ["k-a", "k-b"]
    assert [one["SequenceNumber"] for one in received] == [one["SequenceNumber"] for one in sent]


@probe
def sequence_numbers_go_up(aws: Aws) -> None:
    """Sequence numbers are 128 bits long and increase in a group. Page: SendMessage, SequenceNumber."""
    url = aws.queue(fifo=True)

    numbers = [int(aws.send(url, body, "g")["SequenceNumber"]) for body in "abcdefghijkl"]

    assert numbers == sorted(set(numbers))


@probe
def an_expired_handle_deletes_nothing(aws: Aws) -> None:
    """A FIFO handle expires with the visibility: InvalidParameterValue. Page: Receipt handle errors (re:Post)."""
    url = aws.queue(fifo=True)
    aws.send(url, "a", "g")
    [message] = aws.receive(url)
    aws.show_again(url, message)

    with refused("InvalidParameterValue"):
        aws.delete(url, message)
    assert bodies(aws.receive(url)) == ["a"]


@probe
def an_old_handle_does_not_delete_a_newer_receive(aws: Aws) -> None:
    """An old handle has expired and does not delete the message. Page: Receipt handle errors (re:Post)."""
    url = aws.queue(fifo=True)
    aws.send(url, "a", "g")
    [old] = aws.receive(url)
    aws.show_again(url, old)
    [new] = aws.receive(url)

    with suppress(ClientError):
        aws.delete(url, old)
    aws.show_again(url, new)

    assert bodies(aws.receive(url)) == ["a"]


@probe
def a_failing_message_goes_to_the_dead_letters_in_order(aws: Aws) -> None:
    """Received too often a message moves to a dead-letter queue; its group goes on. Page: Dead-letter queues."""
    dead = aws.queue(fifo=True)
    policy = json.dumps({"deadLetterTargetArn": aws.arn(dead), "maxReceiveCount": "2"})
    url = aws.queue(fifo=True, RedrivePolicy=policy)
    aws.send(url, "poison", "g", once="k-1")
    aws.send(url, "next", "g")
    for _ in range(2):
        [message] = aws.receive(url, most=1)
        assert message["Body"] == "poison"
        aws.show_again(url, message)

    after = bodies(aws.receive(url)) or bodies(aws.receive(url))

    assert after == ["next"]
    [letter] = aws.receive(dead)
    assert (letter["Body"], letter["MessageId"]) == ("poison", message["MessageId"])
    assert letter["Attributes"]["MessageGroupId"] == "g"
    assert letter["Attributes"]["MessageDeduplicationId"] == "k-1"
