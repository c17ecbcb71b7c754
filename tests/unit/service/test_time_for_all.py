"""Many orders, many accounts, and a broker that does not answer: each has its turn, and the invocation ends in time."""

from itertools import count
from typing import Any
from unittest.mock import patch

import pytest

from order_router.adapter.errors import OutcomeUnknown
from order_router.domain.account import Account
from order_router.domain.lifecycle import State
from order_router.domain.order import Order
from order_router.service.change import cancel_all
from order_router.service.reconcile import Settled, reconcile_all
from order_router.service.timing import LOOKS_TIME
from tests.fakes.world import World

BIT_S = 0.001


@pytest.fixture
def world() -> World:
    return World()


def rests(world: World, key: str) -> Order:
    order = world.place(key, order_type="LIMIT", limit_price="1400").order
    assert order.state is State.OPEN
    world.clock.advance(2)
    return order


def slow(world: World, method: str, seconds: float, silent_of: str | None = None) -> list[str]:
    """Let each such request take so long, and those of one order go unanswered; return the addresses asked."""
    handle, asked = world.handlers["paper://exchange"], []

    def slowly(request: Any) -> Any:
        if request.method == method:
            asked.append(request.url)
            world.clock.advance(seconds)
            if silent_of is not None and silent_of in request.url:
                raise OutcomeUnknown("no answer in time")
        return handle(request)

    world.handlers["paper://exchange"] = slowly
    return asked


@pytest.mark.parametrize(("each_s", "begun"), [(4, 3), (4 + BIT_S, 2)])
def test_no_cancel_is_begun_after_eight_seconds_and_a_repeat_goes_on(
    world: World, each_s: float, begun: int
) -> None:
    for number in range(5):
        rests(world, f"k-{number}")
    slow(world, "DELETE", each_s)

    first = cancel_all(world.desk, "paper")
    second = cancel_all(world.desk, "paper")

    assert [one.outcome for one in first] == ["cancelled"] * begun + ["not_tried"] * (5 - begun)
    assert {one.error and one.error.code for one in first[begun:]} == {"CANCEL_NOT_TRIED"}
    assert [one.outcome for one in second][:2] == ["cancelled"] * 2


def test_an_order_whose_cancel_is_not_answered_comes_last_in_a_repeat(world: World) -> None:
    orders = [rests(world, f"k-{number}") for number in range(3)]
    slow(world, "DELETE", 9, silent_of=orders[0].broker_order_id)

    outcomes = [cancel_all(world.desk, "paper")[0].order.client_order_id for _ in range(3)]

    assert outcomes == [order.client_order_id for order in orders]


def test_no_account_is_looked_at_after_half_a_minute_and_each_comes_first_in_its_turn(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    names = [f"a{number}" for number in range(6)]
    for name in names:
        world.settings.put_account(Account(name=name, broker="paper"))
    looked, turns = [], count()

    def look(_desk: object, account: str) -> Any:
        looked.append(account)
        world.clock.advance(LOOKS_TIME.total_seconds() / 2)
        return Settled(account=account)

    with (
        patch("order_router.service.reconcile._guarded", look),
        patch("secrets.randbelow", lambda below: next(turns) % below),
    ):
        runs = [reconcile_all(world.desk) for _ in range(20)]

    assert {len(run) for run in runs} == {3}
    assert [one.account for one in runs[0]] == sorted(one.account for one in runs[0])
    assert set(looked) == {"paper", *names}
    assert "not every account was looked at" in caplog.text
