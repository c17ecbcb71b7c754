"""Days of trouble, by seed: no rule breaks, much goes wrong, a seed repeats itself, a broken protocol is noticed."""

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest

from order_router.aws import orders_table
from order_router.aws.orders_table import OrdersTable
from order_router.domain import meter
from order_router.domain.gate import Pace
from order_router.domain.lifecycle import EventKind
from order_router.domain.order import Event
from order_router.service import attempt, breaker, gates, limiting, reconcile, settling
from order_router.transport.local import LocalTransport
from tests.simulation.day import Day
from tests.simulation.runs import quiet, run_many, run_one

SEEDS = int(os.environ.get("SIMULATION_SEEDS", "20000"))
SHARDS = 16
REPLAYED = 20
NAMED_POINTS = 40
HAPPENS = (
    "ended open",
    "ended filled",
    "ended rejected",
    "ended unknown and told",
    "ended refused, nothing there",
    "ended stale, nothing there",
)


@pytest.mark.parametrize("shard", range(SHARDS))
def test_no_rule_breaks_on_any_seed(shard: int) -> None:
    result = run_many(Day, range(shard, SEEDS, SHARDS))

    hit = [name for name, times in result.coverage().items() if times > 0]
    print(f"{result.seeds} seeds, {len(hit)} kinds of trouble: {dict(sorted(result.hits.items()))}")
    assert result.violations == {}
    assert len(hit) >= NAMED_POINTS
    if result.seeds >= ENOUGH:
        assert [what for what in HAPPENS if not result.hits[what]] == []


def test_a_seed_repeats_itself() -> None:
    with quiet():
        first = [run_one(Day, seed) for seed in range(REPLAYED)]

        assert [run_one(Day, seed) for seed in range(REPLAYED)] == first
    assert len(set(first)) > REPLAYED // 2


def _sent_again_whatever_the_error(error: Any, at: Any, **_: object) -> attempt.Attempt:
    event = Event(kind=EventKind.NEVER_SENT, at=at, reason=error.reason)
    return attempt.Attempt((event,), never_left=error)


def _rejected_whatever_the_error(error: Any, at: Any, **_: object) -> attempt.Attempt:
    return attempt.Attempt((Event(kind=EventKind.REJECTED, at=at, reason=error.reason),))


def _put_without_a_condition(table: str, item: Any, _replacing: object) -> dict[str, Any]:
    return {"TableName": table, "Item": item}


_sender = LocalTransport.sender


def _sender_without_deadline(self: LocalTransport, endpoint: str, **_: object) -> Any:
    return _sender(self, endpoint, not_after=None)


_switches_for = gates.switches_for


def _switches_without_breaker(account: Any, request: Any) -> tuple[str, ...]:
    return tuple(name for name in _switches_for(account, request) if not name.startswith("breaker#"))


_entry_meter = meter.entry_meter


def _meter_without_a_limit(*arguments: Any) -> meter.Meter:
    return replace(_entry_meter(*arguments), at_most={}, at_least={})


def _meter_that_holds_exits(counted: Any, limits: Any, request: Any, *rest: Any) -> meter.Meter:
    entry = _entry_meter(counted, limits, request.model_copy(update={"position_effect": None}), *rest)
    return replace(entry, adds=_entry_meter(counted, limits, request, *rest).adds)


def _pace_of_its_own(_account: object, _profile: object, request: Any, at: Any) -> Pace:
    """Let every order have a pace that nobody shares."""
    return Pace(f"{request.instrument}#{at.timestamp()}", 9, at)


# the first seed that noticed when this was written: a search from there ends soon
BREAKS: dict[str, tuple[int, Any, str, Callable[..., Any]]] = {
    "an unknown order is sent again": (127, attempt, "_judged", _sent_again_whatever_the_error),
    "silence counts as a rejection": (127, attempt, "_judged", _rejected_whatever_the_error),
    "absence closes an order at any hour": (45, settling, "is_book_final", lambda *_: True),
    "a write overwrites what stands there": (0, orders_table, "_put", _put_without_a_condition),
    "another worker's intent counts as ours": (0, OrdersTable, "_require_own", lambda *_: None),
    "no switch is checked": (68, gates, "switches_for", lambda *_: ()),
    "no hold is checked": (666, gates, "_hold_for", lambda *_: None),
    "nobody is told of an unknown order": (45, settling, "_tell_unknown", lambda _, order: order),
    "the book's news is ignored": (5, settling, "events_of", lambda *_: ()),
    "the deadline is not checked as it leaves": (145, LocalTransport, "sender", _sender_without_deadline),
    "no circuit is checked": (210, gates, "switches_for", _switches_without_breaker),
    "no read closes a circuit": (216, reconcile, "take_probe", lambda *_: None),
    "nobody is told of an open circuit": (216, breaker, "_tell", lambda _desk, _account, found: found),
    "what an order counted stays after its end": (0, gates, "change_meters", lambda *_: ()),
    "nothing that is counted has a limit": (13, limiting, "entry_meter", _meter_without_a_limit),
    "an exit needs room": (5, limiting, "entry_meter", _meter_that_holds_exits),
    "the pace has no limit": (387, gates, "pace_for", _pace_of_its_own),
}
ENOUGH, NEAR = 1200, 20


@pytest.mark.parametrize("broken", BREAKS)
def test_a_broken_protocol_is_noticed(broken: str) -> None:
    seen, holder, name, replacement = BREAKS[broken]
    start = max(0, seen - NEAR)

    with patch.object(holder, name, replacement):
        for first in range(start, start + ENOUGH, NEAR):
            found = run_many(Day, range(first, first + NEAR)).violations
            if found:
                print(f"{broken}: {found}")
                return
    pytest.fail(f"{ENOUGH} seeds did not notice that {broken}")
