"""Each answer that DynamoDB may give to a write: how often we ask, and what we make of it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from order_router.aws.orders_table import OrdersTable
from order_router.aws.seen_alerts import SeenAlertsTable
from order_router.domain.gate import Counter, Gate, HoldChange, Pace, PaceExceeded, SwitchOn
from order_router.ports import StoreUnavailable
from tests.fakes.clock import MONDAY_MORNING, FakeClock
from tests.fakes.orders import a_submitting_order

LATER = MONDAY_MORNING + timedelta(days=2)
PACE = Pace("paper#NSE", 1, MONDAY_MORNING)
FAILED, NONE = {"Code": "ConditionalCheckFailed"}, {"Code": "None"}
PAUSES = {1, 2, 3, 4}


class Client:
    """Answers every call with what `answer` returns or raises, and notes what was asked."""

    def __init__(self, answer: Callable[[str], Any]) -> None:
        self._answer = answer
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(**arguments: Any) -> Any:
            self.asked.append((name, arguments))
            return self._answer(name)

        return call


def refusing(code: str, **more: Any) -> Callable[[str], Any]:
    def answer(_name: str) -> Any:
        raise ClientError({"Error": {"Code": code, "Message": "words"}, **more}, "Write")  # type: ignore[typeddict-item]

    return answer


def cancelled(*reasons: dict[str, Any]) -> Callable[[str], Any]:
    return refusing("TransactionCanceledException", CancellationReasons=list(reasons))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def orders_over(client: Client, clock: FakeClock) -> OrdersTable:
    return OrdersTable(client, clock, orders="orders", gates="gates")


def pauses(clock: FakeClock, unit_s: float) -> set[float]:
    return {round(slept / unit_s, 6) for slept in clock.slept}


def test_a_conflict_is_met_eight_times_with_short_random_pauses(clock: FakeClock) -> None:
    for _ in range(20):
        client = Client(refusing("TransactionConflictException"))
        with pytest.raises(StoreUnavailable, match="too many conflicts"):
            orders_over(client, clock).write(a_submitting_order(), replacing=None)
        assert len(client.asked) == 8

    assert pauses(clock, 0.01) == PAUSES


def test_with_a_pace_each_of_its_calls_may_be_tried_too(clock: FakeClock) -> None:
    client = Client(cancelled(NONE, {"Code": "TransactionConflict"}))

    with pytest.raises(StoreUnavailable):
        orders_over(client, clock).write(a_submitting_order(), replacing=None, gate=Gate(pace=PACE))

    assert len(client.asked) == 9


@pytest.mark.parametrize("code", ["TransactionCanceledException", "ValidationException"])
def test_a_refusal_without_reasons_is_no_conflict_of_ours(clock: FakeClock, code: str) -> None:
    client = Client(refusing(code))

    with pytest.raises(StoreUnavailable, match=code):
        orders_over(client, clock).write(a_submitting_order(), replacing=None, gate=Gate())


def test_reasons_beside_another_refusal_are_not_read(clock: FakeClock) -> None:
    client = Client(refusing("ValidationException", CancellationReasons=[FAILED]))

    with pytest.raises(StoreUnavailable, match="ValidationException"):
        orders_over(client, clock).write(a_submitting_order(), replacing=None, gate=Gate())


def test_of_two_switches_that_are_on_the_first_is_named(clock: FakeClock) -> None:
    client = Client(cancelled(NONE, FAILED, FAILED))
    gate = Gate(switches=("kill#global", "breaker#paper#paper"))

    with pytest.raises(SwitchOn) as raised:
        orders_over(client, clock).write(a_submitting_order(), replacing=None, gate=gate)

    assert raised.value.name == "kill#global"


def test_a_call_that_is_taken_is_found_among_the_reasons_of_all_parts(clock: FakeClock) -> None:
    half_a_second_ago = int(MONDAY_MORNING.timestamp() * 1000) - 500
    taken = {**FAILED, "Item": {"used_at": {"N": str(half_a_second_ago)}}}
    gate = Gate(
        switches=("kill#global",),
        hold="hold#a",
        counters=(Counter("day", 5, LATER),),
        pace=PACE,
        hold_change=HoldChange(name="hold#a", client_order_id="ID", is_on=True, expires_at=LATER),
    )
    client = Client(cancelled(NONE, NONE, NONE, NONE, taken, NONE))

    with pytest.raises(PaceExceeded) as raised:
        orders_over(client, clock).write(a_submitting_order(), replacing=None, gate=gate)

    assert raised.value.retry_after_s == pytest.approx(0.55)
    assert len(client.asked) == 1


def test_an_alert_that_is_new_is_remembered_in_one_call_for_a_day() -> None:
    client = Client(lambda _name: {})

    first = SeenAlertsTable(client, "gates").first_seen("d-1", MONDAY_MORNING, window_s=30)

    [(name, arguments)] = client.asked
    assert (first, name) == (MONDAY_MORNING, "put_item")
    assert arguments["Item"]["expires_at"] == {"N": str(int(MONDAY_MORNING.timestamp()) + 24 * 3600)}


def test_a_memory_that_changes_all_the_time_is_given_up_after_five_tries() -> None:
    def answer(name: str) -> Any:
        return {} if name == "get_item" else refusing("ConditionalCheckFailedException")(name)

    client = Client(answer)

    with pytest.raises(StoreUnavailable, match="too many conflicts"):
        SeenAlertsTable(client, "gates").first_seen("d-1", MONDAY_MORNING, window_s=30)

    assert [name for name, _ in client.asked] == ["put_item", "get_item"] * 5
    assert {arguments["ConsistentRead"] for name, arguments in client.asked if name == "get_item"} == {True}
