"""Limits over the API: who sees and sets them, what is answered, and that no writer undoes another."""

from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from order_router.adapter.profile import Profile
from order_router.api.endpoint import answer_event
from order_router.api.http import Answer
from order_router.api.limits import answer_limits, replace_limits
from order_router.api.operations import OPERATIONS
from order_router.brokers.registry import BROKERS, load_broker
from order_router.domain.account import Account, Strategy
from order_router.domain.limits import Limits, OrderLimits
from order_router.domain.vocabulary import OrderType, Product
from order_router.ports import StoredSetting
from order_router.service.limit_settings import LimitsDesk
from tests.fakes.clock import FakeClock
from tests.fakes.meters import MemoryMeters
from tests.fakes.order_store import Tables
from tests.fakes.settings import MemorySettings
from tests.unit.api.events import ADMIN, NOBODY, READER, TRADER, event

SHOW, REPLACE = "GET /v1/limits", "PUT /v1/limits"
OF_PAPER, OF_DEMO, OF_BOTH = {"account": "paper"}, {"strategy": "demo"}, {"strategy": "both"}
PAPER = Account(
    name="paper", broker="paper", limits=Limits(max_order_value=Decimal(200000), max_open_orders=10)
)


def a_strategy(name: str, *accounts: str) -> Strategy:
    return Strategy(
        name=name,
        accounts=accounts,
        order_type=OrderType.LIMIT,
        product=Product.MIS,
        max_quantity=10,
        limits=OrderLimits(max_open_orders=2),
    )


def profile_of(broker: str) -> Profile:
    return load_broker(broker).profile


@pytest.fixture
def settings() -> MemorySettings:
    settings = MemorySettings()
    for account in (PAPER, Account(name="live", broker="zerodha")):
        settings.put_account(account)
    for strategy in (a_strategy("demo", "paper"), a_strategy("both", "paper", "live")):
        settings.put_strategy(strategy)
    return settings


@pytest.fixture
def tables() -> Tables:
    return Tables()


@pytest.fixture
def desk(settings: MemorySettings, tables: Tables) -> LimitsDesk:
    return LimitsDesk(
        settings=settings, meters=MemoryMeters(tables), clock=FakeClock(), profile_of=profile_of
    )


def call(desk: LimitsDesk, route: str, query: dict[str, str], body: object = None, **changes: Any) -> Answer:
    handler = {SHOW: answer_limits, REPLACE: replace_limits}[route]
    return answer_event(event(route, body, query=query, **changes), partial(handler, desk))


def code_of(answer: Answer) -> tuple[int, str]:
    return answer.status, str(answer.content["code"])


SOLD = {
    "orders": Decimal(3),
    "open": Decimal(1),
    "gross": Decimal("7500.50"),
    "net": Decimal("-7500.50"),
    "net_if_bought": Decimal(0),
    "net_if_sold": Decimal("-7500.50"),
    "reserved": Decimal(0),
    "loss": Decimal("-12.5"),
    "gross@NSE:INFY": Decimal("7500.50"),
    "net@NSE:INFY": Decimal("-7500.50"),
    "net_if_sold@NSE:INFY": Decimal("-7500.50"),
    "moves": Decimal(5),
    "base_read_at": Decimal(1795408200),
}
"""What is counted of an account that sold short."""


def test_limits_are_shown_with_what_is_counted_today(desk: LimitsDesk, tables: Tables) -> None:
    tables.meters["meter#account#paper#2026-11-23"] = dict(SOLD)

    answer = call(desk, SHOW, OF_PAPER, caller=READER)

    assert answer.status == 200
    assert answer.content["account"] == "paper"
    assert answer.content["limits"]["max_order_value"] == "200000"
    assert answer.content["limits"]["max_daily_loss"] is None
    assert answer.content["counted"] == {
        "day": "2026-11-23",
        "orders": 3,
        "open": 1,
        "gross": "7500.5",
        "net": "-7500.5",
        "net_if_bought": "0",
        "net_if_sold": "-7500.5",
        "loss": "-12.5",
        "reserved": "0",
        "positions_read_at": "2026-11-23T04:30:00.000Z",
        "instruments": {
            "NSE:INFY": {
                "gross": "7500.5",
                "net": "-7500.5",
                "net_if_bought": "0",
                "net_if_sold": "-7500.5",
            }
        },
    }


def test_the_key_that_sets_limits_is_kept_with_them(desk: LimitsDesk, settings: MemorySettings) -> None:
    call(desk, REPLACE, OF_PAPER, {"max_order_value": "5000"})

    (kept,) = settings.changes
    assert kept.by == ADMIN["key_id"]
    assert (kept.before["max_order_value"], kept.after["max_order_value"]) == ("200000", "5000")


def test_on_a_quiet_day_nothing_is_counted(desk: LimitsDesk) -> None:
    counted = call(desk, SHOW, OF_DEMO).content["counted"]

    assert (counted["orders"], counted["gross"], counted["positions_read_at"], counted["instruments"]) == (
        0,
        "0",
        None,
        {},
    )


def test_limits_are_replaced_as_a_whole(desk: LimitsDesk, settings: MemorySettings) -> None:
    answer = call(desk, REPLACE, OF_PAPER, {"max_quantity": 5, "products": ["CNC", "MIS"]})

    assert answer.status == 200
    assert answer.content["limits"]["max_quantity"] == 5
    assert answer.content["limits"]["max_order_value"] is None
    account = settings.account("paper")
    assert account is not None
    assert account == PAPER.model_copy(
        update={"limits": Limits(max_quantity=5, products=frozenset({Product.CNC, Product.MIS}))}
    )


def test_what_is_shown_can_be_sent_back(desk: LimitsDesk, settings: MemorySettings) -> None:
    for query in (OF_PAPER, OF_DEMO):
        shown = call(desk, SHOW, query).content

        answer = call(desk, REPLACE, query, shown["limits"])

        assert answer.content == shown


@pytest.mark.parametrize("broker", BROKERS)
def test_a_loss_limit_warns_where_the_broker_does_not_say_what_was_realised(
    desk: LimitsDesk, settings: MemorySettings, broker: str
) -> None:
    settings.put_account(Account(name="mine", broker=broker))
    mine = {"account": "mine"}

    without = call(desk, REPLACE, mine, {"max_quantity": 5}).content["warnings"]
    told = call(desk, REPLACE, mine, {"max_daily_loss": "20000"}).content["warnings"]

    assert without == []
    assert told == call(desk, SHOW, mine).content["warnings"]
    unsaid = [words for words in told if "does not say what was realised" in words]
    assert [words.partition(" does")[0] for words in unsaid] == (
        ["max_daily_loss: ICICI Breeze"] if broker == "icici_breeze" else []
    )


@pytest.mark.parametrize("broker", BROKERS)
def test_a_limit_in_money_warns_where_the_broker_trades_in_several_currencies(
    desk: LimitsDesk, settings: MemorySettings, broker: str
) -> None:
    settings.put_account(Account(name="mine", broker=broker))
    wanted = {"max_order_value": "1000", "max_net_exposure": "20000", "max_open_orders": 3}

    told = call(desk, REPLACE, {"account": "mine"}, wanted).content["warnings"]

    words = (
        "Interactive Brokers has each instrument's money in its own currency, and the limit's figure is held"
    )
    assert told == (
        [f"max_order_value, max_net_exposure: {words} against it as it is"] if broker == "ibkr" else []
    )


def test_an_account_of_a_broker_that_is_not_known_has_its_limits_set_and_shown(
    desk: LimitsDesk, settings: MemorySettings
) -> None:
    settings.put_account(Account(name="mine", broker="newer"))

    answer = call(desk, REPLACE, {"account": "mine"}, {"max_daily_loss": "20000"})

    assert (answer.status, answer.content["warnings"]) == (200, [])
    assert answer.content["limits"]["max_daily_loss"] == "20000"


def test_a_strategy_has_no_limits_that_are_an_account_s(desk: LimitsDesk, settings: MemorySettings) -> None:
    answer = call(desk, REPLACE, OF_DEMO, {"max_daily_loss": "5"})

    assert code_of(answer) == (422, "INVALID_REQUEST")
    assert settings.strategy("demo") == a_strategy("demo", "paper")
    assert call(desk, REPLACE, OF_DEMO, {"max_open_orders": 3}).status == 200


@pytest.mark.parametrize(
    "body",
    [{"max_quantity": 0}, {"max_order_value": "-1"}, {"max_orders": 5}, {"price_band_percent": 51}, "no"],
)
def test_limits_that_cannot_be_are_refused_and_nothing_changes(
    desk: LimitsDesk, settings: MemorySettings, body: object
) -> None:
    assert call(desk, REPLACE, OF_PAPER, body).status in {400, 422}
    assert settings.account("paper") == PAPER


def test_only_an_admin_sets_limits_and_whoever_reads_an_account_sees_them(desk: LimitsDesk) -> None:
    for caller in (NOBODY, READER, TRADER):
        assert call(desk, REPLACE, OF_PAPER, {}, caller=caller).status in {401, 403}
    assert call(desk, SHOW, OF_PAPER, caller=NOBODY).status == 401
    assert call(desk, REPLACE, {}, caller=NOBODY).status == 401, "who asks comes before what is asked"
    assert call(desk, SHOW, OF_PAPER, caller=TRADER).status == 200


@pytest.mark.parametrize("query", [{"account": "live"}, {"account": "nobody"}, OF_BOTH])
def test_a_key_for_some_accounts_reaches_no_other(desk: LimitsDesk, query: dict[str, str]) -> None:
    own_admin = ADMIN | {"accounts": "paper"}

    assert code_of(call(desk, SHOW, query, caller=READER)) == (403, "ACCOUNT_FORBIDDEN")
    assert code_of(call(desk, REPLACE, query, {}, caller=own_admin)) == (403, "ACCOUNT_FORBIDDEN")
    assert call(desk, SHOW, OF_DEMO, caller=READER).status == 200


@pytest.mark.parametrize("query", [{}, {"account": "paper", "strategy": "demo"}])
def test_one_account_or_one_strategy_is_to_be_named(desk: LimitsDesk, query: dict[str, str]) -> None:
    assert code_of(call(desk, SHOW, query)) == (422, "INVALID_REQUEST")


def test_who_is_not_there_has_no_limits(desk: LimitsDesk) -> None:
    assert code_of(call(desk, SHOW, {"account": "nobody"})) == (422, "ACCOUNT_UNKNOWN")
    assert code_of(call(desk, REPLACE, {"strategy": "nobody"}, {})) == (422, "STRATEGY_UNKNOWN")


class Raced(MemorySettings):
    """Settings that another writer changes `times` between each reading and its write."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self._times = times

    def stored(self, counted: Any) -> StoredSetting | None:
        found = super().stored(counted)
        if self._times:
            self._times -= 1
            account = self._accounts["paper"]
            self.put_account(account.model_copy(update={"is_enabled": not account.is_enabled}))
        return found


def test_a_change_by_another_writer_meanwhile_is_not_undone(tables: Tables) -> None:
    settings = Raced(times=2)
    settings.put_account(PAPER)
    settings._times = 2  # the first reading is the check of who may
    desk = LimitsDesk(
        settings=settings, meters=MemoryMeters(tables), clock=FakeClock(), profile_of=profile_of
    )

    assert call(desk, REPLACE, OF_PAPER, {"max_quantity": 5}).status == 200

    account = settings.account("paper")
    assert account is not None
    assert (account.is_enabled, account.limits) == (True, Limits(max_quantity=5))


def test_a_setting_that_keeps_being_changed_is_a_conflict(tables: Tables) -> None:
    settings = Raced(times=99)
    settings.put_account(PAPER)
    desk = LimitsDesk(
        settings=settings, meters=MemoryMeters(tables), clock=FakeClock(), profile_of=profile_of
    )

    assert code_of(call(desk, REPLACE, OF_PAPER, {"max_quantity": 5})) == (409, "CONFLICT")
    account = settings.account("paper")
    assert account is not None
    assert account.limits == PAPER.limits


def test_of_two_who_read_the_same_the_second_to_set_is_told(desk: LimitsDesk) -> None:
    version = call(desk, SHOW, OF_PAPER).headers["etag"]
    first = call(desk, REPLACE, OF_PAPER, {"max_quantity": 5}, headers={"if-match": version})

    second = call(desk, REPLACE, OF_PAPER, {"max_quantity": 7}, headers={"if-match": version})

    assert first.status == 200
    assert code_of(second) == (409, "CONFLICT")
    assert call(desk, SHOW, OF_PAPER).content["limits"]["max_quantity"] == 5


def test_the_contract_names_the_scopes() -> None:
    assert {route: str(OPERATIONS[route].scope) for route in (SHOW, REPLACE)} == {
        SHOW: "read",
        REPLACE: "admin",
    }
