"""Telegram and webhooks over sockets: what each failure leaves, and no token in any word of ours."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from order_router.adapter.session import Secret
from order_router.domain.channel import ChannelDown, ChannelRefused, TelegramChannel, WebhookChannel
from order_router.domain.notices import Notice
from order_router.domain.telling import Telling
from order_router.transport.channels.speakers import HttpSpeakers
from order_router.transport.channels.webhook import signature
from order_router.transport.clock import SystemClock
from order_router.transport.http_transport import HttpTransport, Limits
from tests.fakes.clock import MONDAY_MORNING
from tests.simulators.channels import SIGNING_SECRET, TOKEN, ChannelsServer, running

LINK = "https://router.test/v1/sessions/main/login?token=link-canary"
NOTICE = Notice(kind="login_needed", account="main", message="log in to Zerodha", link=LINK)
TELLING = Telling(
    telling_id="t1", notice=NOTICE, at=MONDAY_MORNING, stop_link="https://router.test/stop-canary"
)
SECRETS = {"phone": TOKEN, "hook": SIGNING_SECRET}
PASSING = ["server_error", "html", "too_many_without_words", "hang", "drop", "take_then_drop"]


@dataclass
class Speaker:
    """Says things on both channels, as the function does."""

    server: ChannelsServer
    speakers: HttpSpeakers

    def telegram(self, telling: Telling = TELLING, chat_id: str = "4711") -> None:
        self.speakers.on_telegram(TelegramChannel(name="phone", chat_id=chat_id), telling)

    def webhook(self, telling: Telling = TELLING) -> None:
        self.speakers.on_webhook(WebhookChannel(name="hook", url=f"{self.server.url}/a/b?c=d"), telling)

    def say(self, on: str) -> None:
        {"telegram": self.telegram, "webhook": self.webhook}[on]()

    def tell(self, **told: Any) -> None:
        self.server.channels.control(told)

    @property
    def messages(self) -> list[dict[str, Any]]:
        return self.server.channels.messages


def speakers_at(url: str, *, allows_local: bool = True, **secrets: str) -> HttpSpeakers:
    transport = HttpTransport(SystemClock(), limits=Limits(write_answer_timeout_s=0.5))
    return HttpSpeakers(
        transport=transport,
        read_secret=lambda channel, _: Secret({**SECRETS, **secrets}[channel]),
        clock=SystemClock(),
        telegram=url,
        allows_local=allows_local,
    )


@pytest.fixture
def speaker() -> Iterator[Speaker]:
    with running() as server:
        yield Speaker(server, speakers_at(server.url))


def test_telegram_gets_the_words_and_the_links_and_opens_none_of_them(speaker: Speaker) -> None:
    speaker.telegram()

    (message,) = speaker.messages
    assert message["chat_id"] == "4711"
    assert message["text"].startswith("URGENT: Log in needed [main]\nlog in to Zerodha\n")
    assert LINK in message["text"]
    assert "stop-canary" in message["text"]
    assert message["link_preview_options"] == {"is_disabled": True}


def test_a_text_that_is_too_long_is_cut_and_its_links_are_not(speaker: Speaker) -> None:
    notice = Notice(kind="login_needed", account=", ".join(["a" * 32] * 10), message="x" * 20_000, link=LINK)

    speaker.telegram(Telling(telling_id="t1", notice=notice, at=MONDAY_MORNING, stop_link="y" * 200))

    text = speaker.messages[0]["text"]
    assert len(text) <= 4096
    assert LINK in text
    assert text.endswith("y" * 200)


def test_a_webhook_gets_a_signed_notice_without_a_link(speaker: Speaker) -> None:
    speaker.webhook()

    (message,) = speaker.messages
    assert message["id"] == "t1"
    assert message["type"] == "notice.login_needed"
    assert message["timestamp"] == "2026-11-23T04:30:00.000Z"
    assert message["data"] == {
        "title": "URGENT: Log in needed [main]",
        "urgency": "urgent",
        "account": "main",
        "message": "log in to Zerodha",
        "client_order_id": None,
    }
    assert "canary" not in repr(message)


def test_the_signature_is_the_one_of_the_specification() -> None:
    secret = Secret("whsec_" + base64.b64encode(b"24 bytes at the very least").decode())

    # worked out with openssl dgst -sha256 -hmac over the text "msg_1.1674087231.{}"
    assert (
        signature(secret, "msg_1", "1674087231", b"{}") == "v1,s9iq5n4TpKFxvz8ykP3cyrqwFkOlBwkea18y23ac2EQ="
    )


@pytest.mark.parametrize(
    ("on", "behaviour"),
    [
        *(("telegram", behaviour) for behaviour in [*PASSING, "html_as_success", "half_json"]),
        *(("webhook", behaviour) for behaviour in PASSING),
    ],
)
def test_a_failure_that_may_pass_is_to_be_tried_again(speaker: Speaker, on: str, behaviour: str) -> None:
    speaker.tell(behave=behaviour, on=on)

    with pytest.raises(ChannelDown) as caught:
        speaker.say(on)

    assert not isinstance(caught.value, ChannelRefused)
    assert len(speaker.server.channels.requests) == 1  # nothing is repeated by itself
    speaker.say(on)
    assert len(speaker.messages) == (2 if behaviour == "take_then_drop" else 1)


@pytest.mark.parametrize("on", ["telegram", "webhook"])
def test_who_has_had_too_much_says_when_to_come_again(speaker: Speaker, on: str) -> None:
    speaker.tell(behave="too_many", on=on)

    with pytest.raises(ChannelDown) as caught:
        speaker.say(on)

    assert caught.value.retry_after_s == 7
    assert not isinstance(caught.value, ChannelRefused)


@pytest.mark.parametrize("on", ["telegram", "webhook"])
def test_nobody_there_is_a_failure_that_may_pass(on: str) -> None:
    with running() as server:
        gone = server.url

    with pytest.raises(ChannelDown) as caught:
        Speaker(server, speakers_at(gone)).say(on)

    assert "canary" not in str(caught.value)


def test_what_telegram_will_never_take_is_said_in_its_words(speaker: Speaker) -> None:
    speaker.tell(behave="blocked", on="telegram")

    with pytest.raises(ChannelRefused, match="bot was blocked by the user"):
        speaker.telegram()
    with pytest.raises(ChannelRefused, match="chat not found"):
        speaker.telegram(chat_id="999")
    with pytest.raises(ChannelRefused, match="Unauthorized"):
        Speaker(speaker.server, speakers_at(speaker.server.url, phone="1:wrong")).telegram()


@pytest.mark.parametrize("behaviour", ["blocked", "redirect"])
def test_what_a_webhook_will_never_take_is_refused_and_no_redirect_is_followed(
    speaker: Speaker, behaviour: str
) -> None:
    speaker.tell(behave=behaviour, on="webhook")

    with pytest.raises(ChannelRefused, match=r"HTTP (302|403)"):
        speaker.webhook()


def test_a_secret_that_is_none_is_refused_before_anything_is_sent(speaker: Speaker) -> None:
    with pytest.raises(ChannelRefused, match="add the channel again"):
        Speaker(speaker.server, speakers_at(speaker.server.url, hook="whsec_%%%")).webhook()

    assert speaker.server.channels.requests == []


def test_the_functions_own_machine_is_asked_nothing_unless_the_deployer_says_so(speaker: Speaker) -> None:
    speaker.speakers = speakers_at(speaker.server.url, allows_local=False)

    with pytest.raises(ChannelRefused, match="LocalWebhooks"):
        speaker.webhook()

    assert speaker.server.channels.requests == []


@pytest.mark.parametrize("on", ["telegram", "webhook"])
@pytest.mark.parametrize(
    "behaviour", ["server_error", "html", "too_many", "hang", "drop", "blocked", "repeats_the_token"]
)
def test_no_token_and_no_link_is_in_an_error(speaker: Speaker, on: str, behaviour: str) -> None:
    speaker.tell(behave=behaviour, on=on)

    with pytest.raises(ChannelDown) as caught:
        speaker.say(on)

    shown = [caught.value, caught.value.__cause__, caught.value.__context__, vars(caught.value)]
    assert "canary" not in repr(shown)
    assert "canary" not in str(caught.value)
