"""Kill switches and their work as values: names, turns, and whose work goes on."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from order_router.domain.account import Account
from order_router.domain.instrument import parse_instrument
from order_router.domain.kill_switch import (
    EVERYTHING,
    KillSwitch,
    StopScope,
    SwitchConflict,
    SwitchState,
    Turn,
    switch_of,
)
from order_router.domain.kill_work import (
    SKEW,
    Cancel,
    Exit,
    KillWork,
    Phase,
    Verdict,
    judged,
    parts_of,
)
from order_router.domain.reports import Position
from order_router.domain.vocabulary import Product, Side
from order_router.service.gates import switches_for
from tests.contract.kill_stores_contract import WORK
from tests.fakes.clock import MONDAY_MORNING as NOW
from tests.fakes.orders import a_request, an_order

PAPER = KillSwitch(StopScope.ACCOUNT, "paper")
DEMO = KillSwitch(StopScope.STRATEGY, "demo")
LATER = NOW + timedelta(minutes=1)
TICK = timedelta(microseconds=1)
ASKED = WORK.model_copy(update={"phase": Phase.CANCELLING, "exits": (), "cancels": (), "version": 1})


def test_a_switch_is_what_an_order_s_gate_asks_for() -> None:
    asked = switches_for(Account(name="paper", broker="paper"), a_request(strategy="demo"))

    assert {EVERYTHING.key, PAPER.key, DEMO.key} == {name for name in asked if name.startswith("kill#")}


@pytest.mark.parametrize("switch", [EVERYTHING, PAPER, DEMO, KillSwitch(StopScope.ACCOUNT, "global")])
def test_a_switch_is_found_by_its_name(switch: KillSwitch) -> None:
    assert switch_of(switch.key) == switch


@pytest.mark.parametrize(
    "name",
    ["", "kill", "kill#", "kill#global#a", "kill#account", "kill#account#", "breaker#global", "kill#all"],
)
def test_what_names_no_switch_is_refused(name: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever it trips over
        switch_of(name)


def test_a_switch_that_is_on_stays_on_since_it_was() -> None:
    first = SwitchState(switch=PAPER).turned_on(Turn(at=NOW, by="a", reason="one"), lets_exits=False)
    second = first.turned_on(Turn(at=LATER, by="b", reason="two"), lets_exits=True)

    assert (second.since, second.at, second.by, second.reason) == (NOW, LATER, "b", "two")
    assert (second.lets_exits, second.version) == (True, 2)


def test_a_switch_that_comes_on_again_is_on_since_then() -> None:
    turn = Turn(at=NOW, by="a", reason="one")
    off = SwitchState(switch=PAPER).turned_on(turn, lets_exits=True).turned_off(turn)
    again = off.turned_on(Turn(at=LATER, by="a", reason="one"), lets_exits=False)

    assert (off.is_on, off.lets_exits) == (False, False)
    assert again.since == LATER


def test_a_switch_that_was_never_turned_is_off_and_says_nothing() -> None:
    never = SwitchState(switch=PAPER)

    assert (never.is_on, never.lets_exits, never.since, never.at) == (False, False, None, None)
    assert (never.cancels_open, never.closes_positions, never.version) == (None, None, 0)


def test_who_turns_a_switch_that_was_turned_meanwhile_is_told_how_it_stands() -> None:
    turn = Turn(at=NOW, by="a", reason="one")
    on = SwitchState(switch=DEMO).turned_on(turn, lets_exits=False)

    met_on, met_off = SwitchConflict(on), SwitchConflict(on.turned_off(turn))

    assert met_on.message == ("the kill switch of strategy demo was turned on meanwhile: look at it again")
    assert met_off.message == ("the kill switch of strategy demo was turned off meanwhile: look at it again")
    assert met_on.current == on


@pytest.mark.parametrize(
    ("after", "concerned"), [(-timedelta(hours=2), True), (SKEW, True), (SKEW * 1.001, False)]
)
def test_work_concerns_what_was_accepted_before_the_stop(after: timedelta, concerned: bool) -> None:
    assert ASKED.concerns(an_order(at=ASKED.requested_at + after)) is concerned


def test_a_strategy_s_work_concerns_its_own_orders() -> None:
    work = ASKED.model_copy(update={"strategy": "demo"})

    assert work.concerns(an_order(at=NOW, strategy="demo"))
    assert not work.concerns(an_order(at=NOW, strategy="swing"))
    assert not work.concerns(an_order(at=NOW))


def wanted(*, closes: bool, after: timedelta = timedelta(seconds=1), **changes: object) -> KillWork:
    at = NOW + after
    changed = {"work_id": "w-2", "closes_positions": closes, "requested_at": at, "updated_at": at, **changes}
    return ASKED.model_copy(update=changed)


@pytest.mark.parametrize(
    ("closing", "wants_closing", "verdict"),
    [
        (False, False, Verdict.GO_ON),
        (False, True, Verdict.BEGIN),
        (True, False, Verdict.GO_ON),
        (True, True, Verdict.GO_ON),
    ],
)
def test_work_under_way_goes_on_unless_more_is_asked_for(
    closing: bool, wants_closing: bool, verdict: Verdict
) -> None:
    standing = ASKED.model_copy(update={"closes_positions": closing})

    assert judged(standing, wanted(closes=wants_closing), stands=True) is verdict


@pytest.mark.parametrize(("closing", "verdict"), [(True, Verdict.GO_ON), (False, Verdict.BEGIN)])
def test_a_stop_that_only_cancels_leaves_the_closing_of_another_stop_alone(
    closing: bool, verdict: Verdict
) -> None:
    standing = ASKED.model_copy(update={"closes_positions": closing})

    assert judged(standing, wanted(closes=False, since=LATER, switch="kill#global"), stands=True) is verdict
    assert judged(standing, wanted(closes=False, since=LATER), stands=False) is Verdict.BEGIN


def test_two_stops_that_close_have_their_exits_planned_once() -> None:
    planned = WORK.after(NOW - timedelta(minutes=5), phase=Phase.CLOSING)
    other = wanted(closes=True, since=LATER, switch="kill#global")

    assert judged(planned, other, stands=True) is Verdict.GO_ON
    assert judged(planned.after(NOW, exits=()), other, stands=True) is Verdict.BEGIN


def test_work_of_an_earlier_stop_and_work_that_is_over_make_way() -> None:
    assert judged(None, wanted(closes=True), stands=False) is Verdict.BEGIN
    assert judged(ASKED, wanted(closes=False, since=LATER), stands=False) is Verdict.BEGIN
    for closes in (False, True):
        over = ASKED.after(NOW, phase=Phase.DONE, closes_positions=closes)
        assert judged(over, wanted(closes=True), stands=True) is Verdict.BEGIN
        assert judged(over, wanted(closes=False), stands=True) is Verdict.BEGIN


@pytest.mark.parametrize("phase", list(Phase))
def test_positions_are_not_closed_again_before_a_rest(phase: Phase) -> None:
    standing, a_minute = WORK.model_copy(update={"phase": phase, "updated_at": NOW}), timedelta(seconds=60)
    too_soon = wanted(closes=True, after=a_minute - TICK)

    for changed in ({}, {"since": LATER}, {"switch": "kill#global"}):
        again = too_soon.model_copy(update=changed)
        assert judged(standing, again, stands=True) is Verdict.GO_ON
        assert judged(standing, again, stands=False) is Verdict.WAIT
    rested = wanted(closes=True, after=a_minute, since=LATER)
    assert judged(standing, rested, stands=False) is Verdict.BEGIN


def position(quantity: int) -> Position:
    return Position(
        instrument=parse_instrument("NSE:INFY"),
        product=Product.MIS,
        quantity=quantity,
        average_price=Decimal("1500.05"),
    )


@given(st.integers(-25_000_000, 25_000_000).filter(bool), st.none() | st.integers(1, 12_000_000))
def test_the_parts_close_a_position_exactly_and_none_is_too_large(quantity: int, most: int | None) -> None:
    if most is not None:
        most = max(most, abs(quantity) // 500 + 1)
    parts = parts_of(position(quantity), most)

    assert sum(part if side is Side.BUY else -part for side, part in parts) == -quantity
    assert all(0 < part <= min(most or 10_000_000, 10_000_000) for _, part in parts)
    assert len({side for side, _ in parts}) == 1


def test_an_exit_is_a_market_order_that_says_that_it_closes() -> None:
    line: Exit = WORK.exits[0]

    request = line.request("paper")

    assert (request.order_type, request.position_effect, request.side) == ("MARKET", "CLOSE", "SELL")
    assert (str(request.instrument), request.quantity, request.product) == ("NSE:INFY", 5, "MIS")
    assert (request.account, request.strategy) == ("paper", None)


def test_a_later_outcome_of_an_order_replaces_the_earlier() -> None:
    first = WORK.cancels[0]

    both = WORK.with_cancels([first.model_copy(update={"outcome": "cancelled", "code": None})])

    assert [(line.outcome, line.code) for line in both] == [("cancelled", None)]


def test_cancels_are_tried_again_after_those_that_were_tried_longer_ago_or_never() -> None:
    orders = {key: an_order(key, at=NOW) for key in ("k-1", "k-2", "k-3")}
    lines = {
        key: Cancel(client_order_id=one.client_order_id, outcome="failed") for key, one in orders.items()
    }
    work = ASKED.model_copy(update={"cancels": (lines["k-2"], lines["k-1"])})

    work = work.model_copy(update={"cancels": work.with_cancels([lines["k-2"]])})

    assert work.in_turn(orders.values()) == [orders["k-3"], orders["k-1"], orders["k-2"]]


def test_work_that_says_no_more_was_never_written_and_only_cancels() -> None:
    work = KillWork(
        work_id="w-1",
        account="paper",
        switch=PAPER.key,
        since=NOW,
        requested_at=NOW,
        by="k-admin",
        updated_at=NOW,
    )

    assert (work.closes_positions, work.phase, work.version) == (False, Phase.CANCELLING, 0)


def test_work_cannot_be_changed_in_place_and_none_of_its_words_is_overlooked() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        WORK.phase = Phase.DONE  # type: ignore[misc]
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        KillWork.model_validate({**WORK.model_dump(), "closes_holdings": True})
