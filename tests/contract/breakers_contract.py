"""What every store of breakers keeps: each write replaces the one that was read, and an open one is a switch."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from order_router.domain.account import Account
from order_router.domain.breaker import Breaker, opened, probe_answered, probing
from order_router.domain.errors import Reason
from order_router.domain.gate import Gate, SwitchOn
from order_router.ports import BreakerConflict, Breakers, OrderStore
from order_router.service.gates import switches_for
from tests.fakes.clock import MONDAY_MORNING as AT
from tests.fakes.orders import a_request, a_submitting_order

LIVE = Account(name="paper", broker="paper")
CLOSED = Breaker(broker="paper", account="paper")
DOWN = Reason("BROKER_UNREACHABLE", "no connection")
OPEN = opened(CLOSED, AT, by="alarm", reason=DOWN)
WHOLE = replace(
    probing(OPEN, AT + timedelta(minutes=1), "w-1"),
    failures=(AT, AT + timedelta(microseconds=1)),
    changes=("router-errors 2026-11-23T04:30:15.490+0000", "router-errors 2026-11-23T04:38:15.490+0000"),
)


@dataclass(frozen=True)
class BreakerWorld:
    """A store of breakers, the orders behind their gate, and the operator's hand on a switch."""

    breakers: Breakers
    orders: OrderStore
    set_switch: Callable[[str, bool], None]


class BreakersContract:
    """Inherit this and offer `world`."""

    def test_without_a_record_it_is_closed(self, world: BreakerWorld) -> None:
        assert world.breakers.get("paper", "paper") == CLOSED

    def test_what_is_written_is_read(self, world: BreakerWorld) -> None:
        for breaker in (WHOLE, OPEN, replace(CLOSED, by="key-1", since=AT)):
            before = world.breakers.get("paper", "paper")

            stored = world.breakers.write(breaker, replacing=before)

            assert stored == replace(breaker, version=before.version + 1)
            assert world.breakers.get("paper", "paper") == stored
        assert world.breakers.get("zerodha", "paper") == Breaker(broker="zerodha", account="paper")
        assert world.breakers.get("paper", "other") == Breaker(broker="paper", account="other")

    def test_of_two_writes_one_wins(self, world: BreakerWorld) -> None:
        for _ in range(2):
            seen = world.breakers.get("paper", "paper")
            first = world.breakers.write(replace(OPEN, owner="a"), replacing=seen)

            with pytest.raises(BreakerConflict) as caught:
                world.breakers.write(replace(OPEN, owner="b"), replacing=seen)
            assert caught.value.current == first == world.breakers.get("paper", "paper")

    def test_an_open_one_stops_orders_and_a_closed_one_does_not(self, world: BreakerWorld) -> None:
        gate = Gate(switches=switches_for(LIVE, a_request()), is_exit=True)
        opening = world.breakers.write(OPEN, replacing=CLOSED)
        half = world.breakers.write(WHOLE, replacing=opening)
        for number in range(2):
            with pytest.raises(SwitchOn) as caught:
                world.orders.write(a_submitting_order(f"k-{number}"), replacing=None, gate=gate)
            assert caught.value.code == "BROKER_CIRCUIT_OPEN"

        world.breakers.write(probe_answered(half, "w-1", AT), replacing=half)

        world.orders.write(a_submitting_order("k-3"), replacing=None, gate=gate)
