"""Days of trouble, by seed: no rule breaks, much goes wrong, a seed repeats itself, a broken protocol is noticed."""

import os
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest

from order_router.aws import orders_table
from order_router.aws.orders_table import OrdersTable
from order_router.aws.queues import SqsOrderQueue
from order_router.domain import meter, order_news
from order_router.domain.gate import Pace
from order_router.domain.history import Event
from order_router.domain.kill_work import KillWork
from order_router.domain.lifecycle import EventKind
from order_router.service import (
    attempt,
    breaker,
    change,
    gates,
    kill_exits,
    limiting,
    place,
    postbacks,
    reconcile,
    recording,
    settling,
    signals,
    slotted,
)
from order_router.service.gates import Passed
from order_router.transport.local import LocalTransport
from tests.simulation.day import Day
from tests.simulation.runs import RunMany, quiet, run_many, run_one

SEEDS = int(os.environ.get("SIMULATION_SEEDS", "20000"))
SHARDS = 16
REPLAYED = 20
KINDS_COME = 400
HAPPENS = (
    "ended open",
    "ended filled",
    "ended rejected",
    "ended unknown and told",
    "ended refused, nothing there",
    "ended stale, nothing there",
)


@pytest.mark.parametrize("shard", range(SHARDS))
def test_no_rule_breaks_on_any_seed(run_afresh: RunMany, shard: int) -> None:
    result = run_afresh(Day, range(shard, SEEDS, SHARDS))

    hit = [name for name, times in result.coverage().items() if times > 0]
    print(f"{result.seeds} seeds, {len(hit)} kinds of trouble: {dict(sorted(result.hits.items()))}")
    assert result.violations == {}
    assert len(hit) >= KINDS_COME
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


_intent_of = attempt._intent_of


def _twice_the_quantity(job: Any) -> Any:
    intent = _intent_of(job)
    twice = intent.request.model_copy(update={"quantity": 2 * intent.request.quantity})
    return replace(intent, request=twice) if job.account.broker == "zerodha" else intent


_put_orders = SqsOrderQueue.put


def _put_the_first_alone(self: SqsOrderQueue, orders: Any) -> None:
    _put_orders(self, orders[:1])


_record_report = recording.record_report


def _recorded_without_price(desk: Any, order: Any, seen: Any) -> Any:
    return _record_report(desk, order, replace(seen, report=replace(seen.report, average_price=None)))


def _written_through_nothing(desk: Any, change_: Any, _gate: object) -> Passed:
    return Passed(change_.order, desk.clock.now() + timedelta(seconds=1))


def _unanswered_all_the_same(desk: Any, order: Any, event: Any, _wanted: object) -> Any:
    return recording.record(desk, order, [event])


_hold_change = gates._hold_change


def _hold_that_stays(before: Any, after: Any) -> Any:
    changed = _hold_change(before, after)
    return changed if changed is not None and changed.is_on else None


def _switches_over_everything(account: Any, request: Any) -> tuple[str, ...]:
    return tuple(
        name for name in _switches_for(account, request) if not name.startswith(("kill#account", "kill#str"))
    )


def _meter_without_money(*arguments: Any) -> meter.Meter:
    entry = _entry_meter(*arguments)
    return replace(
        entry, at_most={"open": entry.at_most["open"]} if "open" in entry.at_most else {}, at_least={}
    )


_slotted_send = slotted.slotted_send


def _sent_whenever(transport: Any, clock: Any, endpoint: str, bounds: Any) -> Any:
    return _slotted_send(transport, clock, endpoint, replace(bounds, send_by=bounds.not_after))


_order_of = place.order_of


def _good_for_longer(*arguments: Any) -> Any:
    order = _order_of(*arguments)
    return replace(order, deadline=order.deadline + timedelta(seconds=40))


_placed = kill_exits._placed


def _placed_under_another_key(desk: Any, work: Any, line: Any) -> Any:
    return _placed(desk, work, line.model_copy(update={"key": f"{line.key}:{desk.orders.clock.now()}"}))


_ended = KillWork.ended


def _ended_and_told(work: KillWork, *arguments: Any) -> KillWork:
    return _ended(work, *arguments).model_copy(update={"is_told": True})


_tell_of_breaker = breaker._tell


def _told_of_openings(desk: Any, account: Any, found: Any) -> Any:
    return _tell_of_breaker(desk, account, found) if found.is_engaged else found


# each with the first seed that noticed when this was written: the search begins there
BREAKS: dict[str, tuple[int, Any, str, Any]] = {
    "an unknown order is sent again": (3, attempt, "_judged", _sent_again_whatever_the_error),
    "silence counts as a rejection": (0, attempt, "_judged", _rejected_whatever_the_error),
    "absence closes an order at any hour": (39, settling, "is_book_final", lambda *_: True),
    "a write overwrites what stands there": (0, orders_table, "_put", _put_without_a_condition),
    "another worker's intent counts as ours": (7, OrdersTable, "_require_own", lambda *_: None),
    "no switch is checked": (16, gates, "switches_for", lambda *_: ()),
    "no hold is checked": (435, gates, "_hold_for", lambda *_: None),
    "nobody is told of an unknown order": (39, settling, "_tell_unknown", lambda _desk, _look, order: order),
    "the book's news is ignored": (3, settling, "record_report", lambda _desk, order, *_: order),
    "the deadline is not checked as it leaves": (38, LocalTransport, "sender", _sender_without_deadline),
    "no circuit is checked": (17, gates, "switches_for", _switches_without_breaker),
    "no read closes a circuit": (39, reconcile, "take_probe", lambda *_: None),
    "nobody is told of an open circuit": (39, breaker, "_tell", lambda _desk, _account, found: found),
    "nobody is told that a circuit closed": (39, breaker, "_tell", _told_of_openings),
    "what an order counted stays after its end": (0, gates, "change_meters", lambda *_: ()),
    "nothing that is counted has a limit": (8, limiting, "entry_meter", _meter_without_a_limit),
    "an exit needs room": (17, limiting, "entry_meter", _meter_that_holds_exits),
    "twice the quantity leaves": (0, attempt, "_intent_of", _twice_the_quantity),
    "a strategy's second account is forgotten": (1, SqsOrderQueue, "put", _put_the_first_alone),
    "a postback loses the price": (0, postbacks, "record_report", _recorded_without_price),
    "a change leaves unwritten": (0, change, "_write_through", _written_through_nothing),
    "a change that was seen is said not to be made": (
        1747,
        change,
        "record_unanswered",
        _unanswered_all_the_same,
    ),
    "a hold stays on": (12, gates, "_hold_change", _hold_that_stays),
    "only the switch over everything is checked": (18, gates, "switches_for", _switches_over_everything),
    "only open orders have a limit": (8, limiting, "entry_meter", _meter_without_money),
    "a call leaves whenever it comes to it": (38, attempt, "slotted_send", _sent_whenever),
    "an order is good for longer": (12, place, "order_of", _good_for_longer),
    "exits wait for unknown orders": (131, gates, "_hold_for", gates.hold_name),
    "an unknown order is no news": (10, order_news, "NEWS", {}),
    "a resend is another alert": (4, signals, "RESEND_WINDOW_S", 0),
    "an exit has another key each time": (1, kill_exits, "_placed", _placed_under_another_key),
    "nobody is told how a stop ended": (0, KillWork, "ended", _ended_and_told),
    "nobody sees to forgotten work": (915, KillWork, "is_forgotten", lambda *_: False),
    "the pace has no limit": (819, gates, "pace_for", _pace_of_its_own),
}
ENOUGH = 1200


@pytest.mark.parametrize("broken", BREAKS)
def test_a_broken_protocol_is_noticed(broken: str) -> None:
    seen, holder, name, replacement = BREAKS[broken]

    with patch.object(holder, name, replacement):
        found = run_many(Day, range(seen, seen + ENOUGH), until_broken=True).violations

    print(f"{broken}: {found}")
    assert found, f"{ENOUGH} seeds from {seen} on did not notice"
