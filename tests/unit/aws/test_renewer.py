"""What is concluded from each answer of the session function."""

import json
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from order_router.adapter.errors import NotSent, SessionExpired
from order_router.adapter.login import LoginFailed
from order_router.aws.renewer import LambdaSessionRenewer, RenewerUnavailable
from order_router.domain.account import Account
from order_router.ports import RenewalPending
from tests.fakes.clock import FakeClock

LIVE = Account(name="live", broker="kotak_neo")


class Invoked:
    """A Lambda client with one answer."""

    def __init__(self, payload: bytes | Exception, **more: Any) -> None:
        self.payload = payload
        self.more = more
        self.requests: list[dict[str, Any]] = []
        self.waits: list[float] = []

    def invoke(self, **request: Any) -> dict[str, Any]:
        self.requests.append(request)
        if isinstance(self.payload, Exception):
            raise self.payload
        return {"StatusCode": 200, "Payload": BytesIO(self.payload), **self.more}


def renewer(client: Invoked, clock: FakeClock) -> LambdaSessionRenewer:
    def make(wait_s: float) -> Invoked:
        client.waits.append(wait_s)
        return client

    return LambdaSessionRenewer(make, lambda: "session", clock)


def renew(client: Invoked, wait_s: float = 5) -> None:
    clock = FakeClock()
    until = clock.now() + timedelta(seconds=wait_s)
    renewer(client, clock).renew(LIVE, refused="f-1", until=until)


def said(renewal: str, code: str) -> bytes:
    return json.dumps({"renewal": renewal, "code": code, "message": "why"}).encode()


def test_a_session_that_was_renewed_is_there() -> None:
    client = Invoked(b'{"renewal": "done"}')

    renew(client)

    (request,) = client.requests
    assert (request["FunctionName"], request["InvocationType"]) == ("session", "RequestResponse")
    assert json.loads(request["Payload"]) == {
        "renew": "live",
        "refused": "f-1",
        "until": "2026-11-23T04:30:05+00:00",
    }
    assert client.waits == [5.0]


@pytest.mark.parametrize(
    ("renewal", "code", "error"),
    [
        ("expired", "BROKER_SESSION_EXPIRED", SessionExpired),
        ("failed", "TOTP_REFUSED", LoginFailed),
        ("pending", "LOGIN_PENDING", RenewalPending),
        ("unavailable", "STORE_UNAVAILABLE", RenewerUnavailable),
        ("a new word", "NEW", RenewerUnavailable),
    ],
)
def test_why_there_is_no_session_is_passed_on(renewal: str, code: str, error: type[NotSent]) -> None:
    with pytest.raises(error) as caught:
        renew(Invoked(said(renewal, code)))
    assert (caught.value.code, caught.value.message) == (code, "why")


@pytest.mark.parametrize("payload", [b"", b"null", b"{}", b"[]", b"{", b'{"errorMessage": "canary"}'])
@pytest.mark.parametrize("more", [{}, {"FunctionError": "Unhandled"}])
def test_an_answer_that_says_nothing_is_no_session(payload: bytes, more: dict[str, str]) -> None:
    with pytest.raises(RenewerUnavailable) as caught:
        renew(Invoked(payload, **more))
    assert "canary" not in caught.value.message


def test_a_function_that_failed_has_not_renewed_whatever_it_says() -> None:
    with pytest.raises(RenewerUnavailable):
        renew(Invoked(b'{"renewal": "done"}', FunctionError="Unhandled"))


@pytest.mark.parametrize(
    "error",
    [
        ReadTimeoutError(endpoint_url="https://lambda.example"),
        ClientError({"Error": {"Code": "TooManyRequestsException", "Message": "canary"}}, "Invoke"),
        ConnectionResetError("canary"),
    ],
)
def test_a_function_that_cannot_be_reached_is_no_session(error: Exception) -> None:
    with pytest.raises(RenewerUnavailable) as caught:
        renew(Invoked(error))
    assert "canary" not in caught.value.message


def test_without_time_nobody_is_asked() -> None:
    client = Invoked(b'{"renewal": "done"}')

    for wait_s in (0.9, 0, -5):
        with pytest.raises(RenewalPending):
            renew(client, wait_s)

    assert client.requests == []


def test_a_dead_session_is_reported_without_waiting_for_an_answer() -> None:
    client = Invoked(b"")

    renewer(client, FakeClock()).report(LIVE, refused=None)

    (request,) = client.requests
    assert request["InvocationType"] == "Event"
    assert json.loads(request["Payload"]) == {"dead": "live", "refused": None}


@pytest.mark.parametrize(
    "error", [RuntimeError("canary"), ReadTimeoutError(endpoint_url="https://l.example")]
)
def test_a_report_that_fails_is_logged_and_no_more(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    renewer(Invoked(error), FakeClock()).report(LIVE, refused=None)

    assert "not reported" in caplog.text
    assert "canary" not in caplog.text
