"""The table keeps the contract of breakers in memory, over moto and over the fake that the simulation uses."""

from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from order_router.aws.breakers_table import TRIES, BreakersTable
from order_router.aws.orders_table import OrdersTable
from order_router.domain.breaker import BreakerState, probing
from order_router.ports import BreakerConflict, StoreUnavailable
from tests.contract.breakers_contract import CLOSED, OPEN, WHOLE, BreakersContract, BreakerWorld
from tests.fakes.aws import Wrapped
from tests.fakes.clock import MONDAY_MORNING, FakeClock
from tests.fakes.dynamodb import FakeDynamoDB, template_tables
from tests.fakes.gate_switches import Switches

BUSY = ClientError({"Error": {"Code": "TransactionConflictException", "Message": ""}}, "PutItem")


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
        client.put_item(**arguments)
        raise ReadTimeoutError(endpoint_url="https://dynamodb.example")

    with pytest.raises(StoreUnavailable, match="ReadTimeoutError"):
        BreakersTable(Wrapped(client, put_item=lost), "GateTable", FakeClock()).write(OPEN, replacing=CLOSED)
    with pytest.raises(BreakerConflict):
        BreakersTable(client, "GateTable", FakeClock()).write(OPEN, replacing=CLOSED)


@pytest.mark.parametrize(("conflicts", "is_stored"), [(TRIES - 1, True), (TRIES, False)])
def test_orders_on_their_way_out_are_waited_for(client: Any, conflicts: int, is_stored: bool) -> None:
    failures = [BUSY] * conflicts

    def put(**arguments: Any) -> Any:
        if failures:
            raise failures.pop()
        return client.put_item(**arguments)

    clock = FakeClock()
    breakers = BreakersTable(Wrapped(client, put_item=put), "GateTable", clock)
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

    broken = BreakersTable(Wrapped(client, put_item=refused, get_item=refused), "GateTable", FakeClock())
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


def test_dynamodb_deletes_no_breaker(client: Any) -> None:
    BreakersTable(client, "GateTable", FakeClock()).write(WHOLE, replacing=CLOSED)

    (item,) = client.scan(TableName="GateTable")["Items"]

    assert "expires_at" not in item
