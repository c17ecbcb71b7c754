"""What an order passes: which calls count, which switches stop, and whose line holds."""

from dataclasses import replace

import pytest

from order_router.adapter.profile import Profile
from order_router.brokers.registry import load_broker
from order_router.domain.account import Account
from order_router.service.gates import cancel_gate, change_gate, entry_gate, pace_for, resume_gate
from tests.fakes.clock import MONDAY_MORNING
from tests.fakes.orders import a_request

ACCOUNT = Account(name="paper", broker="paper", max_orders_per_day=7)
REQUEST = a_request(strategy="demo")


def profile(order_calls_per_second: int = 9) -> Profile:
    return replace(load_broker("paper").profile, order_calls_per_second=order_calls_per_second)


def test_a_broker_that_allows_more_does_not_lift_the_line() -> None:
    assert pace_for(ACCOUNT, profile(25), REQUEST, MONDAY_MORNING).calls_per_second == 9


def test_a_broker_that_allows_fewer_calls_gets_fewer() -> None:
    assert pace_for(ACCOUNT, profile(3), REQUEST, MONDAY_MORNING).calls_per_second == 3


@pytest.mark.parametrize("gate", [entry_gate, resume_gate, change_gate, cancel_gate])
def test_every_order_call_takes_from_one_pace_of_account_and_exchange(gate) -> None:  # type: ignore[no-untyped-def]
    pace = gate(ACCOUNT, profile(), REQUEST, MONDAY_MORNING).pace

    assert (pace.name, pace.calls_per_second, pace.at) == ("paper#NSE", 9, MONDAY_MORNING)


@pytest.mark.parametrize("gate", [entry_gate, resume_gate, change_gate])
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


def test_only_a_new_order_counts_against_its_day() -> None:
    [counter] = entry_gate(ACCOUNT, profile(), REQUEST, MONDAY_MORNING).counters

    assert (counter.name, counter.limit) == ("orders#paper#2026-11-23", 7)
    assert resume_gate(ACCOUNT, profile(), REQUEST, MONDAY_MORNING).counters == ()


def test_an_exit_is_held_by_nothing_and_an_entry_by_its_strategy_and_instrument() -> None:
    leaving = a_request(strategy="demo", position_effect="CLOSE")

    for gate in (entry_gate, resume_gate):
        assert gate(ACCOUNT, profile(), leaving, MONDAY_MORNING).hold is None
        assert gate(ACCOUNT, profile(), REQUEST, MONDAY_MORNING).hold == "hold#paper#demo#NSE:INFY#2026-11-23"
