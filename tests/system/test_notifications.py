"""Telling the trader on the deployed stack: from an order's stream to Telegram, a webhook and a mailbox."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from infra import notify
from infra.local.stack import Stack
from infra.operate import Target
from order_router.aws.channel_secrets import channel_secret_name
from order_router.aws.secrets_manager import write_texts
from order_router.domain.channel import Channel, EmailChannel, TelegramChannel, WebhookChannel
from tests.simulators.channels import SIGNING_SECRET, TOKEN
from tests.system.channels import ChannelsProcess
from tests.system.client import eventually
from tests.system.conftest import LocalStack
from tests.system.trader import Trader


@pytest.fixture
def channels(channels_port: int) -> Iterator[ChannelsProcess]:
    channels = ChannelsProcess(channels_port)
    channels.start()
    yield channels
    channels.stop()


@pytest.fixture
def set_up(target: Target, trader: Trader, channels: ChannelsProcess) -> Iterator[list[Channel]]:
    """Telegram, a webhook and a mailbox of this trader's account; they are taken down again."""
    word, mine = trader.word[:8], (trader.account,)
    made: list[Channel] = [
        TelegramChannel(name=f"t-{word}", chat_id="4711", accounts=mine),
        WebhookChannel(name=f"w-{word}", url=f"{channels.url}/hook", accounts=mine),
        EmailChannel(name=f"m-{word}", address="trader@example.com", accounts=mine),
    ]
    for channel, secret in zip(
        made, ({"bot_token": TOKEN}, {"signing_secret": SIGNING_SECRET}), strict=False
    ):
        name = channel_secret_name(f"{target.stack_name}/channels", channel.name)
        write_texts(lambda: target.secretsmanager, name, secret)
    for channel in made:
        notify.channels(target).put(channel)
    yield made
    for channel in made:
        notify.channels(target).remove(channel.name)


def mailbox(target: Target, channel: str) -> tuple[Any, str]:
    """A queue in the mailbox's place, subscribed as an address is; SNS may put into it."""
    sns, sqs, topic = target.make_client("sns"), target.make_client("sqs"), target.outputs["NoticeTopicArn"]
    url = sqs.create_queue(QueueName=f"mailbox-{channel}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    lets_sns = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [lets_sns]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    sns.subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=arn,
        Attributes={"FilterPolicy": json.dumps({"channel": [channel]})},
    )
    return sqs, url


def told(channels: ChannelsProcess, on: str, trader: Trader, *, count: int = 1) -> list[dict[str, Any]]:
    """What a channel took of this trader's, once that is so many."""

    def look() -> list[dict[str, Any]] | None:
        taken = channels.messages(on, trader.ticker)
        return taken if len(taken) >= count else None

    return eventually(look, f"{on} is told", within_s=120)


def test_a_fill_is_told_everywhere_once(
    target: Target, trader: Trader, channels: ChannelsProcess, set_up: list[Channel]
) -> None:
    sqs, url = mailbox(target, set_up[2].name)

    trader.api.place(trader.order()).order(201)

    said = told(channels, "telegram", trader)
    posted = told(channels, "webhook", trader)
    mail = eventually(lambda: sqs.receive_message(QueueUrl=url).get("Messages"), "the mail is there")
    assert [one["text"].splitlines()[0] for one in said] == [f"Order filled [{trader.account}]"]
    assert [one["type"] for one in posted] == ["notice.fill"]
    assert json.loads(mail[0]["Body"])["Subject"] == f"Order filled [{trader.account}]"


def test_an_alert_that_becomes_no_order_is_told(
    trader: Trader, channels: ChannelsProcess, set_up: list[Channel]
) -> None:
    sender = trader.strategy()

    reply = sender.send(sender.message(contracts="100000"))

    assert reply.status == 422
    (said,) = told(channels, "telegram", trader)
    assert said["text"].splitlines()[0] == f"URGENT: Alert refused, no order made [{trader.account}]"
    assert trader.at_broker() == []


def test_channels_that_hang_delay_and_hurt_no_order_and_are_told_later(
    trader: Trader, channels: ChannelsProcess, set_up: list[Channel]
) -> None:
    for on in ("telegram", "webhook"):
        channels.tell(behave="hang", on=on, times=0)

    placed = [trader.api.place(trader.order()).order(201) for _ in range(3)]

    assert {order["state"] for order in placed} == {"filled"}
    assert channels.messages("telegram", trader.ticker) == []
    for on in ("telegram", "webhook"):
        channels.tell(behave="server_error", on=on, times=1)
    assert len(told(channels, "telegram", trader, count=3)) == 3
    assert len(told(channels, "webhook", trader, count=3)) == 3


def test_a_channel_that_is_gone_says_so_when_it_is_tried(
    trader: Trader, channels: ChannelsProcess, set_up: list[Channel]
) -> None:
    telegram, webhook, _ = set_up

    good = trader.api.send("POST", f"/v1/notifications/{telegram.name}/test")
    channels.stop()
    bad = trader.api.send("POST", f"/v1/notifications/{webhook.name}/test")

    assert (good.status, good.content["told"]) == (200, True)
    assert bad.code == "CHANNEL_UNAVAILABLE"
    assert "canary" not in bad.text


def test_no_token_and_no_signing_secret_is_in_any_log_line(
    stack: LocalStack, trader: Trader, channels: ChannelsProcess, set_up: list[Channel]
) -> None:
    channels.tell(behave="repeats_the_token", on="telegram", times=1)
    channels.tell(behave="drop", on="webhook", times=1)
    trader.api.place(trader.order()).order(201)
    told(channels, "telegram", trader)
    told(channels, "webhook", trader)

    lines = log_lines(Stack(stack.facts["endpoint_url"]), "notify")

    assert any("not told yet" in line for line in lines)
    assert not [line for line in lines if "canary" in line or SIGNING_SECRET in line]


def log_lines(stack: Stack, function: str) -> list[str]:
    logs = stack.client("logs")
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=f"/{stack.name}/{function}")
    return [str(event["message"]) for page in pages for event in page["events"]]
