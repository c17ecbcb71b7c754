"""Every reachable state of one order holds every rule, and each broken promise is found with its shortest schedule."""

import logging
import os
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from order_router.domain.order import Order
from order_router.service.desk import Desk
from tests.faults.search.broker import Outcome
from tests.faults.search.cast import JOBS
from tests.faults.search.explore import Breach, Found, Scope, Search
from tests.faults.search.world import EVENING, LATER, LEASE_PASSED, NIGHT, TOO_OLD
from tests.faults.search.wrong_protocols import WRONG_PROTOCOLS, WrongProtocol

WITH_RETRY = (0, LATER, TOO_OLD, LEASE_PASSED)
ACCEPTED = {"expired", "filled", "rejected", "stale"}
NOT_ACCEPTED = {"rejected", "stale"}
ENDS = {
    Outcome.ACKNOWLEDGED: ACCEPTED,
    Outcome.REJECTED: NOT_ACCEPTED,
    Outcome.REFUSED: ACCEPTED,
    Outcome.REQUEST_LOST: NOT_ACCEPTED,
    Outcome.ANSWER_LOST: ACCEPTED,
    Outcome.LATE: ACCEPTED,
    Outcome.LAGGING: ACCEPTED,
}
LEAST_STATES = 10_000
ALL_FAULTS = frozenset({"store", "book", "index"})
IS_LONG = bool(os.environ.get("SEARCH_LONG"))


@pytest.fixture(autouse=True)
def quiet_log() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def searched(scope: Scope) -> Found:
    """Visit every state of the scope and print how many there are."""
    found = Search(scope).run()
    ends = ", ".join(f"{state} {count}" for state, count in sorted(found.ends.items()))
    print(
        f"{scope.first_outcome}: {found.states:,} states, {found.steps:,} steps, 0 violations;"
        f" {found.closed:,} days closed: {ends}"
    )
    return found


def points_for(outcome: Outcome) -> tuple[int, ...]:
    """Return the points of time: only an order that never left is tried again, and that try needs one more."""
    return WITH_RETRY if outcome is Outcome.REFUSED else Scope.points


def records(search: Search) -> set[Order | None]:
    """Return every record that the search found in the store."""
    return {search.world.order(store) for store in range(len(search.world.stores.values))}


@pytest.mark.parametrize("outcome", Outcome)
def test_two_workers_a_redrive_and_two_looks_never_break_a_rule(outcome: Outcome) -> None:
    found = searched(Scope(outcome, points=points_for(outcome)))

    assert found.states > LEAST_STATES
    assert set(found.ends) == ENDS[outcome]


# a refused connection, which is tried again at four points of time, has this with two looks in the long run
@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome is not Outcome.REFUSED])
def test_one_fault_of_the_store_the_book_or_the_index_breaks_no_rule(outcome: Outcome) -> None:
    found = searched(Scope(outcome, points=points_for(outcome), looks=1, faults=1, fault_kinds=ALL_FAULTS))

    assert found.states > LEAST_STATES


def test_a_burial_beside_workers_and_looks_breaks_no_rule() -> None:
    found = searched(Scope(Outcome.LATE, looks=1, has_burial=True))

    assert found.states > LEAST_STATES


@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.ANSWER_LOST])
def test_workers_that_pause_at_every_look_at_the_clock_break_no_rule(outcome: Outcome) -> None:
    found = searched(Scope(outcome, looks=0, is_clock_read=True))

    assert found.states > LEAST_STATES


def test_looks_of_the_last_books_that_pause_since_the_session_break_no_rule() -> None:
    found = searched(Scope(Outcome.LATE, points=(0, EVENING, NIGHT)))

    assert found.states > LEAST_STATES


def test_steps_that_meet_nobody_are_left_out_without_losing_a_record() -> None:
    every = Search(Scope(Outcome.ANSWER_LOST, looks=1, is_reduced=False))
    fewer = Search(Scope(Outcome.ANSWER_LOST, looks=1))

    assert every.run().states > fewer.run().states
    assert records(every) == records(fewer)


def test_a_worker_that_knows_more_than_its_tape_is_noticed() -> None:
    runs = count()

    def remembering(desk: Desk) -> None:
        (desk.store.get if next(runs) == 0 else desk.store.list_unsettled)("paper")

    with pytest.raises(AssertionError, match="1A is no function of its tape"):
        Search(Scope(Outcome.ACKNOWLEDGED), jobs=(remembering, *JOBS[1:])).run()


@pytest.mark.parametrize("wrong", WRONG_PROTOCOLS, ids=lambda wrong: wrong.name)
def test_a_broken_promise_is_found(wrong: WrongProtocol, monkeypatch: pytest.MonkeyPatch) -> None:
    search = wrong.search(monkeypatch, wrong.scope)

    with pytest.raises(Breach, match=wrong.rule) as breach:
        search.run()

    print(f"{wrong.name}, after {len(search.reached):,} states: {breach.value}")


LONG_SCOPES: dict[str, dict[str, Any]] = {
    "a fault and two looks": {"faults": 1, "fault_kinds": ALL_FAULTS},
    "four points of time": {"points": WITH_RETRY},
    "a burial": {"has_burial": True},
    "a fault, a burial and a look": {
        "faults": 1,
        "fault_kinds": ALL_FAULTS,
        "has_burial": True,
        "looks": 1,
    },
    "pauses at every look at the clock": {"is_clock_read": True, "looks": 1},
    "the evening": {"points": (0, LEASE_PASSED, EVENING, NIGHT)},
}


@pytest.mark.skipif(not IS_LONG, reason="minutes of search: set SEARCH_LONG=1")
@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize("more", LONG_SCOPES)
def test_wider_scopes_break_no_rule(more: str, outcome: Outcome) -> None:
    wider: dict[str, Any] = {"points": points_for(outcome)} | LONG_SCOPES[more]
    searched(Scope(outcome, **wider))
