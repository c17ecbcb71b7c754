"""What an order passes: which calls count, which switches stop, and whose line holds."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, cast

import pytest

from order_router.adapter.profile import Profile
from order_router.brokers.registry import BROKERS, load_broker
from order_router.domain.account import Account
from order_router.domain.exchange_time import exchange_day
from order_router.domain.gate import Gate, KeptPrice, PaceExceeded, PriceUnfit
from order_router.domain.history import Event
from order_router.domain.lifecycle import EventKind
from order_router.domain.limits import Limits
from order_router.domain.order import Order, apply
from order_router.ports import OrderStore
from order_router.service.gates import (
    GatedWrite,
    after_gate,
    cancel_gate,
    change_gate,
    entry_gate,
    pace_for,
    write_through,
)
from tests.fakes.clock import MONDAY_MORNING, FakeClock
from tests.fakes.orders import a_request, a_submitting_order, gate_before_entry

ACCOUNT = Account(name="paper", broker="paper", limits=Limits(max_orders_per_day=7))
REQUEST = a_request(strategy="demo")


def profile(order_calls_per_second: int = 9, **changes: Any) -> Profile:
    return replace(load_broker("paper").profile, order_calls_per_second=order_calls_per_second, **changes)


def test_a_broker_that_allows_more_does_not_lift_the_line() -> None:
    assert pace_for(ACCOUNT, profile(25), REQUEST, MONDAY_MORNING).calls_per_second == 9


def test_a_broker_that_allows_fewer_calls_gets_fewer() -> None:
    assert pace_for(ACCOUNT, profile(3), REQUEST, MONDAY_MORNING).calls_per_second == 3


@pytest.mark.parametrize("gate", [gate_before_entry, change_gate, cancel_gate])
def test_every_order_call_takes_from_one_pace_of_account_and_exchange(gate) -> None:  # type: ignore[no-untyped-def]
    pace = gate(ACCOUNT, profile(), REQUEST, MONDAY_MORNING).pace

    assert (pace.name, pace.calls_per_second, pace.at) == ("paper#NSE", 9, MONDAY_MORNING)


@pytest.mark.parametrize("gate", [gate_before_entry, change_gate, cancel_gate])
def test_where_the_broker_counts_an_account_s_calls_all_its_exchanges_share_one_pace(gate) -> None:  # type: ignore[no-untyped-def]
    counts_all = profile(4, paces_whole_account=True)
    requests = [a_request(strategy="demo", instrument=name) for name in ("NSE:INFY", "NFO:NIFTY26NOV24500CE")]

    paces = {gate(ACCOUNT, counts_all, request, MONDAY_MORNING).pace for request in requests}

    assert [(pace.name, pace.calls_per_second) for pace in paces] == [("paper", 4)]


@pytest.mark.parametrize("name", sorted(set(BROKERS) - {"paper"}))
def test_every_real_broker_s_own_limit_is_of_the_account(name: str) -> None:
    account = Account(name="mine", broker=name)

    assert pace_for(account, load_broker(name).profile, REQUEST, MONDAY_MORNING).name == "mine"


@pytest.mark.parametrize("gate", [gate_before_entry, change_gate])
def test_everything_but_a_cancel_meets_every_switch(gate) -> None:  # type: ignore[no-untyped-def]
    assert set(gate(ACCOUNT, profile(), REQUEST, MONDAY_MORNING).switches) == {
        "kill#global",
        "kill#account#paper",
        "breaker#paper#paper",
        "kill#strategy#demo",
    }


def test_a_cancel_meets_no_switch_no_hold_and_no_counter() -> None:
    gate = cancel_gate(ACCOUNT, profile(), REQUEST, MONDAY_MORNING)

    assert (gate.switches, gate.hold, gate.counters) == ((), None, ())


def test_an_exit_is_held_by_nothing_and_an_entry_by_its_strategy_and_instrument() -> None:
    leaving = a_submitting_order(strategy="demo", position_effect="CLOSE")

    assert entry_gate(ACCOUNT, profile(), leaving, MONDAY_MORNING).hold is None
    held = entry_gate(ACCOUNT, profile(), a_submitting_order(strategy="demo"), MONDAY_MORNING).hold
    assert held == "hold#paper#demo#NSE:INFY#2026-11-23"


def lost(**changes: object) -> tuple[Order, Order]:
    """Return an order before and after its outcome was lost."""
    before = a_submitting_order(**changes)  # type: ignore[arg-type]
    return before, apply(before, Event(kind=EventKind.OUTCOME_LOST, at=MONDAY_MORNING))


def test_a_hold_is_kept_until_its_day_is_over_everywhere() -> None:
    before, after = lost(strategy="demo")
    gate = after_gate(before, after)

    assert gate is not None
    assert gate.hold_change is not None
    assert gate.hold_change.expires_at == MONDAY_MORNING + timedelta(days=2)


def test_a_hold_of_an_order_for_a_later_session_is_kept_until_that_day_is_over() -> None:
    before, after = (
        replace(one, session_day=exchange_day(MONDAY_MORNING) + timedelta(days=3))
        for one in lost(strategy="demo", after_market=True)
    )
    gate = after_gate(before, after)

    assert gate is not None
    assert gate.hold_change is not None
    assert gate.hold_change.expires_at == MONDAY_MORNING + timedelta(days=5)


def test_a_hold_is_put_on_and_taken_off_where_the_state_says_so_and_nowhere_else() -> None:
    before, after = lost(strategy="demo")
    found = apply(after, Event(kind=EventKind.OPENED, at=MONDAY_MORNING, broker_order_id="b-1"))
    told = apply(after, Event(kind=EventKind.PERSON_TOLD, at=MONDAY_MORNING))

    changes = [
        after_gate(*pair) for pair in ((before, after), (after, found), (after, told), (before, before))
    ]

    assert [gate and gate.hold_change and gate.hold_change.is_on for gate in changes] == [
        True,
        False,
        None,
        None,
    ]


def test_an_order_of_no_strategy_holds_nothing() -> None:
    assert after_gate(*lost()) is None


class Full:
    """A store whose pace is full at first: each try moves on by what it says."""

    def __init__(self, waits: list[float]) -> None:
        self.waits = waits

    def write(self, order: Order, *, replacing: Order | None, gate: Gate | None = None) -> None:
        if self.waits:
            raise PaceExceeded(self.waits.pop(0))


@pytest.mark.parametrize(("until_s", "passes"), [(1.0, True), (0.999, False)])
def test_a_call_that_comes_free_in_the_last_instant_is_waited_for(until_s: float, passes: bool) -> None:
    clock = FakeClock()
    write = GatedWrite(
        order=a_submitting_order(),
        replacing=None,
        gate=lambda _at: Gate(),
        until=clock.now() + timedelta(seconds=until_s),
    )
    store = cast("OrderStore", Full([1.0]))

    if passes:
        passed = write_through(store, clock, write)
        assert clock.slept == [1.0]
        assert passed.send_by < clock.now(), "without a call of its second it does not leave"
        return
    with pytest.raises(PaceExceeded):
        write_through(store, clock, write)
    assert clock.slept == []


def test_a_price_that_a_limit_cannot_use_is_named_with_what_is_kept() -> None:
    kept = KeptPrice(Decimal("1500.05"), MONDAY_MORNING)

    refused = PriceUnfit(kept)

    assert (refused.code, refused.found) == ("PRICE_UNKNOWN", kept)
    assert refused.message == "the kept price is not known, too old or out of bounds"
