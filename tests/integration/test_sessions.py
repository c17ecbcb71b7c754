"""Broker sessions from Secrets Manager: found, cached, dropped, and never shown."""

import json
import traceback
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from order_router.adapter.errors import NotSent, SessionExpired
from order_router.aws.sessions import Addresses, SecretSessions, SecretUnavailable, secret_name
from order_router.brokers.registry import load_broker
from order_router.domain.account import Account
from tests.fakes.aws import Wrapped, aws_client, aws_in_memory
from tests.fakes.clock import FakeClock

LIVE = Account(name="live", broker="zerodha")
PAPER = Account(name="paper", broker="paper")
SECRETS = {"api_key": "canary-key-7741", "access_token": "canary-token-7741"}


@pytest.fixture
def client() -> Iterator[Any]:
    with aws_in_memory():
        yield aws_client("secretsmanager")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def sessions_over(client: Any, clock: FakeClock, endpoint: str | None = None) -> SecretSessions:
    addresses = Addresses("stack/accounts", lambda name: load_broker(name).profile, lambda _: endpoint)
    return SecretSessions(lambda: client, addresses, clock)


def whole(error: BaseException) -> str:
    """Return all that a log would show of an error."""
    return "".join(traceback.format_exception(error)) + repr(error)


def store(client: Any, text: str) -> None:
    client.create_secret(Name=secret_name("stack/accounts", "live"), SecretString=text)


def test_a_stored_session_is_read_and_not_shown(client: Any, clock: FakeClock) -> None:
    store(client, json.dumps(SECRETS))

    session = sessions_over(client, clock).session(LIVE)

    assert session.endpoint == load_broker("zerodha").profile.endpoint
    assert {name: session.secret(name) for name in SECRETS} == SECRETS
    assert "canary" not in repr(session)


def test_the_deployer_sets_the_endpoint(client: Any, clock: FakeClock) -> None:
    store(client, json.dumps(SECRETS))

    assert sessions_over(client, clock, "http://127.0.0.1:9").session(LIVE).endpoint == "http://127.0.0.1:9"


def test_a_broker_without_a_login_reads_no_secret(clock: FakeClock) -> None:
    def no_client() -> Any:
        raise AssertionError

    addresses = Addresses("stack/accounts", lambda name: load_broker(name).profile, lambda _: None)
    session = SecretSessions(no_client, addresses, clock).session(PAPER)

    assert session.endpoint == "paper://exchange"
    assert session.secrets == {}


def test_a_session_is_read_again_after_a_minute_or_when_forgotten(client: Any, clock: FakeClock) -> None:
    store(client, json.dumps(SECRETS))
    sessions = sessions_over(client, clock)
    sessions.session(LIVE)
    client.put_secret_value(
        SecretId=secret_name("stack/accounts", "live"),
        SecretString=json.dumps(SECRETS | {"access_token": "new"}),
    )

    assert sessions.session(LIVE).secret("access_token") == SECRETS["access_token"]
    sessions.forget(LIVE)
    assert sessions.session(LIVE).secret("access_token") == "new"

    client.put_secret_value(SecretId=secret_name("stack/accounts", "live"), SecretString=json.dumps(SECRETS))
    clock.advance(60)
    assert sessions.session(LIVE).secret("access_token") == SECRETS["access_token"]


def test_a_session_that_lacks_a_field_means_log_in_first(client: Any, clock: FakeClock) -> None:
    store(client, json.dumps({"api_key": SECRETS["api_key"]}))

    session = sessions_over(client, clock).session(LIVE)

    with pytest.raises(SessionExpired, match="access_token"):
        session.secret("access_token")


def test_a_session_that_is_stored_after_a_failure_is_found_at_once(client: Any, clock: FakeClock) -> None:
    sessions = sessions_over(client, clock)
    with pytest.raises(SessionExpired):
        sessions.session(LIVE)
    store(client, json.dumps(SECRETS))

    assert sessions.session(LIVE).secret("api_key") == SECRETS["api_key"]


def test_a_secret_that_is_being_deleted_is_no_session(client: Any, clock: FakeClock) -> None:
    store(client, json.dumps(SECRETS))
    client.delete_secret(SecretId=secret_name("stack/accounts", "live"))

    with pytest.raises(SessionExpired, match="log in first"):
        sessions_over(client, clock).session(LIVE)


def test_a_secret_of_bytes_is_no_session(client: Any, clock: FakeClock) -> None:
    client.create_secret(Name=secret_name("stack/accounts", "live"), SecretBinary=b"canary-7741")

    with pytest.raises(SessionExpired, match="store it again"):
        sessions_over(client, clock).session(LIVE)


def test_accounts_do_not_share_a_session(client: Any, clock: FakeClock) -> None:
    store(client, json.dumps(SECRETS))
    sessions = sessions_over(client, clock)
    sessions.session(LIVE)

    with pytest.raises(SessionExpired):
        sessions.session(Account(name="second", broker="zerodha"))


def test_no_stored_session_means_log_in_first(client: Any, clock: FakeClock) -> None:
    with pytest.raises(SessionExpired, match=r"account live .* log in first"):
        sessions_over(client, clock).session(LIVE)


@pytest.mark.parametrize(
    "text", ["{", "[]", '"canary"', '{"access_token": 7741}', '{"a":"canary","a":"canary"}']
)
def test_a_damaged_session_is_none_and_is_not_shown(client: Any, clock: FakeClock, text: str) -> None:
    store(client, text)

    with pytest.raises(SessionExpired) as caught:
        sessions_over(client, clock).session(LIVE)
    assert "canary" not in whole(caught.value)
    assert "7741" not in whole(caught.value)


@pytest.mark.parametrize(
    "error",
    [
        ReadTimeoutError(endpoint_url="https://secretsmanager.example"),
        ClientError({"Error": {"Code": "ThrottlingException", "Message": "canary"}}, "GetSecretValue"),
        ClientError({"Error": {"Code": "AccessDeniedException", "Message": "canary"}}, "GetSecretValue"),
    ],
)
def test_a_secret_that_cannot_be_read_now_was_not_sent(
    client: Any, clock: FakeClock, error: Exception
) -> None:
    def fail(**_: Any) -> Any:
        raise error

    with pytest.raises(SecretUnavailable) as caught:
        sessions_over(Wrapped(client, get_secret_value=fail), clock).session(LIVE)
    assert isinstance(caught.value, NotSent)
    assert not isinstance(caught.value, SessionExpired)
    assert "canary" not in whole(caught.value)
