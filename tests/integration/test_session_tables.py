"""The tables of sessions keep the contract of the stores in memory; secrets of accounts are kept, read, never shown."""

import json
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from order_router.adapter.login import CredentialsRefused, NewSession
from order_router.adapter.session import Secret
from order_router.aws.session_table import LoginTicketsTable, SessionRecordsTable, StrayPostbacksTable
from order_router.aws.sessions import (
    POSTBACK_TAG,
    Addresses,
    SecretCredentials,
    SecretSessions,
    SecretUnavailable,
    SecretVault,
    credentials_name,
    secret_name,
)
from order_router.brokers.registry import load_broker
from order_router.domain.account import Account
from order_router.ports import RecordConflict, SessionRecords, StoreUnavailable
from tests.contract.session_stores_contract import (
    TICKET,
    WHOLE,
    LoginTicketsContract,
    SessionRecordsContract,
    StrayPostbacksContract,
)
from tests.fakes.aws import Wrapped, aws_client, aws_in_memory
from tests.fakes.clock import MONDAY_MORNING, FakeClock

PREFIX = "stack/accounts"
LIVE = Account(name="live", broker="zerodha")
SILENCE = ReadTimeoutError(endpoint_url="https://dynamodb.example")
NEW = NewSession(
    secrets={"api_key": Secret("canary-key"), "access_token": Secret("canary-token")},
    expires_at=datetime(2026, 11, 24, 0, 30, tzinfo=UTC),
    endpoint="https://e41.broker.example/",
)


@pytest.fixture
def secrets() -> Iterator[Any]:
    with aws_in_memory():
        yield aws_client("secretsmanager")


class TestSessionRecordsTable(SessionRecordsContract):
    @pytest.fixture
    def records(self, client: Any) -> SessionRecords:
        return SessionRecordsTable(client, "GateTable")


class TestLoginTicketsTable(LoginTicketsContract):
    @pytest.fixture
    def tickets(self, client: Any) -> LoginTicketsTable:
        return LoginTicketsTable(client, "GateTable")


class TestStrayPostbacksTable(StrayPostbacksContract):
    @pytest.fixture
    def strays(self, client: Any) -> StrayPostbacksTable:
        return StrayPostbacksTable(client, "GateTable")


def test_a_write_that_botocore_repeated_recognises_itself(client: Any) -> None:
    def twice(**arguments: Any) -> Any:
        client.put_item(**arguments)
        return client.put_item(**arguments)

    records = SessionRecordsTable(Wrapped(client, put_item=twice), "GateTable")

    first = records.write(WHOLE, replacing=records.get("live"))
    assert records.write(WHOLE, replacing=first).version == 2


def test_a_write_whose_answer_was_lost_is_not_known(client: Any) -> None:
    def lost(**arguments: Any) -> Any:
        client.put_item(**arguments)
        raise SILENCE

    records = SessionRecordsTable(Wrapped(client, put_item=lost), "GateTable")
    seen = records.get("live")

    with pytest.raises(StoreUnavailable, match="ReadTimeoutError"):
        records.write(WHOLE, replacing=seen)
    with pytest.raises(RecordConflict):
        SessionRecordsTable(client, "GateTable").write(WHOLE, replacing=seen)


def test_dynamodb_deletes_old_tickets_and_strays_but_no_record(client: Any) -> None:
    records = SessionRecordsTable(client, "GateTable")
    records.write(WHOLE, replacing=records.get("live"))
    LoginTicketsTable(client, "GateTable").issue(TICKET)

    items = {item["gate"]["S"]: item for item in client.scan(TableName="GateTable")["Items"]}

    assert "expires_at" not in items["session#live"]
    assert int(items[f"login#{TICKET.digest}"]["expires_at"]["N"]) > TICKET.expires_at.timestamp()


@pytest.mark.parametrize("call", ["issue", "find", "use", "address", "remember_address"])
def test_a_refusal_of_a_ticket_call_is_named_without_its_payload(client: Any, call: str) -> None:
    def refused(**_: Any) -> Any:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "canary"}}, "Call")

    broken = Wrapped(client, put_item=refused, get_item=refused, update_item=refused)
    tickets = LoginTicketsTable(broken, "GateTable")
    arguments: dict[str, tuple[Any, ...]] = {
        "issue": (TICKET,),
        "find": (TICKET.digest, MONDAY_MORNING),
        "use": (TICKET, MONDAY_MORNING),
        "address": (),
        "remember_address": ("https://api.example",),
    }

    with pytest.raises(StoreUnavailable, match="AccessDeniedException") as caught:
        getattr(tickets, call)(*arguments[call])
    assert "canary" not in caught.value.message


def addresses(endpoint: str | None = None) -> Addresses:
    return Addresses(PREFIX, lambda name: load_broker(name).profile, lambda _: endpoint)


def test_a_session_that_was_kept_is_read_with_its_expiry_and_its_endpoint(secrets: Any) -> None:
    SecretVault(lambda: secrets, PREFIX).keep(LIVE, NEW)

    session = SecretSessions(lambda: secrets, addresses(), FakeClock()).session(LIVE)

    assert session.expires_at == NEW.expires_at
    assert session.endpoint == "https://e41.broker.example"
    assert session.secrets == NEW.secrets
    assert "canary" not in repr([session, NEW])


def test_a_session_without_an_endpoint_goes_where_the_broker_is(secrets: Any) -> None:
    vault = SecretVault(lambda: secrets, PREFIX)
    vault.keep(LIVE, NEW)
    vault.keep(LIVE, NewSession(secrets=NEW.secrets, expires_at=NEW.expires_at))

    session = SecretSessions(lambda: secrets, addresses(), FakeClock()).session(LIVE)

    assert session.endpoint == load_broker("zerodha").profile.endpoint


def test_the_deployer_s_endpoint_goes_before_the_broker_s(secrets: Any) -> None:
    SecretVault(lambda: secrets, PREFIX).keep(LIVE, NEW)
    where = addresses("http://127.0.0.1:9")

    assert SecretSessions(lambda: secrets, where, FakeClock()).session(LIVE).endpoint == "http://127.0.0.1:9"


@pytest.mark.parametrize("expiry", ["tomorrow", "", "2026-11-24T06:00:00"])
def test_a_session_whose_expiry_is_not_a_time_must_be_stored_again(secrets: Any, expiry: str) -> None:
    text = json.dumps({"access_token": "canary", "expires_at": expiry})
    secrets.create_secret(Name=secret_name(PREFIX, "live"), SecretString=text)

    with pytest.raises(Exception, match="store it again") as caught:
        SecretSessions(lambda: secrets, addresses(), FakeClock()).session(LIVE)
    assert "canary" not in whole(caught.value)


def test_credentials_are_read_as_they_were_stored_last(secrets: Any) -> None:
    store = SecretCredentials(lambda: secrets, addresses())
    for text in ("canary-1", "canary-2"):
        store.put(LIVE, {"api_secret": text})
        credentials = store.credentials(LIVE)

        assert credentials.secret("api_secret") == text
        assert "canary" not in repr(credentials)
    assert (credentials.account, credentials.endpoint) == ("live", load_broker("zerodha").profile.endpoint)
    assert SecretCredentials(lambda: secrets, addresses("http://127.0.0.1:9/")).credentials(
        LIVE
    ).endpoint == ("http://127.0.0.1:9")


def test_no_credentials_means_store_them_first(secrets: Any) -> None:
    with pytest.raises(CredentialsRefused) as caught:
        SecretCredentials(lambda: secrets, addresses()).credentials(LIVE)
    assert caught.value.code == "CREDENTIALS_MISSING"


@pytest.mark.parametrize("text", ["{", "[]", '{"code": 7741}', '{"a":"canary","a":"canary"}'])
def test_damaged_credentials_are_none_and_are_not_shown(secrets: Any, text: str) -> None:
    secrets.create_secret(Name=credentials_name(PREFIX, "live"), SecretString=text)

    with pytest.raises(CredentialsRefused) as caught:
        SecretCredentials(lambda: secrets, addresses()).credentials(LIVE)
    assert caught.value.code == "CREDENTIALS_REFUSED"
    assert not [word for word in ("canary", "7741") if word in whole(caught.value)]


def test_credentials_that_cannot_be_read_now_are_not_refused(secrets: Any) -> None:
    def fail(**_: Any) -> Any:
        raise ReadTimeoutError(endpoint_url="https://secretsmanager.example")

    broken = Wrapped(secrets, get_secret_value=fail)
    with pytest.raises(SecretUnavailable):
        SecretCredentials(lambda: broken, addresses()).credentials(LIVE)


def test_a_secret_that_may_not_be_written_is_named_without_its_text(secrets: Any) -> None:
    def refused(**_: Any) -> Any:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "canary"}}, "Put")

    broken = Wrapped(secrets, put_secret_value=refused)
    with pytest.raises(StoreUnavailable, match="AccessDeniedException") as caught:
        SecretVault(lambda: broken, PREFIX).keep(LIVE, NEW)
    assert "canary" not in whole(caught.value)


def test_credentials_are_marked_by_whether_they_prove_postbacks(secrets: Any) -> None:
    paper = Account(name="paper", broker="paper")
    store = SecretCredentials(lambda: secrets, addresses())
    for account in (paper, paper, LIVE):
        store.put(account, {"any": "thing"})

    marks = {
        name: secrets.describe_secret(SecretId=credentials_name(PREFIX, name))["Tags"]
        for name in ("paper", "live")
    }
    assert marks["paper"] == [{"Key": POSTBACK_TAG, "Value": "false"}]
    assert [mark["Key"] for mark in marks["live"]] == [POSTBACK_TAG]


def whole(error: BaseException) -> str:
    """Return all that a log would show of an error."""
    return "".join(traceback.format_exception(error)) + repr(error)


def test_an_expiry_is_stored_in_utc(secrets: Any) -> None:
    SecretVault(lambda: secrets, PREFIX).keep(LIVE, NEW)

    stored = json.loads(secrets.get_secret_value(SecretId=secret_name(PREFIX, "live"))["SecretString"])

    assert stored["expires_at"] == "2026-11-24T00:30:00Z"
    assert NEW.expires_at.utcoffset() == timedelta(0)
