"""`router notify`: channels set up and taken down, their secrets shown once or never."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from infra import notify
from infra.operate import Target
from order_router.aws.channel_secrets import ChannelSecrets
from order_router.domain.channel import ChannelRefused, WebhookChannel
from tests.fakes.aws import Wrapped, aws_client, aws_in_memory
from tests.simulators.channels import TOKEN
from tests.unit.cli.trying import Stack


@dataclass
class NoticeStack(Stack):
    """A stack with SNS and Secrets Manager as moto has them."""

    topic: str = ""
    sns: Any = None

    @property
    def target(self) -> Target:
        outputs = {**super().target.outputs, "NoticeTopicArn": self.topic}
        return replace(super().target, outputs=outputs, make_client=lambda _: self.sns)

    def secret(self, channel: str, field: str) -> str:
        secrets = ChannelSecrets(lambda: self.secrets, f"{self.name}/channels")
        return secrets.read(channel, field).reveal()

    def subscriptions(self) -> list[dict[str, Any]]:
        return list(self.sns.list_subscriptions_by_topic(TopicArn=self.topic)["Subscriptions"])


@pytest.fixture
def stack(capsys: pytest.CaptureFixture[str]) -> Iterator[NoticeStack]:
    with aws_in_memory():
        sns = aws_client("sns")
        topic = sns.create_topic(Name="notices")["TopicArn"]
        yield NoticeStack(capsys, secrets=aws_client("secretsmanager"), sns=sns, topic=topic)


def test_a_bot_s_token_is_typed_unseen_and_kept_as_a_secret(stack: NoticeStack) -> None:
    stack.typist.lines = [TOKEN]

    ran = stack.ok("notify", "add", "phone", "--telegram", "4711", "--quiet", "22:00-07:00", "--mute", "fill")

    assert stack.typist.hidden == ["the bot's token"]
    assert stack.secret("phone", "bot_token") == TOKEN
    assert "canary" not in ran.out + ran.err
    (channel,) = stack.json("notify", "list")["channels"]
    assert channel["chat_id"] == "4711"
    assert (channel["quiet_from"], channel["quiet_to"], channel["mutes"]) == (
        "22:00:00",
        "07:00:00",
        ["fill"],
    )
    assert "canary" not in json.dumps(channel)


def test_enter_keeps_the_token_of_a_bot_that_is_there(stack: NoticeStack) -> None:
    stack.typist.lines = [TOKEN, ""]
    stack.ok("notify", "add", "phone", "--telegram", "4711")

    stack.ok("notify", "add", "phone", "--telegram", "-1001", "--urgent-only")

    assert stack.secret("phone", "bot_token") == TOKEN
    assert stack.json("notify", "list")["channels"][0]["urgent_only"] is True


def test_a_token_comes_from_a_private_file(stack: NoticeStack, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    file.chmod(0o600)

    stack.ok("notify", "add", "phone", "--telegram", "4711", "--from-file", file)

    assert stack.secret("phone", "bot_token") == TOKEN


def test_a_webhook_s_secret_is_shown_once(stack: NoticeStack) -> None:
    secret = stack.ok("notify", "add", "hook", "--webhook", "https://hooks.example.com/a").out.strip()

    assert secret.startswith("whsec_")
    assert stack.secret("hook", "signing_secret") == secret
    assert secret not in stack.ok("notify", "list").out


def test_a_webhook_s_address_is_kept_whole_and_shown_without_what_may_be_a_secret(stack: NoticeStack) -> None:
    url = "https://hooks.example.com/services/canary"

    added = stack.json("notify", "add", "hook", "--webhook", url)
    again = stack.ok("notify", "add", "hook", "--webhook", url, "--urgent-only")
    listed, table = stack.json("notify", "list"), stack.ok("notify", "list")

    (kept,) = notify.channels(stack.target).all()
    assert kept == WebhookChannel(name="hook", url=url, urgent_only=True)
    assert added["url"] == listed["channels"][0]["url"] == "https://hooks.example.com/..."
    assert "https://hooks.example.com/..." in table.out
    assert "canary" not in json.dumps([added, listed]) + again.out + again.err + table.out


def test_mail_is_subscribed_with_a_filter_on_its_channel(stack: NoticeStack) -> None:
    ran = stack.ok("notify", "add", "mail", "--email", "trader@example.com")

    (row,) = stack.subscriptions()
    attributes = stack.sns.get_subscription_attributes(SubscriptionArn=row["SubscriptionArn"])["Attributes"]
    assert (row["Protocol"], row["Endpoint"]) == ("email", "trader@example.com")
    assert json.loads(attributes["FilterPolicy"]) == {"channel": ["mail"]}
    assert "until its link is followed" in ran.err


def test_another_address_or_another_kind_ends_what_was_there(stack: NoticeStack) -> None:
    stack.ok("notify", "add", "one", "--email", "old@example.com")

    stack.ok("notify", "add", "one", "--email", "new@example.com")
    after_address = [row["Endpoint"] for row in stack.subscriptions()]
    stack.ok("notify", "add", "one", "--webhook", "https://hooks.example.com/a")

    assert after_address == ["new@example.com"]
    assert stack.subscriptions() == []


def test_a_bot_in_the_place_of_a_webhook_has_its_token_alone(stack: NoticeStack) -> None:
    stack.ok("notify", "add", "one", "--webhook", "https://hooks.example.com/a")
    stack.typist.lines = [TOKEN]

    stack.ok("notify", "add", "one", "--telegram", "4711")

    assert stack.secret("one", "bot_token") == TOKEN
    with pytest.raises(ChannelRefused, match="no signing_secret"):
        stack.secret("one", "signing_secret")


def test_mail_in_the_place_of_a_webhook_leaves_no_secret(stack: NoticeStack) -> None:
    stack.ok("notify", "add", "one", "--webhook", "https://hooks.example.com/a")

    stack.ok("notify", "add", "one", "--email", "trader@example.com")

    with pytest.raises(ChannelRefused, match="no signing_secret"):
        stack.secret("one", "signing_secret")


@pytest.mark.parametrize(
    "former", [("--webhook", "https://hooks.example.com/a"), ("--email", "a@example.com")]
)
def test_a_channel_that_cannot_be_changed_stays_as_it_was(
    stack: NoticeStack, former: tuple[str, str]
) -> None:
    stack.ok("notify", "add", "one", *former)
    channels, rows = notify.channels(stack.target).all(), stack.subscriptions()
    secret = stack.secret("one", "signing_secret") if former[0] == "--webhook" else None
    stack.typist.lines = ["not-a-token"]

    ran = stack.run("notify", "add", "one", "--telegram", "4711")

    assert ran.code == 2
    assert (notify.channels(stack.target).all(), stack.subscriptions()) == (channels, rows)
    assert secret is None or stack.secret("one", "signing_secret") == secret


def test_one_channel_alone_mails_to_an_address(stack: NoticeStack) -> None:
    stack.ok("notify", "add", "all", "--email", "trader@example.com")

    ran = stack.run("notify", "add", "urgent", "--email", "trader@example.com", "--urgent-only")
    again = stack.run("notify", "add", "all", "--email", "trader@example.com", "--urgent-only")

    assert ran.code == 1
    assert "channel all mails to trader@example.com already" in ran.line
    assert again.code == 0
    assert [channel.name for channel in notify.channels(stack.target).all()] == ["all"]


def test_a_channel_that_is_removed_leaves_nothing_behind(stack: NoticeStack) -> None:
    stack.typist.lines = [TOKEN]
    stack.ok("notify", "add", "phone", "--telegram", "4711")
    stack.ok("notify", "add", "mail", "--email", "trader@example.com")

    stack.ok("notify", "remove", "phone")
    stack.ok("notify", "remove", "mail")

    assert stack.json("notify", "list") == {"channels": []}
    assert stack.subscriptions() == []
    with pytest.raises(ChannelRefused, match="no bot_token"):
        stack.secret("phone", "bot_token")


@pytest.mark.parametrize(
    ("add", "part", "call"),
    [
        (("hook", "--webhook", "https://hooks.example.com/a"), "secrets", "delete_secret"),
        (("mail", "--email", "trader@example.com"), "sns", "unsubscribe"),
    ],
)
def test_a_removal_that_failed_half_way_can_be_asked_for_again(
    stack: NoticeStack, add: tuple[str, ...], part: str, call: str
) -> None:
    stack.ok("notify", "add", *add)
    working = getattr(stack, part)

    def fails(**_: Any) -> Any:
        raise EndpointConnectionError(endpoint_url="https://aws.example")

    setattr(stack, part, Wrapped(working, **{call: fails}))
    failed = stack.run("notify", "remove", add[0])
    setattr(stack, part, working)
    again = stack.run("notify", "remove", add[0])

    assert (failed.code, again.code) == (1, 0)
    assert stack.json("notify", "list")["channels"] == []
    assert stack.subscriptions() == []
    with pytest.raises(ChannelRefused):
        stack.secret("hook", "signing_secret")


def test_a_test_asks_the_stack_and_shows_what_the_channel_said(stack: NoticeStack) -> None:
    stack.answers.will({"channel": "phone", "kind": "telegram", "told": True})
    stack.answers.will({"code": "CHANNEL_REFUSED", "detail": "Telegram answered 400: chat not found"}, 422)

    good, bad = stack.ok("notify", "test", "phone"), stack.run("notify", "test", "phone")

    assert stack.answers.last.full_url.endswith("/v1/notifications/phone/test")
    assert "took it" in good.out
    assert bad.code == 1
    assert bad.line == "router: CHANNEL_REFUSED: Telegram answered 400: chat not found"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "name one of"),
        (("--email", "a@b.example", "--telegram", "1"), "name one of"),
        (("--email", "nobody"), "address"),
        (("--webhook", "http://hooks.example.com/"), "https"),
        (("--webhook", "https://:canary@hooks.example.com/"), "without a name"),
        (("--telegram", "1", "--quiet", "22:00"), "two times"),
        (("--telegram", "1", "--mute", "nothing"), "kind of notice"),
        (("--telegram", "1", "--account", "nobody"), "no account"),
    ],
)
def test_what_is_wrong_is_one_line_and_nothing_is_stored(
    stack: NoticeStack, arguments: tuple[str, ...], words: str
) -> None:
    ran = stack.run("notify", "add", "one", *arguments)

    assert ran.code != 0
    assert words in ran.line
    assert "canary" not in ran.out + ran.err
    assert notify.channels(stack.target).all() == ()


def test_a_token_that_is_none_is_refused_without_being_repeated(stack: NoticeStack) -> None:
    stack.typist.lines = ["not-a-token-canary"]

    ran = stack.run("notify", "add", "phone", "--telegram", "4711")

    assert (ran.code, "canary" in ran.err) == (2, False)
    assert notify.channels(stack.target).all() == ()


def test_a_channel_that_is_not_there_is_named(stack: NoticeStack) -> None:
    assert "router notify list" in stack.run("notify", "remove", "nothing").line
