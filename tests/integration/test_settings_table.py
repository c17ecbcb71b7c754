"""Settings in their table: what the operator stores is what functions read, for a short time from memory."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from order_router.aws.settings_table import SettingsTable, SettingUnreadable, digest_of
from order_router.domain.account import Account, Caller, Scope, Strategy
from order_router.domain.vocabulary import OrderType, Product
from order_router.ports import StoreUnavailable
from tests.fakes.aws import Wrapped, aws_client, aws_in_memory, make_table
from tests.fakes.clock import FakeClock

TABLE = "SettingsTable"
TOKEN, API_KEY = "canary-token-7741", "canary-key-7741"
PAPER = Account(name="paper", broker="paper")
DEMO = Strategy(
    name="demo",
    accounts=("paper",),
    token_digests=(digest_of(TOKEN),),
    order_type=OrderType.MARKET,
    product=Product.MIS,
    max_quantity=100,
)
ADMIN = Caller(key_id="k1", scopes=frozenset({Scope.ADMIN}), accounts=frozenset({"paper"}))


@pytest.fixture
def client() -> Iterator[Any]:
    with aws_in_memory():
        client = aws_client("dynamodb")
        make_table(client, TABLE)
        yield client


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def settings(client: Any, clock: FakeClock) -> SettingsTable:
    return SettingsTable(client, TABLE, clock)


def test_what_is_stored_is_read(settings: SettingsTable) -> None:
    settings.put_account(Account(name="zeta", broker="zerodha", is_enabled=False, max_orders_per_day=5))
    settings.put_account(PAPER)
    settings.put_strategy(DEMO)
    settings.put_caller(API_KEY, ADMIN)

    assert settings.account("paper") == PAPER
    assert [account.name for account in settings.accounts()] == ["paper", "zeta"]
    assert settings.strategy("demo") == DEMO
    assert settings.strategy_of_token(TOKEN) == DEMO
    assert settings.caller(API_KEY) == ADMIN


def test_what_is_not_stored_is_none(settings: SettingsTable) -> None:
    assert settings.account("paper") is None
    assert settings.accounts() == ()
    assert settings.strategy("demo") is None
    assert settings.strategy_of_token(TOKEN) is None
    assert settings.caller(API_KEY) is None


def test_no_key_or_token_is_stored_itself(client: Any, settings: SettingsTable) -> None:
    settings.put_strategy(DEMO)
    settings.put_caller(API_KEY, ADMIN)

    assert "canary" not in str(client.scan(TableName=TABLE)["Items"])


def test_a_token_that_was_taken_from_its_strategy_opens_nothing(settings: SettingsTable) -> None:
    settings.put_strategy(DEMO)
    settings.put_strategy(DEMO.model_copy(update={"token_digests": (digest_of("another"),)}))

    assert settings.strategy_of_token(TOKEN) is None
    assert settings.strategy_of_token("another") is not None


def test_a_setting_is_read_again_after_a_short_time(client: Any, clock: FakeClock) -> None:
    watched = Wrapped(client)
    settings = SettingsTable(watched, TABLE, clock)
    settings.put_account(PAPER)
    assert settings.account("paper") == PAPER
    settings.put_account(PAPER.model_copy(update={"is_enabled": False}))

    clock.advance(14.9)
    assert settings.account("paper") == PAPER
    assert watched.calls.count("get_item") == 1

    clock.advance(0.1)
    found = settings.account("paper")
    assert found is not None
    assert not found.is_enabled


@pytest.mark.parametrize(
    "document", ["", "{", "[]", '{"name":"paper"}', '{"name":"paper","broker":"paper","color":"red"}']
)
def test_a_damaged_setting_says_so(client: Any, settings: SettingsTable, document: str) -> None:
    item = {"kind": {"S": "ACCOUNT"}, "id": {"S": "paper"}, "document": {"S": document}}
    client.put_item(TableName=TABLE, Item=item)

    with pytest.raises(SettingUnreadable, match="ACCOUNT paper"):
        settings.account("paper")


def test_a_setting_without_a_document_says_so(client: Any, settings: SettingsTable) -> None:
    for kind in ("ACCOUNT", "TOKEN"):
        client.put_item(TableName=TABLE, Item={"kind": {"S": kind}, "id": {"S": digest_of(TOKEN)}})

    with pytest.raises(SettingUnreadable):
        settings.account(digest_of(TOKEN))
    with pytest.raises(SettingUnreadable):
        settings.strategy_of_token(TOKEN)


def test_a_table_that_does_not_answer_is_unavailable(client: Any, clock: FakeClock) -> None:
    def unreachable(**_: Any) -> Any:
        raise EndpointConnectionError(endpoint_url="https://dynamodb.example")

    settings = SettingsTable(Wrapped(client, get_item=unreachable), TABLE, clock)

    with pytest.raises(StoreUnavailable, match="EndpointConnectionError") as caught:
        settings.caller(API_KEY)
    assert "canary" not in caught.value.message
