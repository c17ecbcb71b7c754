"""Breeze's login: the vendor's page, what comes back of it, and until when its session lives."""

from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from order_router.adapter.http import HttpRequest, HttpResponse
from order_router.adapter.login import Credentials, CredentialsRefused, LoginFailed
from order_router.adapter.session import Secret
from order_router.brokers.icici_breeze import login


def credentials(**texts: str) -> Credentials:
    secrets = {name: Secret(text) for name, text in texts.items()}
    return Credentials(account="main", endpoint="https://api.icicidirect.com", secrets=secrets)


def nobody(_: HttpRequest) -> HttpResponse:
    raise AssertionError("something was sent")


def test_a_key_of_any_characters_stands_encoded_in_the_pages_address() -> None:
    page = login.login_page(credentials(api_key="8g7^N0=2&9R#4+7%"), "st4te")

    assert parse_qs(urlsplit(page).query) == {"api_key": ["8g7^N0=2&9R#4+7%"]}
    assert urlsplit(page).fragment == ""


@pytest.mark.parametrize(
    ("now", "dies"),
    [
        ("2026-11-20T03:15:00", "2026-11-20T18:30:00"),
        ("2026-11-20T18:29:59", "2026-11-20T18:30:00"),
        ("2026-11-20T18:30:00", "2026-11-21T18:30:00"),
    ],
)
def test_a_session_dies_at_midnight_in_india(now: str, dies: str) -> None:
    at = datetime.fromisoformat(now).replace(tzinfo=UTC)

    assert login.next_midnight(at) == datetime.fromisoformat(dies).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"apisession": ""},
        {"apisession": "48 21"},
        {"apisession": "4" * 65},
        {"apisession": "1", "API_Session": "2"},
    ],
)
def test_an_answer_without_one_readable_session_key_is_sent_nowhere(answer: Mapping[str, str]) -> None:
    with pytest.raises(LoginFailed, match="API_Session"):
        login.redeem_login(nobody, credentials(api_key="k1234567", secret_key="s1234567"), answer)


@pytest.mark.parametrize("missing", ["api_key", "secret_key"])
def test_what_is_not_stored_is_asked_for_before_anything_is_sent(missing: str) -> None:
    stored = {"api_key": "k1234567", "secret_key": "s1234567"}
    del stored[missing]

    with pytest.raises(CredentialsRefused, match=missing):
        login.redeem_login(nobody, credentials(**stored), {"apisession": "48213377"})
