"""Channels: what may be set up, what each wants, when it is quiet, how long a failed delivery waits."""

import json
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from order_router.domain.channel import (
    CHANNEL,
    Channel,
    EmailChannel,
    TelegramChannel,
    WebhookChannel,
    per_minute,
    quiet_until,
    shown,
    wait_s,
    wants,
)
from order_router.domain.exchange_time import IST
from order_router.domain.notices import KINDS, RETIRED, Notice

NORMAL = Notice(kind="fill", account="main", message="")
URGENT = Notice(kind="unknown", account="main", message="")
PHONE = TelegramChannel(name="phone", chat_id="-1001234567890")


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "telegram", "chat_id": "4711"},
        {"kind": "telegram", "chat_id": "@my_channel"},
        {"kind": "email", "address": "trader@example.com"},
        {"kind": "webhook", "url": "https://hooks.example.com/a?b=c"},
        {"kind": "webhook", "url": "http://127.0.0.1:8080/a"},
        {"kind": "webhook", "url": "http://localhost:8080/a"},
    ],
)
def test_a_channel_is_kept_as_it_was_set_up(fields: dict[str, Any]) -> None:
    channel = CHANNEL.validate_python({"name": "one", "quiet_from": "22:00", "quiet_to": "07:00"} | fields)

    assert CHANNEL.validate_json(channel.model_dump_json()) == channel


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "telegram", "chat_id": "my chat"},
        {"kind": "email", "address": "nobody"},
        {"kind": "webhook", "url": "http://hooks.example.com/a"},
        {"kind": "webhook", "url": "https://user:secret@hooks.example.com/a"},
        {"kind": "webhook", "url": "https://:secret@hooks.example.com/a"},
        {"kind": "webhook", "url": "https://@hooks.example.com/a"},
        {"kind": "webhook", "url": "https://user:sec/ret@hooks.example.com/a"},
        {"kind": "webhook", "url": "https://hooks.example.com:99999/a"},
        {"kind": "webhook", "url": "https://[::1/a"},
        {"kind": "webhook", "url": "https://169.254.169.254/latest"},
        {"kind": "webhook", "url": "https://10.0.0.7/a"},
        {"kind": "webhook", "url": "https://[fd00::1]/a"},
        {"kind": "webhook", "url": "file:///etc/passwd"},
        {"kind": "telegram", "chat_id": "1", "quiet_from": "22:00"},
        {"kind": "telegram", "chat_id": "1", "mute": ["fill"]},
        {"chat_id": "1"},
        {"kind": "telegram", "chat_id": "1", "mutes": ["no such kind"]},
        {"kind": "telegram", "chat_id": "1", "per_minute": 0},
        {"kind": "pigeon"},
    ],
)
def test_what_could_not_work_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CHANNEL.validate_python({"name": "one"} | fields)


@pytest.mark.parametrize("kind", sorted(RETIRED))
def test_a_channel_that_mutes_a_kind_of_an_earlier_release_is_read(kind: str) -> None:
    stored = {"name": "one", "kind": "telegram", "chat_id": "1", "mutes": [kind]}

    assert kind not in KINDS
    assert CHANNEL.validate_python(stored).mutes == (kind,)


@pytest.mark.parametrize(
    "url",
    [
        "https://user:canary@hooks.example.com/a",
        "https://:canary@hooks.example.com/a",
        "https://user:canary/more@hooks.example.com/a",
        "https://[canary/a",
        "https://hooks.example.com/a#canary",
        "http://hooks.example.com/canary",
    ],
)
def test_an_address_that_is_refused_is_not_repeated(url: str) -> None:
    with pytest.raises(ValidationError) as caught:
        CHANNEL.validate_python({"kind": "webhook", "name": "one", "url": url})

    said = [error["msg"] for error in caught.value.errors(include_input=False)]
    assert "canary" not in repr(said)


@pytest.mark.parametrize(
    ("url", "to"),
    [
        ("https://hooks.example.com/services/canary", "https://hooks.example.com/..."),
        ("https://hooks.example.com?token=canary", "https://hooks.example.com/..."),
        ("https://hooks.example.com", "https://hooks.example.com/..."),
        ("https://hooks.example.com:8443/canary", "https://hooks.example.com:8443/..."),
        ("http://[::1]:8080/canary", "http://[::1]:8080/..."),
        # as an earlier release took it
        ("https://:canary@hooks.example.com/a", "https://hooks.example.com/..."),
    ],
)
def test_of_a_webhook_s_address_scheme_and_host_are_shown(url: str, to: str) -> None:
    channel = WebhookChannel.model_construct(name="hook", url=url)

    assert shown(channel)["url"] == to
    assert "canary" not in repr(shown(channel)) + repr(channel)


@pytest.mark.parametrize("channel", [PHONE, EmailChannel(name="mail", address="trader@example.com")])
def test_who_a_message_or_a_mail_goes_to_is_shown(channel: Channel) -> None:
    assert CHANNEL.validate_python(shown(channel)) == channel


def test_what_is_shown_of_a_channel_is_json() -> None:
    quiet = PHONE.model_copy(
        update={"accounts": ("main",), "quiet_from": time(22, 30), "quiet_to": time(7, 0)}
    )

    assert json.loads(json.dumps(shown(quiet))) == shown(quiet)
    assert shown(quiet)["quiet_from"] == "22:30:00"


@pytest.mark.parametrize("word", ["07:00Z", "07:00+05:30", "07:00:30", "07:00:00.5"])
@pytest.mark.parametrize("end", ["quiet_from", "quiet_to"])
def test_quiet_hours_are_whole_minutes_of_one_clock(end: str, word: str) -> None:
    hours = {"quiet_from": "22:00", "quiet_to": "06:00"} | {end: word}

    with pytest.raises(ValidationError, match="a time in Asia/Kolkata such as 22:30"):
        CHANNEL.validate_python({"name": "one", "kind": "telegram", "chat_id": "1"} | hours)


def test_a_channel_that_somebody_holds_stays_as_it_was_set_up() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        PHONE.chat_id = "1"  # type: ignore[misc]


def test_a_channel_wants_all_unless_it_says_otherwise() -> None:
    assert wants(PHONE, NORMAL)
    assert not wants(PHONE.model_copy(update={"is_enabled": False}), URGENT)
    assert not wants(PHONE.model_copy(update={"mutes": ("fill",)}), NORMAL)
    assert wants(PHONE.model_copy(update={"mutes": ("fill",)}), URGENT)
    assert not wants(PHONE.model_copy(update={"urgent_only": True}), NORMAL)
    assert wants(PHONE.model_copy(update={"urgent_only": True}), URGENT)


@pytest.mark.parametrize(
    ("account", "is_wanted"),
    [("main", True), ("second", False), ("second, main", True), ("unknown", True), ("all", True), ("", True)],
)
def test_a_channel_of_one_account_hears_of_it_and_of_what_is_about_all(account: str, is_wanted: bool) -> None:
    mine = PHONE.model_copy(update={"accounts": ("main",)})

    assert wants(mine, Notice(kind="fill", account=account, message="")) is is_wanted


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, 23, hour, minute, tzinfo=IST).astimezone(UTC)


@pytest.mark.parametrize(
    ("moment", "until"),
    [
        (at(21, 59), None),
        (at(22), at(7) + timedelta(days=1)),
        (at(23, 30), at(7) + timedelta(days=1)),
        (at(6, 59), at(7)),
        (at(7), None),
        (at(12), None),
    ],
)
def test_quiet_hours_run_over_midnight(moment: datetime, until: datetime | None) -> None:
    night = PHONE.model_copy(update={"quiet_from": time(22), "quiet_to": time(7)})

    assert quiet_until(night, moment) == until


@pytest.mark.parametrize(("moment", "until"), [(at(12, 59), None), (at(13), at(14)), (at(14), None)])
def test_quiet_hours_within_a_day(moment: datetime, until: datetime | None) -> None:
    noon = PHONE.model_copy(update={"quiet_from": time(13), "quiet_to": time(14)})

    assert quiet_until(noon, moment) == until


def test_a_channel_without_quiet_hours_is_never_quiet() -> None:
    assert quiet_until(PHONE, at(3)) is None


@given(
    start=st.times(),
    end=st.times(),
    moment=st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)),  # noqa: DTZ001 - aware below
)
def test_quiet_hours_end_within_a_day_and_are_over_then(start: time, end: time, moment: datetime) -> None:
    channel = PHONE.model_copy(
        update={
            "quiet_from": start.replace(second=0, microsecond=0),
            "quiet_to": end.replace(second=0, microsecond=0),
        }
    )
    now = moment.replace(tzinfo=UTC)
    until = quiet_until(channel, now)

    if until is not None:
        assert now < until <= now + timedelta(days=1)
        assert quiet_until(channel, until) is None
        assert quiet_until(channel, until - timedelta(microseconds=1)) == until


def test_an_address_that_may_be_a_secret_shows_in_no_repr() -> None:
    assert "canary" not in repr(WebhookChannel(name="hook", url="https://hooks.example.com/canary"))


def test_a_webhook_takes_more_in_a_minute_than_a_person_and_urgent_ones_have_their_own_room() -> None:
    hook = WebhookChannel(name="hook", url="https://hooks.example.com/a")
    mail = EmailChannel(name="mail", address="trader@example.com")

    assert [per_minute(one, NORMAL) for one in (mail, hook)] == [10, 300]
    assert [per_minute(one, URGENT) for one in (mail, hook)] == [60, 300]


def test_a_failed_delivery_waits_longer_each_time_and_no_longer_than_the_queue_can_hide_it() -> None:
    waits = [wait_s(failures, None) for failures in range(1, 9)]

    assert waits == [5, 15, 45, 135, 405, 600, 600, 600]
    assert wait_s(0, None) == 5
    assert wait_s(1, 40) == 40
    assert wait_s(4, 40) == 135
    assert wait_s(1, 10**9) == 43_000
