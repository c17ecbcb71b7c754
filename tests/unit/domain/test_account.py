"""What the operator sets up: exactly the fields there are, unchangeable, with defaults that are promised."""

import pytest
from pydantic import BaseModel, ValidationError

from order_router.domain.account import Account, Caller, Scope, Strategy

Fields = dict[str, object]
ACCOUNT: Fields = {"name": "paper", "broker": "paper"}
STRATEGY: Fields = {
    "name": "demo",
    "accounts": ["paper"],
    "order_type": "MARKET",
    "product": "MIS",
    "max_quantity": 5,
}
CALLER: Fields = {"key_id": "k-1", "scopes": ["read"]}
KINDS: list[tuple[type[BaseModel], Fields]] = [
    (Account, ACCOUNT),
    (Strategy, STRATEGY),
    (Caller, CALLER),
]


@pytest.mark.parametrize(("kind", "fields"), KINDS)
def test_a_misspelt_setting_is_an_error_and_not_a_default(kind: type[BaseModel], fields: Fields) -> None:
    with pytest.raises(ValidationError, match="is_enabeld"):
        kind.model_validate(fields | {"is_enabeld": False})


@pytest.mark.parametrize(("kind", "fields"), KINDS)
def test_a_setting_that_was_read_cannot_be_changed(kind: type[BaseModel], fields: Fields) -> None:
    setting = kind.model_validate(fields)

    with pytest.raises(ValidationError, match="frozen"):
        setattr(setting, next(iter(fields)), "other")


def test_what_is_not_said_is_as_promised() -> None:
    account, strategy = Account.model_validate(ACCOUNT), Strategy.model_validate(STRATEGY)

    assert (account.is_enabled, account.limits.max_orders_per_day) == (True, 1000)
    assert (strategy.is_enabled, strategy.max_age_s, strategy.time_is) == (True, 30, "fired")


@pytest.mark.parametrize(("limit", "is_taken"), [(0, False), (1, True), (5000, True), (5001, False)])
def test_a_day_s_limit_is_within_reason(limit: int, is_taken: bool) -> None:
    if is_taken:
        account = Account.model_validate(ACCOUNT | {"max_orders_per_day": limit})
        assert account.limits.max_orders_per_day == limit
        return
    with pytest.raises(ValidationError):
        Account.model_validate(ACCOUNT | {"max_orders_per_day": limit})


@pytest.mark.parametrize(("age", "is_taken"), [(0, False), (1, True), (300, True), (301, False)])
def test_an_alert_s_greatest_age_is_within_reason(age: int, is_taken: bool) -> None:
    if is_taken:
        assert Strategy.model_validate(STRATEGY | {"max_age_s": age}).max_age_s == age
        return
    with pytest.raises(ValidationError):
        Strategy.model_validate(STRATEGY | {"max_age_s": age})


@pytest.mark.parametrize(("count", "is_taken"), [(0, False), (1, True), (10, True), (11, False)])
def test_a_strategy_trades_in_one_to_ten_accounts(count: int, is_taken: bool) -> None:
    accounts = [f"a{number}" for number in range(count)]
    if is_taken:
        assert Strategy.model_validate(STRATEGY | {"accounts": accounts}).accounts == tuple(accounts)
        return
    with pytest.raises(ValidationError):
        Strategy.model_validate(STRATEGY | {"accounts": accounts})


def test_one_scope_of_several_is_enough() -> None:
    caller = Caller(key_id="k-1", scopes=frozenset({Scope.READ, Scope.TRADE}))

    assert [caller.may(scope) for scope in (Scope.READ, Scope.TRADE, Scope.ADMIN)] == [True, True, False]
