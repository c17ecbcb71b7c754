"""The claim race in this process: 64 threads on moto's tables, each intent contested by all of them or by eight.

moto is not safe for threads: a lock makes each of its calls one step, as a database does. What is raced is our code
between the calls.
"""

import os
from collections.abc import Iterator
from datetime import timedelta
from threading import Lock
from typing import Any

import pytest

from order_router.aws.meters import MetersTable
from order_router.aws.orders_table import OrdersTable
from order_router.domain.gate import Counter, Gate
from order_router.transport.clock import SystemClock
from tests.fakes.aws import aws_client, aws_in_memory, make_table
from tests.system.claim_race import THREADS, Race, waves, wrong_claims
from tests.system.limit_race import (
    LIMIT,
    LIMITS,
    ORDERS_AT_ONCE,
    LimitRace,
    is_exactly_at_limit,
    outcomes,
)

INTENTS = int(os.environ.get("CLAIM_RACE_INTENTS", "1000")) // 20
BY_ALL = 5
CLOCK = SystemClock()


class OneAtATime:
    """A client whose calls wait for each other."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._lock = Lock()

    def __getattr__(self, name: str) -> Any:
        inner = getattr(self._client, name)

        def call(**arguments: Any) -> Any:
            with self._lock:
                return inner(**arguments)

        return call


@pytest.fixture
def client() -> Iterator[Any]:
    with aws_in_memory():
        yield OneAtATime(aws_client("dynamodb"))


@pytest.mark.parametrize("code", LIMITS)
def test_of_a_hundred_orders_at_a_limit_of_ten_exactly_ten_pass(client: Any, code: str) -> None:
    race = limit_race(client, code)

    claims = race.run()

    assert outcomes(claims) == {"won": LIMIT, code: ORDERS_AT_ONCE - LIMIT}
    assert is_exactly_at_limit(race.found())


def test_room_that_is_given_back_is_used_again_and_never_more_than_there_is(client: Any) -> None:
    race = limit_race(client, "OPEN_ORDERS_LIMIT")

    seen = race.churn()

    assert len(seen) >= LIMIT
    assert max(seen) <= LIMIT
    found = race.found()
    assert [found[name] for name in ("open", "reserved", "gross", "net")] == [0, 0, 0, 0]
    assert found["orders"] == len(seen)


def limit_race(client: Any, code: str) -> LimitRace:
    orders, gates = make_table(client, "OrdersTable"), make_table(client, "GateTable")
    meters = MetersTable(client, gates)
    return LimitRace(
        lambda: OrdersTable(client, CLOCK, orders=orders, gates=gates), meters, CLOCK, "race", LIMITS[code]
    )


def test_of_many_workers_with_one_intent_exactly_one_may_send(client: Any) -> None:
    orders, gates = make_table(client, "OrdersTable"), make_table(client, "GateTable")
    keys = [f"k-{number}" for number in range(INTENTS)]
    counter = Counter("claims", INTENTS, CLOCK.now() + timedelta(days=1))

    def new_worker() -> OrdersTable:
        return OrdersTable(client, CLOCK, orders=orders, gates=gates)

    race = Race(new_worker, CLOCK, lambda _key, _worker: Gate(counters=(counter,)))
    claims = race.run([*waves(keys[:BY_ALL], THREADS), *waves(keys[BY_ALL:], 8)])

    assert wrong_claims(claims, new_worker()) == []
    assert len(claims) == INTENTS
    counted = client.get_item(TableName=gates, Key={"gate": {"S": "count#claims"}})["Item"]["n"]["N"]
    assert int(counted) == INTENTS
