"""A login at Kite: when a session ends, where its pages are, what is said of a login that fails."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from order_router.adapter.errors import BrokerError, NotSent
from order_router.adapter.http import HttpRequest, HttpResponse
from order_router.adapter.login import Credentials, CredentialsRefused, LoginFailed, LoginUnclear
from order_router.adapter.session import Secret, Surroundings
from order_router.brokers import zerodha
from order_router.brokers.zerodha.login import login_page, redeem_login
from order_router.domain.exchange_time import IST

FINISHED = {"status": "success", "request_token": "Hx9sPzQ2vLk7wNcE"}
NOON = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)
GRANTED = b'{"status":"success","data":{"access_token":"t0ken","login_time":"2026-11-20 12:00:00"}}'


def never(_: HttpRequest) -> HttpResponse:
    raise AssertionError("nothing may be sent")


def answering(body: bytes, status: int = 200) -> HttpResponse:
    return HttpResponse(status=status, headers={"content-type": "application/json"}, body=body)


def credentials(
    changed: dict[str, str] | None = None,
    *,
    endpoint: str = zerodha.profile.endpoint,
    at: datetime = NOON,
) -> Credentials:
    stored = {"api_key": "k1abc", "api_secret": "s3cr3t"} | (changed or {})
    return Credentials(
        account="main",
        endpoint=endpoint,
        secrets={name: Secret(text) for name, text in stored.items()},
        around=Surroundings(now=lambda: at),
    )


@pytest.mark.parametrize(
    ("at", "ends_at"),
    [
        ("2026-11-20 08:41", "2026-11-21 06:00"),
        ("2026-11-20 23:59", "2026-11-21 06:00"),
        ("2026-11-21 00:30", "2026-11-21 06:00"),
        ("2026-11-21 05:59", "2026-11-21 06:00"),
        ("2026-11-21 06:00", "2026-11-22 06:00"),
        ("2026-12-31 09:00", "2027-01-01 06:00"),
    ],
)
def test_a_session_ends_at_the_next_six_in_the_morning_in_kolkata(at: str, ends_at: str) -> None:
    now = datetime.fromisoformat(at).replace(tzinfo=IST)

    new = redeem_login(lambda _: answering(GRANTED), credentials(at=now.astimezone(UTC)), FINISHED)

    assert new.expires_at == datetime.fromisoformat(ends_at).replace(tzinfo=IST)
    assert new.expires_at.tzinfo is UTC


@given(at=st.datetimes(min_value=datetime(2026, 1, 1), max_value=datetime(2030, 1, 1)))  # noqa: DTZ001
def test_a_session_lives_for_a_day_at_most_and_never_ends_before_it_began(at: datetime) -> None:
    now = at.replace(tzinfo=UTC)

    new = redeem_login(lambda _: answering(GRANTED), credentials(at=now), FINISHED)

    assert timedelta(0) < new.expires_at - now <= timedelta(days=1)


@pytest.mark.parametrize(
    ("endpoint", "page"),
    [
        ("https://api.kite.trade", "https://kite.zerodha.com/connect/login"),
        ("https://sandbox.kite.trade/oms", "https://sandbox.kite.trade/connect/login"),
        ("http://127.0.0.1:8123", "http://127.0.0.1:8123/connect/login"),
    ],
)
def test_the_page_of_a_sandbox_is_where_the_sandbox_is(endpoint: str, page: str) -> None:
    parts = urlsplit(login_page(credentials(endpoint=endpoint), "a state"))

    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == page
    assert parse_qs(parse_qs(parts.query)["redirect_params"][0]) == {"state": ["a state"]}
    assert "s3cr3t" not in parts.query


def test_the_sandbox_exchanges_the_token_under_its_path() -> None:
    urls: list[str] = []

    def send(request: HttpRequest) -> HttpResponse:
        urls.append(request.url)
        return answering(GRANTED)

    redeem_login(send, credentials(endpoint="https://sandbox.kite.trade/oms"), FINISHED)

    assert urls == ["https://sandbox.kite.trade/oms/session/token"]


@pytest.mark.parametrize("changed", [{"api_key": "two\nlines"}, {"api_secret": ""}, {"api_secret": "ümlaut"}])
def test_what_no_app_has_as_key_or_secret_is_not_sent(changed: dict[str, str]) -> None:
    with pytest.raises(CredentialsRefused) as raised:
        redeem_login(never, credentials(changed), FINISHED)

    assert "lines" not in str(raised.value)


@pytest.mark.parametrize("token", ["", "two\nlines", "ümlaut", "a b"])
def test_what_is_no_request_token_is_not_sent(token: str) -> None:
    with pytest.raises(LoginFailed, match="no request_token"):
        redeem_login(never, credentials(), FINISHED | {"request_token": token})


@pytest.mark.parametrize("token", ['"two\\nlines"', '""', "null", "7.5", "[]"])
def test_an_access_token_that_no_header_can_carry_is_no_session(token: str) -> None:
    body = GRANTED.replace(b'"t0ken"', token.encode())

    with pytest.raises(LoginUnclear):
        redeem_login(lambda _: answering(body), credentials(), FINISHED)


def test_a_refusal_that_repeats_the_secrets_is_told_without_them() -> None:
    words = b'{"status":"error","message":"k1abc s3cr3t Hx9sPzQ2vLk7wNcE","error_type":"TokenException","data":null}'

    with pytest.raises(LoginFailed) as raised:
        redeem_login(lambda _: answering(words, 403), credentials(), FINISHED)

    assert raised.value.message == "*** *** ***"


@given(body=st.binary(max_size=80), status=st.sampled_from([200, 302, 400, 403, 429, 500, 503]))
def test_no_answer_raises_anything_but_a_login_that_failed(body: bytes, status: int) -> None:
    with pytest.raises(BrokerError) as raised:
        redeem_login(lambda _: answering(body, status), credentials(), FINISHED)

    assert isinstance(raised.value, LoginFailed)
    assert isinstance(raised.value, NotSent)
