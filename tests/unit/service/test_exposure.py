"""What an account holds, as the gate counts it: set from the broker's positions, never over what came between."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from order_router.adapter.errors import BrokerError
from order_router.domain.account import Account, Strategy
from order_router.domain.limits import Limits, OrderLimits
from order_router.domain.meter import BASED_AT, GROSS, OPEN, ORDERS
from order_router.domain.vocabulary import OrderType, Product
from order_router.ports import StoreUnavailable
from order_router.service.exposure import rebase, watch_account
from order_router.service.reconcile import reconcile_account, reconcile_all
from tests.fakes.transport import Fault
from tests.fakes.world import World

DAY = date(2026, 11, 23)
METER = f"meter#account#paper#{DAY}"
LIMITED = Account(name="paper", broker="paper", limits=Limits(max_gross_exposure=Decimal(100000)))


@pytest.fixture
def world() -> World:
    world = World()
    world.settings.put_account(LIMITED)
    world.place("bought")
    return world


def counted(world: World) -> Mapping[str, Decimal]:
    return world.desk.meters.read(METER)


def now(world: World) -> datetime:
    return world.clock.now()


def between(world: World, monkeypatch: pytest.MonkeyPatch, happen: Any) -> None:
    """Have something happen after each read of what is counted, before it is set."""
    read = world.desk.meters.read

    def read_then(name: str) -> Mapping[str, Decimal]:
        seen = read(name)
        happen()
        return seen

    monkeypatch.setattr(world.desk.meters, "read", read_then)


def test_an_order_that_comes_between_is_not_lost_from_the_count(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    coming = iter(["between"])
    world.clock.advance(60)

    def come() -> None:
        for key in coming:
            world.place(key, limit_price="1400")

    between(world, monkeypatch, come)

    rebase(world.desk, LIMITED, DAY, known_since=now(world))

    monkeypatch.undo()
    assert counted(world)[GROSS] == Decimal("7500.25") + 7000
    assert [counted(world)[ORDERS], counted(world)[OPEN]] == [2, 1]


def test_while_orders_keep_coming_nothing_is_set_and_it_is_said(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = iter(range(99))
    world.clock.advance(60)
    before = counted(world)[BASED_AT]
    between(world, monkeypatch, lambda: world.place(f"k-{next(keys)}", limit_price="1400"))

    with pytest.raises(StoreUnavailable):
        rebase(world.desk, LIMITED, DAY, known_since=now(world))

    monkeypatch.undo()
    assert counted(world)[BASED_AT] == before
    assert counted(world)[GROSS] == Decimal("7500.25") + 3 * 7000


def test_positions_that_somebody_has_just_read_are_not_read_again(world: World) -> None:
    sent = len(world.transport.sent)

    rebase(world.desk, LIMITED, DAY, known_since=now(world) - timedelta(seconds=1))

    assert len(world.transport.sent) == sent


def test_positions_that_cannot_be_read_leave_what_was_known(world: World) -> None:
    before = dict(counted(world))
    world.transport.reads = [Fault.REFUSED]

    with pytest.raises(BrokerError):
        rebase(world.desk, LIMITED, DAY, known_since=now(world) + timedelta(seconds=1))

    assert counted(world) == before


def test_the_schedule_s_look_keeps_positions_and_prices_fresh(world: World) -> None:
    world.settings.put_account(
        LIMITED.model_copy(
            update={"limits": Limits(max_gross_exposure=Decimal(100000), price_band_percent=Decimal(5))}
        )
    )
    world.clock.advance(600)

    reconcile_all(world.desk)

    sent = len(world.transport.sent)
    world.place("next")
    assert world.transport.sent[sent].is_write, "the order needs nothing read"


def test_a_look_that_was_asked_for_reads_no_positions(world: World) -> None:
    world.clock.advance(600)
    sent = len(world.transport.sent)

    reconcile_account(world.desk, "paper")

    assert len(world.transport.sent) == sent


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.GARBAGE, Fault.REQUEST_LOST])
def test_watching_fails_in_silence_and_leaves_what_was_known(world: World, fault: Fault) -> None:
    before = dict(counted(world))
    world.clock.advance(60)
    world.transport.reads = [fault] * 5

    watch_account(world.desk, LIMITED)

    assert counted(world) == before


def test_a_defect_in_watching_does_not_keep_orders_from_being_settled(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_name: str) -> Mapping[str, Decimal]:
        raise ZeroDivisionError

    monkeypatch.setattr(world.desk.meters, "read", broken)
    monkeypatch.setattr(world.settings, "strategies", lambda: broken(""))

    assert [one.account for one in reconcile_all(world.desk)] == ["paper"]


def test_an_account_without_such_limits_costs_its_broker_nothing(world: World) -> None:
    world.settings.put_account(Account(name="paper", broker="paper"))
    sent = len(world.transport.sent)

    reconcile_all(world.desk)

    assert len(world.transport.sent) == sent


def test_a_strategy_that_comes_near_its_limit_is_told_of(world: World) -> None:
    strategy = Strategy(
        name="demo",
        accounts=("paper",),
        order_type=OrderType.LIMIT,
        product=Product.MIS,
        max_quantity=10,
        limits=OrderLimits(max_orders_per_day=1, max_open_orders=2),
    )
    world.settings.put_strategy(strategy)
    world.place("demo", strategy="demo", limit_price="1400")

    reconcile_all(world.desk)

    near = [notice for notice in world.notifier.notices if notice.kind == "limit_near"]
    assert [(one.account, one.message, one.subject) for one in near] == [
        ("*", "orders of strategy demo is 1: its limit is 1", "strategy demo#orders#2026-11-23")
    ]
