"""The place function as it ships: whose strategy an HTTPS order may name."""

import json
import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest

from order_router import wiring
from order_router.domain.account import Strategy
from order_router.domain.limits import OrderLimits
from order_router.domain.vocabulary import OrderType, Product
from tests.fakes.world import World
from tests.unit.api.events import ADMIN, ORDER, TRADER, event

APP = Path(__file__).resolve().parents[2] / "functions" / "place" / "app.py"


@pytest.fixture
def world() -> World:
    world = World()
    world.open_account("second")
    return world


def a_strategy(world: World, *accounts: str, fallback: str | None = None) -> None:
    world.settings.put_strategy(
        Strategy(
            name="swing",
            accounts=accounts,
            fallback_account=fallback,
            order_type=OrderType.MARKET,
            product=Product.MIS,
            max_quantity=100,
            limits=OrderLimits(max_orders_per_day=1),
        )
    )


def placed(world: World, key: str, caller: dict[str, str], **changes: str) -> tuple[int, dict[str, Any]]:
    shipped = SimpleNamespace(
        desk=world.desk,
        order_queue=SimpleNamespace(release=None),
        dead_letters=None,
        seen_address=lambda: None,
    )
    with patch.object(wiring, "world", lambda: shipped):
        handler = runpy.run_path(str(APP))["handler"]
    headers = {"idempotency-key": key}
    asked = event("POST /v1/orders", ORDER | changes, headers=headers, caller=caller, at=world.clock.now())
    answer = handler(asked, None)
    return answer["statusCode"], json.loads(answer["body"])


def test_a_key_of_one_account_spends_nothing_of_a_strategy_that_trades_others(world: World) -> None:
    a_strategy(world, "second")

    status, problem = placed(world, "k-1", TRADER, strategy="swing")
    own_status, own = placed(world, "k-2", ADMIN, strategy="swing", account="second")

    assert (status, problem["code"]) == (403, "ACCOUNT_FORBIDDEN")
    assert (own_status, own["state"]) == (201, "filled")


@pytest.mark.parametrize(
    ("accounts", "fallback"), [(("paper",), None), (("paper", "second"), None), (("second",), "paper")]
)
def test_a_key_may_name_a_strategy_that_trades_an_account_of_its_own(
    world: World, accounts: tuple[str, ...], fallback: str | None
) -> None:
    a_strategy(world, *accounts, fallback=fallback)

    assert placed(world, "k-1", TRADER, strategy="swing")[0] == 201


@pytest.mark.parametrize("caller", [TRADER, ADMIN])
def test_a_strategy_that_nobody_set_up_is_a_name_as_any_other(world: World, caller: dict[str, str]) -> None:
    assert placed(world, "k-1", caller, strategy="mine")[0] == 201
