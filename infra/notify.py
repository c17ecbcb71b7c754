"""What an operator does to the channels of notices: settings, secrets, and e-mail's subscriptions."""

import base64
import json
import secrets
from typing import Any

from botocore.exceptions import ClientError

from infra.operate import Target
from order_router.aws.channel_secrets import channel_secret_name
from order_router.aws.channels_table import ChannelsTable
from order_router.aws.secrets_manager import write_texts
from order_router.aws.sns_mail import ATTRIBUTE
from order_router.domain.channel import Channel, EmailChannel
from order_router.domain.errors import RouterError
from order_router.transport.channels.speakers import SIGNING_SECRET, TOKEN
from order_router.transport.channels.webhook import PREFIX

PENDING = "PendingConfirmation"


def channels(target: Target) -> ChannelsTable:
    """Return the stack's channels."""
    return ChannelsTable(target.dynamodb, target.outputs["SettingsTableName"])


def channel_of(target: Target, name: str) -> Channel:
    """Return the channel; RouterError if there is none."""
    found = channels(target).named(name)
    if found is None:
        words = f"there is no channel {name[:40]!r}: router notify list has them"
        raise RouterError(words, code="CHANNEL_UNKNOWN")
    return found


def keep_token(target: Target, name: str, token: str) -> None:
    """Store a Telegram bot's token."""
    write_texts(lambda: target.secretsmanager, _secret_name(target, name), {TOKEN: token})


def new_signing_secret(target: Target, name: str) -> str:
    """Store a new secret that a webhook is signed with, and return it: nobody can read it back with this command."""
    secret = PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()
    write_texts(lambda: target.secretsmanager, _secret_name(target, name), {SIGNING_SECRET: secret})
    return secret


def subscribe(target: Target, channel: EmailChannel) -> None:
    """Ask SNS to send the channel's notices to its address; whoever reads mail there confirms it once.

    RouterError if another channel mails there: SNS keeps one subscription, with one filter, of an address.
    """
    others = [one for one in channels(target).all() if one.name != channel.name]
    for other in others:
        if isinstance(other, EmailChannel) and other.address == channel.address:
            words = f"channel {other.name} mails to {channel.address} already, and one alone can"
            raise RouterError(words, code="ADDRESS_TAKEN")
    target.make_client("sns").subscribe(
        TopicArn=target.outputs["NoticeTopicArn"],
        Protocol="email",
        Endpoint=channel.address,
        Attributes={"FilterPolicy": json.dumps({ATTRIBUTE: [channel.name]})},
        ReturnSubscriptionArn=True,
    )


def unsubscribe(target: Target, channel: EmailChannel) -> None:
    """End the subscription of the channel's address; one that was never confirmed ends by itself in three days."""
    for row in _subscriptions(target, channel):
        if row["SubscriptionArn"] != PENDING:
            target.make_client("sns").unsubscribe(SubscriptionArn=row["SubscriptionArn"])


def is_confirmed(target: Target, channel: EmailChannel) -> bool:
    """Return whether somebody confirmed the subscription of the channel's address."""
    arns = [row["SubscriptionArn"] for row in _subscriptions(target, channel)]
    return any(arn != PENDING for arn in arns)


def remove(target: Target, channel: Channel) -> None:
    """Delete a channel, its secret and its subscription; the channel last, so that what fails can be asked again."""
    if isinstance(channel, EmailChannel):
        unsubscribe(target, channel)
    else:
        _delete_secret(target, channel)
    channels(target).remove(channel.name)


def end_former(target: Target, former: Channel, channel: Channel) -> None:
    """Delete what a channel was told with before it was set up anew, unless that took its place."""
    if isinstance(former, EmailChannel):
        if not isinstance(channel, EmailChannel) or former.address != channel.address:
            unsubscribe(target, former)
    elif isinstance(channel, EmailChannel):
        _delete_secret(target, former)


def _delete_secret(target: Target, channel: Channel) -> None:
    try:
        target.secretsmanager.delete_secret(
            SecretId=_secret_name(target, channel.name), ForceDeleteWithoutRecovery=True
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise


def _subscriptions(target: Target, channel: EmailChannel) -> list[dict[str, Any]]:
    pages = target.make_client("sns").get_paginator("list_subscriptions_by_topic")
    rows = [
        row
        for page in pages.paginate(TopicArn=target.outputs["NoticeTopicArn"])
        for row in page["Subscriptions"]
    ]
    return [row for row in rows if row["Protocol"] == "email" and row["Endpoint"] == channel.address]


def _secret_name(target: Target, channel: str) -> str:
    return channel_secret_name(f"{target.stack_name}/channels", channel)
