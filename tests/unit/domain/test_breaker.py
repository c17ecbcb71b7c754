"""A breaker opens after failures in a row and closes by one answered read, whatever else happens between."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from order_router.domain.account import Account
from order_router.domain.breaker import (
    BY_FAILURES,
    BY_PROBE,
    FAILURES_TO_OPEN,
    FIRST_PAUSE,
    LONGEST_PAUSE,
    PROBE_LEASE,
    Breaker,
    BreakerState,
    failed,
    last_answer,
    opened,
    opened_once,
    probe_answered,
    probe_failed,
    probe_left,
    probing,
    reset,
    told,
)
from order_router.domain.errors import Reason
from order_router.domain.history import Event
from order_router.domain.lifecycle import EventKind
from order_router.domain.order import apply
from order_router.service.gates import switches_for
from tests.fakes.clock import MONDAY_MORNING as AT
from tests.fakes.orders import a_request, a_submitting_order

DOWN = Reason("BROKER_UNREACHABLE", "no connection")
CLOSED = Breaker(broker="zerodha", account="live")
S = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
TICK = timedelta(microseconds=1)


def after_failures(count: int, breaker: Breaker = CLOSED, *, at: datetime = AT) -> Breaker:
    for number in range(count):
        breaker = failed(breaker, at + number * S, DOWN)
    return breaker


OPEN = after_failures(FAILURES_TO_OPEN)
DUE = OPEN.probe_at or AT
HALF_OPEN = probing(OPEN, DUE, "w-1")


def test_the_breaker_is_the_switch_that_the_gate_checks() -> None:
    account = Account(name="live", broker="zerodha")

    assert CLOSED.switch in switches_for(account, a_request(account="live"))


def test_it_opens_with_the_last_of_the_row_and_not_before() -> None:
    assert not after_failures(FAILURES_TO_OPEN - 1).is_engaged

    assert (OPEN.state, OPEN.by, OPEN.reason, OPEN.is_told) == (
        BreakerState.OPEN,
        BY_FAILURES,
        DOWN,
        False,
    )
    assert OPEN.since == AT + (FAILURES_TO_OPEN - 1) * S
    assert OPEN.probe_at == OPEN.since + FIRST_PAUSE


def opened_by_alarm(breaker: Breaker, change: str) -> Breaker:
    return opened_once(breaker, AT, by="alarm errors", reason=DOWN, change=change)


def test_a_change_of_an_alarm_opens_it_once() -> None:
    first = opened_by_alarm(CLOSED, "errors 04:30")

    assert first == replace(opened(CLOSED, AT, by="alarm errors", reason=DOWN), changes=("errors 04:30",))
    assert opened_by_alarm(first, "errors 04:30") is first

    closed = reset(first, AT + S, by="k-admin")
    assert opened_by_alarm(closed, "errors 04:30") is closed
    assert opened_by_alarm(closed, "errors 04:38").is_engaged


def test_a_change_that_finds_it_open_is_taken_and_leaves_it_as_it_is() -> None:
    assert opened_by_alarm(HALF_OPEN, "errors 04:30") == replace(HALF_OPEN, changes=("errors 04:30",))


def test_it_remembers_a_few_changes_and_forgets_the_oldest() -> None:
    breaker = CLOSED
    for number in range(9):
        breaker = opened_by_alarm(breaker, f"errors {number}")

    assert breaker.changes == tuple(f"errors {number}" for number in range(1, 9))


@pytest.mark.parametrize(("age", "opens"), [(10 * MINUTE - TICK, True), (10 * MINUTE, False)])
def test_a_failure_of_long_ago_is_not_of_the_row(age: timedelta, opens: bool) -> None:
    before = replace(CLOSED, failures=(AT, AT))

    assert failed(before, AT + age, DOWN).is_engaged is opens


@pytest.mark.parametrize(("answered_at", "opens"), [(AT - TICK, True), (AT, False), (AT + S, False)])
def test_an_answered_call_ends_the_row(answered_at: datetime, opens: bool) -> None:
    before = replace(CLOSED, failures=(AT, AT + 2 * S))

    after = failed(before, AT + 3 * S, DOWN, answered_at=answered_at)

    assert after.is_engaged is opens
    assert len(after.failures) == (3 if opens else 2)


def test_nothing_opens_an_open_breaker_again() -> None:
    for breaker in (OPEN, HALF_OPEN):
        assert failed(breaker, DUE + S, DOWN) is breaker
        assert opened(breaker, DUE + S, by="alarm", reason=DOWN) is breaker


def test_nobody_reads_before_the_pause_is_over() -> None:
    assert probing(OPEN, DUE - TICK, "w-1") is OPEN
    assert HALF_OPEN.state is BreakerState.HALF_OPEN
    assert HALF_OPEN.is_engaged


def test_one_worker_reads_at_a_time() -> None:
    assert probing(HALF_OPEN, DUE + 30 * S - TICK, "w-2") is HALF_OPEN

    taken = probing(HALF_OPEN, DUE + 30 * S, "w-2")

    assert taken.owner == "w-2"
    assert probe_answered(taken, "w-1", DUE + 40 * S) is taken
    assert probe_failed(taken, "w-1", DUE + 40 * S, DOWN) is taken


def test_a_read_that_was_not_made_is_whose_who_comes_next() -> None:
    left = probe_left(HALF_OPEN, "w-1")

    assert (left.state, left.pause, left.is_told) == (BreakerState.OPEN, OPEN.pause, OPEN.is_told)
    assert (left.owner, left.lease_until) == (None, None)
    assert probing(left, DUE + S, "w-2").owner == "w-2"
    assert probe_left(HALF_OPEN, "w-2") is HALF_OPEN


def test_a_closed_breaker_is_not_probed() -> None:
    assert probing(CLOSED, AT, "w-1") is CLOSED


def test_an_answered_read_closes_it_and_is_news() -> None:
    closed = probe_answered(told(HALF_OPEN), "w-1", DUE + S)

    assert (closed.state, closed.by, closed.since) == (BreakerState.CLOSED, BY_PROBE, DUE + S)
    assert (closed.failures, closed.is_told) == ((), False)
    assert (closed.probe_at, closed.owner, closed.lease_until) == (None, None, None)


def test_an_unanswered_read_opens_it_for_longer_up_to_a_limit() -> None:
    breaker, at, pauses = OPEN, DUE, []
    for _ in range(6):
        breaker = probe_failed(probing(breaker, at, "w-1"), "w-1", at, DOWN)
        assert breaker.probe_at is not None
        pauses.append(breaker.probe_at - at)
        at = breaker.probe_at

    assert pauses == [30 * S, MINUTE, 2 * MINUTE, 2 * MINUTE, 2 * MINUTE, 2 * MINUTE]
    assert breaker.is_told == OPEN.is_told
    assert breaker.since == OPEN.since


def test_an_unanswered_read_says_why_and_is_over() -> None:
    after = probe_failed(HALF_OPEN, "w-1", DUE + S, Reason("TIMED_OUT", "no answer in time"))

    assert (after.state, after.reason) == (BreakerState.OPEN, Reason("TIMED_OUT", "no answer in time"))
    assert (after.owner, after.lease_until) == (None, None)
    assert probe_answered(after, "w-1", DUE + 2 * S) is after


@pytest.mark.parametrize(("age", "opens"), [(5 * MINUTE - TICK, True), (5 * MINUTE, False)])
def test_soon_after_a_read_closed_it_one_failure_opens_it(age: timedelta, opens: bool) -> None:
    closed = probe_answered(HALF_OPEN, "w-1", DUE)

    after = failed(closed, DUE + age, DOWN)

    assert after.is_engaged is opens
    assert after.pause == (2 * FIRST_PAUSE if opens else FIRST_PAUSE)


def test_an_order_call_that_was_answered_since_ends_the_probation() -> None:
    closed = probe_answered(HALF_OPEN, "w-1", DUE)

    assert failed(closed, DUE + 2 * S, DOWN, answered_at=DUE).is_engaged
    assert not failed(closed, DUE + 2 * S, DOWN, answered_at=DUE + S).is_engaged


def test_a_person_closes_it_and_is_not_on_probation() -> None:
    for breaker in (OPEN, HALF_OPEN):
        closed = reset(breaker, DUE, by="key-1")

        assert (closed.state, closed.by) == (BreakerState.CLOSED, "key-1")
        assert not failed(closed, DUE + S, DOWN).is_engaged
        assert opened(closed, DUE + S, by="alarm", reason=DOWN).pause == FIRST_PAUSE


def test_a_reset_forgets_what_was_counted_and_of_nothing_makes_nothing() -> None:
    assert reset(after_failures(1), DUE, by="key-1").failures == ()
    assert reset(CLOSED, DUE, by="key-1") is CLOSED


def test_told_is_told_once() -> None:
    known = told(OPEN)

    assert known.is_told
    assert told(known) is known


def test_only_an_answer_to_the_call_itself_counts_as_one() -> None:
    sent = a_submitting_order()
    acknowledged = apply(sent, Event(kind=EventKind.OPENED, at=AT + S, broker_order_id="b-1"))
    rejected = apply(sent, Event(kind=EventKind.REJECTED, at=AT + 2 * S))
    lost = apply(sent, Event(kind=EventKind.OUTCOME_LOST, at=AT + 3 * S))
    adopted = apply(lost, Event(kind=EventKind.OPENED, at=AT + 4 * S, broker_order_id="b-1"))
    unsent = apply(sent, Event(kind=EventKind.NEVER_SENT, at=AT + 5 * S))

    assert last_answer([sent, lost, adopted, unsent]) is None
    assert last_answer([acknowledged]) == AT + S
    assert last_answer([rejected, acknowledged, lost]) == AT + 2 * S


Step = Callable[[Breaker, datetime], Breaker]
STEPS: dict[str, Step] = {
    "failed": lambda one, at: failed(one, at, DOWN),
    "answered": lambda one, at: failed(one, at, DOWN, answered_at=at - S),
    "alarm": lambda one, at: opened(one, at, by="alarm", reason=DOWN),
    "probe 1": lambda one, at: probing(one, at, "w-1"),
    "probe 2": lambda one, at: probing(one, at, "w-2"),
    "answer 1": lambda one, at: probe_answered(one, "w-1", at),
    "answer 2": lambda one, at: probe_answered(one, "w-2", at),
    "silence 1": lambda one, at: probe_failed(one, "w-1", at, DOWN),
    "silence 2": lambda one, at: probe_failed(one, "w-2", at, DOWN),
    "left 1": lambda one, _: probe_left(one, "w-1"),
    "left 2": lambda one, _: probe_left(one, "w-2"),
    "reset": lambda one, at: reset(one, at, by="key-1"),
    "told": lambda one, _: told(one),
}
LIVES = st.lists(st.tuples(st.sampled_from(sorted(STEPS)), st.integers(0, 400)), max_size=60)


@given(LIVES)
def test_whatever_happens_only_a_read_or_a_person_closes_it(life: list[tuple[str, int]]) -> None:
    breaker, at = CLOSED, AT
    for name, wait_s in life:
        at += wait_s * S
        after = STEPS[name](breaker, at)
        if breaker.is_engaged and not after.is_engaged:
            assert name == "reset" or (name.startswith("answer ") and breaker.owner == f"w-{name[-1]}")
        if after.is_engaged != breaker.is_engaged:
            assert not after.is_told
            assert after.since == at
        breaker = after


@given(LIVES)
def test_whatever_happens_it_is_whole(life: list[tuple[str, int]]) -> None:
    breaker, at = CLOSED, AT
    for name, wait_s in life:
        at += wait_s * S
        breaker = STEPS[name](breaker, at)

        is_reading = breaker.state is BreakerState.HALF_OPEN
        assert is_reading == (breaker.owner is not None) == (breaker.lease_until is not None)
        assert breaker.is_engaged == (breaker.probe_at is not None)
        assert len(breaker.failures) <= FAILURES_TO_OPEN
        assert FIRST_PAUSE <= breaker.pause <= LONGEST_PAUSE
        assert breaker.probe_at is None or breaker.probe_at <= at + LONGEST_PAUSE


@given(LIVES)
def test_from_whatever_state_one_patient_reader_closes_it(life: list[tuple[str, int]]) -> None:
    breaker, at = CLOSED, AT
    for name, wait_s in life:
        at += wait_s * S
        breaker = STEPS[name](breaker, at)

    at += max(LONGEST_PAUSE, PROBE_LEASE)
    breaker = probe_answered(probing(breaker, at, "w-9"), "w-9", at)

    assert not breaker.is_engaged


@given(st.lists(st.integers(0, 30), min_size=FAILURES_TO_OPEN, max_size=20))
def test_failures_in_a_row_always_open_it(waits: list[int]) -> None:
    breaker, at = CLOSED, AT
    for wait_s in waits:
        at += wait_s * S
        breaker = failed(breaker, at, DOWN)

    assert breaker.is_engaged


@given(st.lists(st.integers(1, 600), max_size=40))
def test_with_an_answer_between_any_two_it_never_opens(waits: list[int]) -> None:
    breaker, at = CLOSED, AT
    for wait_s in waits:
        at += wait_s * S
        breaker = failed(breaker, at, DOWN, answered_at=at - TICK)

        assert not breaker.is_engaged
