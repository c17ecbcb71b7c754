"""The bytes that Breeze is sent are the bytes that were signed."""

from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256

import pytest

from order_router.adapter.errors import SessionExpired
from order_router.adapter.http import HttpRequest
from order_router.adapter.session import BrokerSession, Secret, Surroundings
from order_router.brokers.icici_breeze import read_funds, signing
from order_router.brokers.registry import load_broker
from tests.contract.canaries import load_canaries
from tests.contract.checks import perform
from tests.contract.conftest import samples_folder
from tests.contract.samples import load_cases

AT = datetime(2026, 11, 20, 4, 31, 7, 999_999, tzinfo=UTC)
BODY = b'{"stock_code":"RELIND","exchange_code":"NSE"}'
# sha256 of the three texts one after the other, by coreutils' sha256sum
KNOWN = "f406263134905efb48482b582e23a16a49dbc7835099287c46c010dbad4044c3"


def session(**changes: str) -> BrokerSession:
    texts = {"api_key": "k!=%1", "secret_key": "s+9y", "session_token": "QUI6NTU="} | changes
    secrets = {name: Secret(text) for name, text in texts.items()}
    return BrokerSession("main", "https://api.icicidirect.com", secrets, Surroundings(now=lambda: AT))


def test_a_checksum_is_the_known_answer() -> None:
    assert signing.checksum("2026-11-20T04:31:07.000Z", BODY, "s+9y") == KNOWN


def test_the_time_is_utc_with_no_milliseconds_whatever_the_zone_of_the_clock() -> None:
    india = timezone(timedelta(hours=5, minutes=30))

    assert signing.timestamp_of(AT) == "2026-11-20T04:31:07.000Z"
    assert signing.timestamp_of(AT.astimezone(india)) == "2026-11-20T04:31:07.000Z"


def test_a_body_is_compact_and_ascii_and_what_is_sent_is_what_was_signed() -> None:
    request = signing.sign(session(), "GET", "order", {"user_remark": "ü €", "empty": ""})

    assert request.body == b'{"user_remark":"\\u00fc \\u20ac","empty":""}'
    signed = b"2026-11-20T04:31:07.000Z" + request.body + b"s+9y"
    assert request.headers["X-Checksum"] == f"token {sha256(signed).hexdigest()}"


def test_a_call_without_fields_is_signed_over_an_empty_object() -> None:
    assert signing.sign(session(), "GET", "funds", {}).body == b"{}"


def test_the_secret_key_never_leaves() -> None:
    request = signing.sign(session(secret_key="the-secret"), "POST", "order", {"a": "b"})

    assert "the-secret" not in f"{request.url}{dict(request.headers)}{request.body!r}"


def test_every_signed_request_of_the_samples_has_the_checksum_of_its_own_bytes() -> None:
    broker, folder = load_broker("icici_breeze"), samples_folder("icici_breeze")
    canaries = load_canaries(folder, broker)
    signed = [
        request
        for case in load_cases(folder)
        for request in perform(broker, canaries, case).sent
        if "X-Checksum" in request.headers
    ]

    assert len(signed) >= 100
    assert [request for request in signed if not is_rightly_signed(request)] == []


def is_rightly_signed(request: HttpRequest) -> bool:
    text = request.headers["X-Timestamp"].encode() + request.body + b"canary-secret_key"
    return request.headers["X-Checksum"] == f"token {sha256(text).hexdigest()}"


@pytest.mark.parametrize("name", ["api_key", "secret_key", "session_token"])
@pytest.mark.parametrize("text", ["", "two words", "line\nbreak", "ü"])
def test_what_cannot_stand_in_a_header_is_no_session_and_nothing_is_sent(name: str, text: str) -> None:
    sent: list[HttpRequest] = []

    with pytest.raises(SessionExpired, match=name):
        read_funds(sent.append, session(**{name: text}))  # type: ignore[arg-type]

    assert sent == []
