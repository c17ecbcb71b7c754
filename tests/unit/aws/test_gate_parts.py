"""The gate's parts to the letter, and what a worker remembers of the calls of a second."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from order_router.aws.gate import Slot, SlotMemory, epoch_ms, gate_operations
from order_router.domain.gate import SLOT_LIFE, Counter, Gate, HoldChange, Pace, PaceExceeded
from tests.fakes.clock import MONDAY_MORNING

LATER = MONDAY_MORNING + timedelta(days=2)
NOW_MS = epoch_ms(MONDAY_MORNING)


def values(operation: dict[str, Any]) -> dict[str, Any]:
    [(_, fields)] = operation.items()
    return dict(fields["ExpressionAttributeValues"])


def pace(after_ms: int = 0, calls: int = 3) -> Pace:
    return Pace("paper#NSE", calls, MONDAY_MORNING + timedelta(milliseconds=after_ms))


def test_a_moment_is_whole_milliseconds() -> None:
    assert epoch_ms(MONDAY_MORNING + timedelta(microseconds=1999)) == NOW_MS + 1


@pytest.mark.parametrize(("life", "used_ms"), [(SLOT_LIFE, 200), (timedelta(milliseconds=400), 400)])
def test_a_call_rests_a_second_and_a_little_after_its_life_and_its_item_an_hour(
    life: timedelta, used_ms: int
) -> None:
    [operation] = gate_operations("gates", Gate(), Slot(replace(pace(), life=life), 2))

    assert operation["Update"]["Key"] == {"gate": {"S": "pace#paper#NSE#2"}}
    assert values(operation) == {
        ":used_at": {"N": str(NOW_MS + used_ms)},
        ":rested": {"N": str(NOW_MS - 1050)},
        ":expires_at": {"N": str(int(MONDAY_MORNING.timestamp()) + 3600)},
    }


def test_a_counter_s_item_goes_when_its_count_says() -> None:
    [operation] = gate_operations("gates", Gate(counters=(Counter("day", 5, LATER),)), None)

    assert values(operation) == {
        ":one": {"N": "1"},
        ":limit": {"N": "5"},
        ":expires_at": {"N": str(int(LATER.timestamp()))},
    }


@pytest.mark.parametrize(("is_on", "word"), [(True, "ADD"), (False, "DELETE")])
def test_a_hold_is_a_set_of_orders_that_goes_when_it_says(is_on: bool, word: str) -> None:
    change = HoldChange(name="hold#a", client_order_id="ID", is_on=is_on, expires_at=LATER)

    [operation] = gate_operations("gates", Gate(hold_change=change), None)

    assert operation["Update"]["UpdateExpression"].startswith(f"{word} orders :order SET expires_at")
    assert values(operation) == {
        ":order": {"SS": ["ID"]},
        ":expires_at": {"N": str(int(LATER.timestamp()))},
    }


@pytest.mark.parametrize(
    ("name", "is_exit", "may_pass"),
    [
        ("kill#global", False, False),
        ("kill#global", True, True),
        ("breaker#paper#paper", False, False),
        ("breaker#paper#paper", True, False),
    ],
)
def test_only_what_closes_a_position_passes_only_a_kill_switch_that_lets_exits(
    name: str, is_exit: bool, may_pass: bool
) -> None:
    [operation] = gate_operations("gates", Gate(switches=(name,), is_exit=is_exit), None)

    condition, lets = operation["ConditionCheck"]["ConditionExpression"], " OR lets_exits = :yes"
    assert condition == "attribute_not_exists(engaged) OR engaged = :off" + (lets if may_pass else "")
    assert values(operation) == {":off": {"BOOL": False}} | ({":yes": {"BOOL": True}} if may_pass else {})


def test_a_gate_s_operations_stand_in_the_order_in_which_they_are_judged() -> None:
    gate = Gate(
        switches=("kill#a", "kill#b"),
        hold="hold#a",
        counters=(Counter("day", 5, LATER),),
        hold_change=HoldChange(name="hold#b", client_order_id="ID", is_on=True, expires_at=LATER),
    )

    operations = gate_operations("gates", gate, Slot(pace(), 0))

    found = [
        (kind, fields["Key"]["gate"]["S"], fields["TableName"])
        for one in operations
        for kind, fields in one.items()
    ]
    assert found == [
        ("ConditionCheck", "kill#a", "gates"),
        ("ConditionCheck", "kill#b", "gates"),
        ("ConditionCheck", "hold#a", "gates"),
        ("Update", "count#day", "gates"),
        ("Update", "pace#paper#NSE#0", "gates"),
        ("Update", "hold#b", "gates"),
    ]


def test_a_worker_chooses_a_call_that_it_does_not_know_to_be_taken() -> None:
    memory = SlotMemory()
    for number in (0, 2):
        memory.note(Slot(pace(), number), NOW_MS)

    assert {memory.choose(pace(1)).number for _ in range(20)} == {1}


def test_where_all_are_taken_the_first_to_come_free_is_chosen() -> None:
    memory = SlotMemory()
    for number in range(3):
        memory.note(Slot(pace(), number), NOW_MS + (0 if number == 1 else 5))

    assert {memory.choose(pace(10)).number for _ in range(20)} == {1}


def test_calls_that_nobody_took_are_chosen_by_chance() -> None:
    assert {SlotMemory().choose(pace()).number for _ in range(200)} == {0, 1, 2}


@pytest.mark.parametrize(("after_ms", "wait_s"), [(0, 1.05), (1000, 0.05), (1049, 0.001), (1050, None)])
def test_the_wait_that_is_told_is_until_the_first_call_comes_free(
    after_ms: int, wait_s: float | None
) -> None:
    memory = SlotMemory()
    for number in range(3):
        memory.note(Slot(pace(), number), NOW_MS + number)

    if wait_s is None:
        memory.require_free(pace(after_ms))
        return
    with pytest.raises(PaceExceeded) as raised:
        memory.require_free(pace(after_ms))
    assert raised.value.retry_after_s == pytest.approx(wait_s)


def test_one_call_that_is_not_known_to_be_taken_is_a_free_one() -> None:
    memory = SlotMemory()
    for number in range(2):
        memory.note(Slot(pace(), number), NOW_MS)

    memory.require_free(pace())


def test_a_worker_forgets_before_it_remembers_too_much() -> None:
    memory = SlotMemory()
    for name in range(2000):
        memory.note(Slot(Pace(f"p-{name}", 1, MONDAY_MORNING), 0), NOW_MS)

    assert len(memory._used_at) <= 1001
    with pytest.raises(PaceExceeded):
        memory.require_free(Pace("p-1999", 1, MONDAY_MORNING))
