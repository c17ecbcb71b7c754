"""The table keeps the contract of breakers in memory, over moto and over the fake that the simulation uses."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from order_router.aws.breakers_table import TRIES, BreakersTable
from order_router.aws.change_log import ChangeLogTable
from order_router.aws.orders_table import OrdersTable
from order_router.domain.breaker import BreakerState, probing, reset, told
from order_router.domain.change_log import What
from order_router.domain.exchange_time import exchange_day
from order_router.domain.meter import Counted
from order_router.ports import BreakerConflict, StoreUnavailable
from tests.contract.breakers_contract import CLOSED, DOWN, OPEN, WHOLE, BreakersContract, BreakerWorld
from tests.fakes.aws import Wrapped
from tests.fakes.clock import MONDAY_MORNING, FakeClock
from tests.fakes.clock import MONDAY_MORNING as AT
from tests.fakes.dynamodb import FakeDynamoDB, template_tables
from tests.fakes.gate_switches import Switches

BUSY = ClientError({"Error": {"Code": "TransactionConflictException", "Message": ""}}, "PutItem")
IN_THE_WAY = ClientError(
    {
        "Error": {"Code": "TransactionCanceledException", "Message": ""},
        "CancellationReasons": [{"Code": "TransactionConflict"}, {"Code": "None"}, {"Code": "None"}],
    },
    "TransactWriteItems",
)


def world_on(client: Any) -> BreakerWorld:
    clock = FakeClock()
    switches = Switches(client, "GateTable", clock)
    return BreakerWorld(
        BreakersTable(client, "GateTable", clock),
        OrdersTable(client, clock, orders="OrdersTable", gates="GateTable"),
        lambda name, engaged: switches.set(name, engaged=engaged),
    )


class TestBreakersTable(BreakersContract):
    @pytest.fixture
    def world(self, client: Any) -> BreakerWorld:
        return world_on(client)


class TestBreakersTableOverTheFake(BreakersContract):
    @pytest.fixture
    def world(self) -> BreakerWorld:
        return world_on(FakeDynamoDB(template_tables()))


def test_a_write_that_botocore_repeated_recognises_itself(client: Any) -> None:
    def twice(**arguments: Any) -> Any:
        client.put_item(**arguments)
        return client.put_item(**arguments)

    breakers = BreakersTable(Wrapped(client, put_item=twice), "GateTable", FakeClock())

    first = breakers.write(OPEN, replacing=CLOSED)
    assert breakers.write(WHOLE, replacing=first).version == 2


def test_a_write_whose_answer_was_lost_is_not_known(client: Any) -> None:
    def lost(**arguments: Any) -> Any:
        client.transact_write_items(**arguments)
        raise ReadTimeoutError(endpoint_url="https://dynamodb.example")

    with pytest.raises(StoreUnavailable, match="ReadTimeoutError"):
        BreakersTable(Wrapped(client, transact_write_items=lost), "GateTable", FakeClock()).write(
            OPEN, replacing=CLOSED
        )
    with pytest.raises(BreakerConflict):
        BreakersTable(client, "GateTable", FakeClock()).write(OPEN, replacing=CLOSED)


@pytest.mark.parametrize(("conflicts", "is_stored"), [(TRIES - 1, True), (TRIES, False)])
def test_orders_on_their_way_out_are_waited_for(client: Any, conflicts: int, is_stored: bool) -> None:
    failures = [IN_THE_WAY] * conflicts

    def put(**arguments: Any) -> Any:
        if failures:
            raise failures.pop()
        return client.transact_write_items(**arguments)

    clock = FakeClock()
    breakers = BreakersTable(Wrapped(client, transact_write_items=put), "GateTable", clock)
    if is_stored:
        breakers.write(OPEN, replacing=CLOSED)
    else:
        with pytest.raises(StoreUnavailable, match="too many conflicts"):
            breakers.write(OPEN, replacing=CLOSED)

    assert len(clock.slept) == conflicts
    assert BreakersTable(client, "GateTable", clock).get("paper", "paper").is_engaged is is_stored


def test_a_refusal_of_aws_is_named(client: Any) -> None:
    def refused(**_: Any) -> Any:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "canary"}}, "Call")

    broken = BreakersTable(
        Wrapped(client, put_item=refused, transact_write_items=refused, get_item=refused),
        "GateTable",
        FakeClock(),
    )
    with pytest.raises(StoreUnavailable, match="AccessDeniedException"):
        broken.get("paper", "paper")
    with pytest.raises(StoreUnavailable, match="AccessDeniedException") as caught:
        broken.write(OPEN, replacing=CLOSED)
    assert "canary" not in caught.value.message


@pytest.mark.parametrize("engaged", [True, False])
def test_a_switch_that_was_set_by_hand_is_a_breaker_that_can_be_probed(client: Any, engaged: bool) -> None:
    world = world_on(client)
    world.set_switch(CLOSED.switch, engaged)

    found = world.breakers.get("paper", "paper")

    assert (found.state, found.version) == (BreakerState.OPEN if engaged else BreakerState.CLOSED, 0)
    if engaged:
        leased = world.breakers.write(probing(found, MONDAY_MORNING, "w-1"), replacing=found)
        assert (leased.state, leased.version) == (BreakerState.HALF_OPEN, 1)


def test_a_breaker_that_an_earlier_release_stored_has_taken_no_change_of_an_alarm(client: Any) -> None:
    breakers = BreakersTable(client, "GateTable", FakeClock())
    stored = breakers.write(WHOLE, replacing=CLOSED)
    item = client.get_item(TableName="GateTable", Key={"gate": {"S": CLOSED.switch}})["Item"]
    del item["changes"]
    client.put_item(TableName="GateTable", Item=item)

    assert breakers.get("paper", "paper") == replace(stored, changes=())


def test_dynamodb_deletes_no_breaker(client: Any) -> None:
    BreakersTable(client, "GateTable", FakeClock()).write(WHOLE, replacing=CLOSED)

    items = client.scan(TableName="GateTable")["Items"]

    assert {item["gate"]["S"].partition("#")[0] for item in items} == {
        "breaker",
        "change-count",
        "change-log",
    }
    assert not [item for item in items if "expires_at" in item]


@pytest.mark.parametrize("over", ["moto", "fake"])
def test_each_opening_and_closing_is_kept_with_who_and_why_and_nothing_between(
    client: Any, over: str
) -> None:
    table = client if over == "moto" else FakeDynamoDB(template_tables())
    breakers = BreakersTable(table, "GateTable", FakeClock())
    opened_at = breakers.write(OPEN, replacing=CLOSED)
    leased = breakers.write(probing(opened_at, AT + timedelta(minutes=1), "w-1"), replacing=opened_at)
    closed = reset(leased, AT + timedelta(minutes=2), by="k-admin")
    breakers.write(told(breakers.write(closed, replacing=leased)), replacing=replace(closed, version=3))

    first, second = ChangeLogTable(table, "GateTable", FakeClock()).changes_on(exchange_day(AT))

    assert (first.what, first.by, first.reason, first.at) == (What.BREAKER_OPEN, "alarm", DOWN, AT)
    assert (first.whose, first.broker) == (Counted("account", "paper"), "paper")
    assert (first.before["state"], first.after["state"]) == ("closed", "open")
    assert (second.what, second.by, second.at) == (What.BREAKER_CLOSED, "k-admin", AT + timedelta(minutes=2))
    assert (second.before["state"], second.after["state"]) == ("half_open", "closed")


def test_an_opening_that_another_writer_overtook_is_neither_made_nor_kept(client: Any) -> None:
    breakers = BreakersTable(client, "GateTable", FakeClock())
    breakers.write(OPEN, replacing=CLOSED)

    with pytest.raises(BreakerConflict):
        breakers.write(OPEN, replacing=CLOSED)

    assert len(ChangeLogTable(client, "GateTable", FakeClock()).changes_on(exchange_day(AT))) == 1
