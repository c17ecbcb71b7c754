"""Many orders, many accounts, and a broker that does not answer: each has its turn, and the invocation ends in time."""

from datetime import timedelta
from decimal import Decimal
from itertools import count
from typing import Any
from unittest.mock import patch

import pytest

from order_router.adapter.errors import OutcomeUnknown
from order_router.domain.account import Account
from order_router.domain.lifecycle import State
from order_router.domain.limits import Limits
from order_router.domain.order import Order
from order_router.service.change import cancel_all
from order_router.service.exposure import watch_accounts
from order_router.service.reconcile import Settled, reconcile_all
from order_router.service.timing import LOOKS_TIME, PASS_TIME, WATCHES_TIME
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


def watched_accounts(world: World, count_of: int) -> list[Account]:
    """Give accounts limits by positions and prices, and a resting order each."""
    limits = Limits(max_gross_exposure=Decimal(100000), price_band_percent=Decimal(50))
    accounts = [Account(name=f"a{number}", broker="paper", limits=limits) for number in range(count_of)]
    for account in accounts:
        world.exchange.open_account(account.name)
        world.sessions.log_in(account.name, {})
        world.settings.put_account(account)
        world.place(account.name, account=account.name, limit_price="1400")
    world.clock.advance(240)
    return accounts


def test_every_account_s_book_is_read_before_what_any_limit_is_by(world: World) -> None:
    watched_accounts(world, 3)
    asked = slow(world, "GET", 1)

    reconcile_all(world.desk)

    books = [number for number, url in enumerate(asked) if "/orders" in url]
    assert (len(books), max(books)) == (3, 2)
    assert len(asked) > 3


def test_an_account_whose_broker_is_slow_keeps_the_others_from_their_watch_for_seconds_only(
    world: World,
) -> None:
    accounts = watched_accounts(world, 3)
    began = world.clock.now()
    asked = slow(world, "GET", PASS_TIME.total_seconds() + BIT_S)

    watch_accounts(world.desk, accounts, until=began + timedelta(minutes=5))

    assert ["/positions" in url for url in asked] == [True] * 3, "none had time for a quote as well"


@pytest.mark.parametrize(("left_s", "begun"), [(0, 2), (-BIT_S, 1)])
def test_no_watch_is_begun_when_their_time_is_over(
    world: World, left_s: float, begun: int, caplog: pytest.LogCaptureFixture
) -> None:
    accounts = watched_accounts(world, 3)
    asked = slow(world, "GET", 10)

    watch_accounts(world.desk, accounts, until=world.clock.now() + timedelta(seconds=10 + left_s))

    assert len(asked) == begun
    assert "not every account was watched" in caplog.text


def test_a_look_at_every_account_reads_nothing_for_limits_after_its_time(world: World) -> None:
    watched_accounts(world, 9)
    began, left_at = world.clock.now(), list[float]()
    handle = world.handlers["paper://exchange"]

    def slowly(request: Any) -> Any:
        left_at.append((world.clock.now() - began).total_seconds())
        world.clock.advance(7)
        return handle(request)

    world.handlers["paper://exchange"] = slowly

    reconcile_all(world.desk)

    assert 35 <= max(left_at) <= WATCHES_TIME.total_seconds()
