"""Settings in their table: what the operator stores is what functions read, for a short time from memory."""

import traceback
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from order_router.aws.change_log import ChangeLogTable
from order_router.aws.settings_table import CACHE_SIZE, SettingsTable, digest_of
from order_router.domain.account import Account, Caller, Scope, Strategy
from order_router.domain.errors import SettingUnreadable
from order_router.domain.exchange_time import exchange_day
from order_router.domain.limits import Limits, OrderLimits
from order_router.domain.meter import Counted
from order_router.domain.vocabulary import OrderType, Product
from order_router.ports import StoreUnavailable
from tests.fakes.aws import Wrapped, aws_client, aws_in_memory, make_table
from tests.fakes.clock import FakeClock
from tests.fakes.dynamodb import FakeDynamoDB, template_tables

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
        make_table(client, "GateTable")
        yield client


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def settings(client: Any, clock: FakeClock) -> SettingsTable:
    return SettingsTable(client, TABLE, clock)


def test_what_is_stored_is_read(settings: SettingsTable) -> None:
    settings.put_account(
        Account(name="zeta", broker="zerodha", is_enabled=False, limits=Limits(max_orders_per_day=5))
    )
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


def test_what_is_not_there_is_remembered_for_a_short_time_too(client: Any, clock: FakeClock) -> None:
    watched = Wrapped(client)
    settings = SettingsTable(watched, TABLE, clock)

    for _ in range(3):
        assert settings.account("paper") is None
        assert settings.strategy_of_token(TOKEN) is None
    assert watched.calls == ["get_item"] * 2

    settings.put_account(PAPER)
    clock.advance(15)
    assert settings.account("paper") == PAPER


def test_a_revoked_key_opens_nothing_from_then_on(client: Any, clock: FakeClock) -> None:
    watched = Wrapped(client)
    settings = SettingsTable(watched, TABLE, clock)
    settings.put_caller(API_KEY, ADMIN)
    assert settings.caller(API_KEY) == ADMIN

    SettingsTable(client, TABLE, clock).remove_caller(ADMIN.key_id)

    # API Gateway remembers an answer for a minute: one that was remembered here would begin another
    assert settings.caller(API_KEY) is None
    settings.put_caller(API_KEY, ADMIN)
    assert settings.caller(API_KEY) == ADMIN


def test_what_failed_is_not_remembered(client: Any, clock: FakeClock) -> None:
    def unreachable(**_: Any) -> Any:
        watched._replaced.clear()
        raise EndpointConnectionError(endpoint_url="https://dynamodb.example")

    watched = Wrapped(client, get_item=unreachable)
    settings = SettingsTable(watched, TABLE, clock)
    settings.put_account(PAPER)
    with pytest.raises(StoreUnavailable):
        settings.account("paper")

    assert settings.account("paper") == PAPER


def test_guessed_tokens_cannot_fill_the_memory(client: Any, clock: FakeClock) -> None:
    settings = SettingsTable(Wrapped(client, get_item=lambda **_: {}), TABLE, clock)

    for guess in range(CACHE_SIZE + 10):
        assert settings.strategy_of_token(f"guess-{guess}") is None

    assert len(settings._cache._values) <= CACHE_SIZE


def test_a_token_stops_opening_once_the_memory_of_its_strategy_is_old(
    clock: FakeClock, settings: SettingsTable
) -> None:
    settings.put_strategy(DEMO)
    assert settings.strategy_of_token(TOKEN) == DEMO
    settings.put_strategy(DEMO.model_copy(update={"token_digests": ()}))

    clock.advance(15)

    assert settings.strategy_of_token(TOKEN) is None


def test_a_new_token_of_a_strategy_that_is_remembered_opens_it_at_once(settings: SettingsTable) -> None:
    settings.put_strategy(DEMO)
    assert settings.strategy_of_token(TOKEN) == DEMO
    renewed = DEMO.model_copy(update={"token_digests": (digest_of("newer"),)})
    settings.put_strategy(renewed)

    assert settings.strategy_of_token("newer") == renewed
    assert settings.strategy_of_token(TOKEN) is None


def test_a_token_that_was_taken_back_is_not_looked_up_with_each_alert(client: Any, clock: FakeClock) -> None:
    watched = Wrapped(client)
    settings = SettingsTable(watched, TABLE, clock)
    settings.put_strategy(DEMO)
    settings.put_strategy(DEMO.model_copy(update={"token_digests": ()}))

    assert [settings.strategy_of_token(TOKEN) for _ in range(3)] == [None] * 3

    # the token's strategy, what that is, and the same for certain
    assert watched.calls.count("get_item") == 3


def test_a_strategy_that_is_stored_twice_is_one(settings: SettingsTable) -> None:
    settings.put_strategy(DEMO)
    settings.put_strategy(DEMO)

    assert settings.strategy_of_token(TOKEN) == DEMO


def test_many_accounts_are_read_page_by_page(client: Any, clock: FakeClock) -> None:
    settings = SettingsTable(client, TABLE, clock)
    pad = {"pad": {"S": "x" * 300_000}}
    for number in range(5):
        account = Account(name=f"a{number}", broker="paper")
        item = {
            "kind": {"S": "ACCOUNT"},
            "id": {"S": account.name},
            "document": {"S": account.model_dump_json()},
        }
        client.put_item(TableName=TABLE, Item=item | pad)

    assert [account.name for account in settings.accounts()] == ["a0", "a1", "a2", "a3", "a4"]


def test_an_unreadable_setting_shows_nothing_of_its_document(client: Any, settings: SettingsTable) -> None:
    document = '{"name":"demo","accounts":"canary-7741","token_digests":["canary-7741"]}'
    client.put_item(
        TableName=TABLE, Item={"kind": {"S": "STRATEGY"}, "id": {"S": "demo"}, "document": {"S": document}}
    )

    with pytest.raises(SettingUnreadable, match=r"STRATEGY demo .*accounts.*max_quantity") as caught:
        settings.strategy("demo")
    assert "canary" not in "".join(traceback.format_exception(caught.value))


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


def test_an_account_that_cannot_be_read_does_not_hide_the_others(
    client: Any, settings: SettingsTable
) -> None:
    settings.put_account(Account(name="paper", broker="paper"))
    client.put_item(
        TableName=TABLE, Item={"kind": {"S": "ACCOUNT"}, "id": {"S": "bad"}, "document": {"S": "{"}}
    )

    assert [account.name for account in settings.accounts()] == ["paper"]


@pytest.mark.parametrize("name", ["", "x" * 1025, "caf\u00e9"])
def test_a_name_that_cannot_be_a_key_is_no_account(settings: SettingsTable, name: str) -> None:
    settings.put_account(PAPER)

    assert settings.account(name) is None
    assert settings.accounts() == (PAPER,)
    assert settings.account(name) is None


# ---- one at a time
OF_PAPER, OF_DEMO = Counted("account", "paper"), Counted("strategy", "demo")


@pytest.mark.parametrize(("counted", "setting"), [(OF_PAPER, PAPER), (OF_DEMO, DEMO)])
def test_a_setting_is_replaced_as_it_was_read(
    settings: SettingsTable, counted: Counted, setting: Account | Strategy
) -> None:
    settings.put_account(PAPER)
    settings.put_strategy(DEMO)
    stored = settings.stored(counted)
    assert stored is not None
    assert stored.setting == setting

    assert settings.replace(stored, setting.model_copy(update={"is_enabled": False}), by="k-admin")

    after = settings.stored(counted)
    assert after is not None
    assert not after.setting.is_enabled
    assert after.version != stored.version
    assert settings.strategy_of_token(TOKEN) is not None, "tokens stay"


def test_a_setting_that_somebody_else_replaced_is_left_as_it_is(settings: SettingsTable) -> None:
    settings.put_account(PAPER)
    mine, theirs = settings.stored(OF_PAPER), settings.stored(OF_PAPER)
    assert mine is not None
    assert theirs is not None
    assert settings.replace(theirs, PAPER.model_copy(update={"is_enabled": False}), by="k-admin")

    assert not settings.replace(mine, PAPER.model_copy(update={"algo_id": "A1"}), by="k-admin")

    stands = settings.stored(OF_PAPER)
    assert stands is not None
    assert stands.setting == PAPER.model_copy(update={"is_enabled": False})


def test_a_setting_of_an_earlier_release_is_replaced_by_what_stands_there(
    client: Any, settings: SettingsTable
) -> None:
    document = '{"name": "paper", "broker": "paper", "max_orders_per_day": 7}'
    client.put_item(
        TableName=TABLE,
        Item={"kind": {"S": "ACCOUNT"}, "id": {"S": "paper"}, "document": {"S": document}},
    )
    stored = settings.stored(OF_PAPER)
    assert stored is not None
    assert stored.setting.limits.max_orders_per_day == 7

    assert settings.replace(stored, stored.setting, by="k-admin")

    assert settings.account("paper") == stored.setting


def test_what_is_not_there_or_cannot_be_a_name_is_not_stored(settings: SettingsTable) -> None:
    for name in ("paper", "", "n" * 1025, "p\u00e4per"):
        assert settings.stored(Counted("account", name)) is None


# ---- limits, and who set them
@pytest.fixture(params=["moto", "fake"])
def kept(
    request: pytest.FixtureRequest, client: Any, clock: FakeClock
) -> tuple[SettingsTable, ChangeLogTable]:
    over = FakeDynamoDB(template_tables()) if request.param == "fake" else client
    log = ChangeLogTable(over, "GateTable", clock)
    return SettingsTable(over, TABLE, clock, log), log


def set_quantity(settings: SettingsTable, most: int, by: str) -> bool:
    stored = settings.stored(OF_PAPER)
    assert stored is not None
    return settings.replace(
        stored, stored.setting.model_copy(update={"limits": Limits(max_quantity=most)}), by=by
    )


def test_who_set_which_limits_is_kept_in_their_order(
    kept: tuple[SettingsTable, ChangeLogTable], clock: FakeClock
) -> None:
    settings, log = kept
    settings.put_account(PAPER.model_copy(update={"limits": Limits()}))
    set_quantity(settings, 5, "k-admin")
    clock.advance(60)
    set_quantity(settings, 9, "operator")
    set_quantity(settings, 9, "nobody")

    first, second = log.changes_on(exchange_day(clock.now()))

    assert (first.number, second.number) == (1, 2)
    assert (first.by, second.by, second.whose) == ("k-admin", "operator", OF_PAPER)
    assert [one.get("max_quantity") for one in (first.before, first.after, second.after)] == [None, 5, 9]
    assert second.before == first.after
    assert second.at == clock.now()
    assert log.changes_on(date(2026, 11, 22)) == ()


def test_limits_that_met_another_writer_are_neither_set_nor_kept(
    kept: tuple[SettingsTable, ChangeLogTable], clock: FakeClock
) -> None:
    settings, log = kept
    settings.put_account(PAPER)
    mine = settings.stored(OF_PAPER)
    assert mine is not None
    set_quantity(settings, 5, "theirs")

    wanted = mine.setting.model_copy(update={"limits": Limits(max_quantity=9)})
    assert not settings.replace(mine, wanted, by="mine")

    assert [one.by for one in log.changes_on(exchange_day(clock.now()))] == ["theirs"]


def test_limits_are_not_set_where_nothing_keeps_who_did(settings: SettingsTable) -> None:
    settings.put_account(PAPER)

    with pytest.raises(ValueError, match="no log"):
        set_quantity(settings, 5, "k-admin")


def test_another_change_that_took_the_number_is_waited_for(client: Any, clock: FakeClock) -> None:
    log = ChangeLogTable(client, "GateTable", clock)
    others = [SettingsTable(client, TABLE, clock, log)]

    def met(**request: Any) -> Any:
        if others:
            set_quantity(others.pop(), 5, "other")
        return client.transact_write_items(**request)

    settings = SettingsTable(client, TABLE, clock)
    settings.put_account(PAPER)
    settings.put_strategy(DEMO)
    stored = settings.stored(OF_DEMO)
    assert stored is not None
    mine = ChangeLogTable(Wrapped(client, transact_write_items=met), "GateTable", clock)
    wanted = stored.setting.model_copy(update={"limits": OrderLimits(max_quantity=9)})

    assert SettingsTable(client, TABLE, clock, mine).replace(stored, wanted, by="me")

    assert [one.by for one in log.changes_on(exchange_day(clock.now()))] == ["other", "me"]


def test_a_change_that_is_missing_is_said_and_not_left_out(client: Any, clock: FakeClock) -> None:
    log = ChangeLogTable(client, "GateTable", clock)
    settings = SettingsTable(client, TABLE, clock, log)
    settings.put_account(PAPER)
    set_quantity(settings, 5, "k-admin")
    day = exchange_day(clock.now())
    client.delete_item(TableName="GateTable", Key={"gate": {"S": f"change-log#{day}#1"}})

    with pytest.raises(StoreUnavailable, match="change 1 of"):
        log.changes_on(day)
