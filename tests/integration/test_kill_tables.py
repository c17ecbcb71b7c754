"""The tables of the kill switch: the contracts, the gate that meets them, and writes that are in each other's way."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from order_router.aws.kill_queue import PassAsked, SqsKillQueue, read_pass
from order_router.aws.kill_tables import TURN_TRIES, KillSwitchesTable, KillTicketsTable, KillWorksTable
from order_router.aws.orders_table import OrdersTable
from order_router.aws.queues import MessageUnreadable
from order_router.domain.gate import Gate, SwitchOn
from order_router.domain.kill_switch import EVERYTHING
from order_router.ports import StoreUnavailable
from order_router.service.kill_desk import KillSwitches, KillTickets, KillWorks
from tests.contract.kill_stores_contract import (
    PAPER,
    TICKET,
    TURN,
    WORK,
    KillSwitchesContract,
    KillTicketsContract,
    KillWorksContract,
    turn_on,
)
from tests.fakes.aws import aws_client, aws_in_memory, make_table
from tests.fakes.clock import FakeClock
from tests.fakes.orders import a_submitting_order


@pytest.fixture
def client() -> Iterator[Any]:
    with aws_in_memory():
        yield aws_client("dynamodb")


@pytest.fixture
def gates(client: Any) -> str:
    return make_table(client, "GateTable")


class TestKillSwitchesTable(KillSwitchesContract):
    @pytest.fixture
    def switches(self, client: Any, gates: str) -> KillSwitches:
        return KillSwitchesTable(client, gates, FakeClock())


class TestKillWorksTable(KillWorksContract):
    @pytest.fixture
    def works(self, client: Any, gates: str) -> KillWorks:
        return KillWorksTable(client, gates)


class TestKillTicketsTable(KillTicketsContract):
    @pytest.fixture
    def tickets(self, client: Any, gates: str) -> KillTickets:
        return KillTicketsTable(client, gates)


class Busy:
    """A client whose transactions fail as told, one an entry, before the others reach the table."""

    def __init__(self, inner: Any, failures: Sequence[Exception]) -> None:
        self._inner = inner
        self._failures = list(failures)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def transact_write_items(self, **request: Any) -> Any:
        if self._failures:
            raise self._failures.pop(0)
        return self._inner.transact_write_items(**request)


def cancelled(*codes: str) -> ClientError:
    answer = {
        "Error": {"Code": "TransactionCanceledException", "Message": "cancelled"},
        "CancellationReasons": [{"Code": code} for code in codes],
    }
    return ClientError(answer, "TransactWriteItems")  # type: ignore[arg-type]


@pytest.mark.parametrize("switch", [EVERYTHING, PAPER])
@pytest.mark.parametrize(("lets_exits", "passes"), [(True, True), (False, False)])
def test_the_order_s_gate_meets_what_was_turned(
    client: Any, gates: str, switch: Any, lets_exits: bool, passes: bool
) -> None:
    clock = FakeClock()
    orders = OrdersTable(client, clock, orders=make_table(client, "OrdersTable"), gates=gates)
    switches = KillSwitchesTable(client, gates, clock)
    on = turn_on(switches, switch, lets_exits=lets_exits)
    entry, leaving = Gate(switches=(switch.key,)), Gate(switches=(switch.key,), is_exit=True)

    with pytest.raises(SwitchOn):
        orders.write(a_submitting_order("k-1"), replacing=None, gate=entry)
    if passes:
        orders.write(a_submitting_order("k-2"), replacing=None, gate=leaving)
    else:
        with pytest.raises(SwitchOn):
            orders.write(a_submitting_order("k-2"), replacing=None, gate=leaving)

    switches.turn(on.turned_off(TURN), before=on)
    orders.write(a_submitting_order("k-3"), replacing=None, gate=entry)


def test_orders_in_its_way_do_not_keep_a_switch_from_being_turned(client: Any, gates: str) -> None:
    clock = FakeClock()
    in_the_way = [cancelled("TransactionConflict", "None", "None") for _ in range(90)]

    on = turn_on(KillSwitchesTable(Busy(client, in_the_way), gates, clock))

    assert KillSwitchesTable(client, gates, clock).get(PAPER) == on


def test_a_switch_that_cannot_be_turned_says_so(client: Any, gates: str) -> None:
    in_the_way = [cancelled("TransactionConflict", "None", "None") for _ in range(TURN_TRIES)]
    switches = KillSwitchesTable(Busy(client, in_the_way), gates, FakeClock())

    with pytest.raises(StoreUnavailable):
        turn_on(switches)
    assert not switches.get(PAPER).is_on


@pytest.mark.parametrize(
    "failure",
    [
        cancelled("None", "ValidationError", "None"),
        ClientError({"Error": {"Code": "InternalServerError", "Message": ""}}, "TransactWriteItems"),
        ReadTimeoutError(endpoint_url="https://aws.example", error=""),
    ],
)
def test_a_turn_that_fails_otherwise_is_not_tried_blindly(
    client: Any, gates: str, failure: Exception
) -> None:
    switches = KillSwitchesTable(Busy(client, [failure]), gates, FakeClock())

    with pytest.raises(StoreUnavailable):
        turn_on(switches)


def test_a_work_whose_stored_answer_was_lost_is_recognised(client: Any, gates: str) -> None:
    works = KillWorksTable(client, gates)
    stored = works.write(WORK, replacing=None)

    # botocore repeats a put whose answer was lost
    assert works.write(WORK, replacing=None) == stored


def test_old_work_goes_by_itself_and_a_turn_never_does(client: Any, gates: str) -> None:
    KillWorksTable(client, gates).write(WORK, replacing=None)
    turn_on(KillSwitchesTable(client, gates, FakeClock()))
    KillTicketsTable(client, gates).issue(TICKET)

    items = {item["gate"]["S"]: item for item in client.scan(TableName=gates)["Items"]}
    expiring = {name for name, item in items.items() if "expires_at" in item}

    assert expiring == {"kill-work#paper", f"kill-link#{TICKET.digest}"}
    assert set(items) - expiring == {PAPER.key, f"kill-log#{PAPER.key}#1", "kill-index"}
    kept_until = int(items["kill-work#paper"]["expires_at"]["N"])
    assert kept_until == int((WORK.updated_at + timedelta(days=30)).timestamp())


def test_a_pass_is_asked_for_and_read() -> None:
    with aws_in_memory():
        client = aws_client("sqs")
        url = client.create_queue(QueueName="kill")["QueueUrl"]
        queue = SqsKillQueue(lambda: client, lambda: url)
        queue.put("paper#demo", "w-1", delay_s=0)

        (message,) = client.receive_message(QueueUrl=url)["Messages"]
        queue.release(message["ReceiptHandle"], 0)

        assert read_pass(message["Body"]) == PassAsked("paper#demo", "w-1")
        assert client.receive_message(QueueUrl=url)["Messages"]


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"name": "a"}', '{"name": 1, "work_id": "w"}', "null"])
def test_what_asks_for_no_pass_is_unreadable(body: str) -> None:
    with pytest.raises(MessageUnreadable):
        read_pass(body)
