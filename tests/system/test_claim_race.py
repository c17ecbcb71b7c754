"""Many workers, the same intents, a real database: exactly one of them may send each.

64 threads at once; each intent is contested by eight of them, the first fiftieth, or twenty, by all.
CLAIM_RACE_INTENTS: how many.
"""

import os
from collections import Counter as Tally
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from infra.operate import Target
from order_router.aws.meters import MetersTable
from order_router.aws.orders_table import OrdersTable
from order_router.domain.gate import Counter, Gate
from order_router.domain.lifecycle import State
from order_router.transport.clock import SystemClock
from tests.fakes.gate_switches import Switches
from tests.system.claim_race import THREADS, Claim, GateOf, Race, waves, wrong_claims
from tests.system.conftest import LocalStack
from tests.system.limit_race import LIMITS, ORDERS_AT_ONCE, LimitRace, is_exactly_at_limit
from tests.system.limit_race import outcomes as limit_outcomes
from tests.system.trader import unique

INTENTS = int(os.environ.get("CLAIM_RACE_INTENTS", "1000"))
BY_ALL = min(INTENTS, max(20, INTENTS // 50))
BY_EIGHT = 8
LIMIT = 10
CLOCK = SystemClock()


@pytest.fixture(scope="module")
def dynamodb(stack: LocalStack) -> Any:
    """A client with a connection for each thread, that tries once: a lost answer would show."""
    return stack.dynamodb(max_pool_connections=ORDERS_AT_ONCE, retries={"total_max_attempts": 1})


@pytest.fixture
def new_worker(dynamodb: Any, target: Target) -> Callable[[], OrdersTable]:
    tables = {"orders": target.outputs["OrdersTableName"], "gates": target.outputs["GateTableName"]}
    return lambda: OrdersTable(dynamodb, CLOCK, **tables)


def counted_once(key: str, worker: int) -> Gate:
    """A counter of the intent's own, that a loser must not touch."""
    return Gate(counters=(Counter(f"claims#{key}", THREADS, CLOCK.now() + timedelta(days=1)),))


def under_limit(counter: Counter) -> GateOf:
    return lambda _key, _worker: Gate(counters=(counter,))


def count_of(dynamodb: Any, target: Target, name: str) -> int:
    table = target.outputs["GateTableName"]
    key = {"gate": {"S": f"count#{name}"}}
    return int(dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True)["Item"]["n"]["N"])


def test_of_many_workers_with_one_intent_exactly_one_may_send(
    dynamodb: Any, target: Target, new_worker: Callable[[], OrdersTable]
) -> None:
    word = unique()
    keys = [f"{word}-{number}" for number in range(INTENTS)]
    plan = [*waves(keys[:BY_ALL], THREADS), *waves(keys[BY_ALL:], BY_EIGHT)]

    claims = Race(new_worker, CLOCK, counted_once).run(plan)

    assert wrong_claims(claims, new_worker()) == []
    assert len(claims) == INTENTS
    assert min(len(of_key) for of_key in claims.values()) >= BY_EIGHT
    assert {claim.order.state for of_key in claims.values() for claim in of_key} == {State.SUBMITTING}
    assert {count_of(dynamodb, target, f"claims#{key}") for key in keys} == {1}
    print(f"{INTENTS} intents, {sum(map(len, claims.values()))} claims")


def test_of_many_orders_at_a_limit_exactly_as_many_pass_as_it_allows(
    dynamodb: Any, target: Target, new_worker: Callable[[], OrdersTable]
) -> None:
    for _ in range(max(1, INTENTS // 250)):
        word = unique()
        counter = Counter(f"orders#{word}", LIMIT, CLOCK.now() + timedelta(days=1))
        keys = [f"{word}-{worker}" for worker in range(THREADS)]

        claims = Race(new_worker, CLOCK, under_limit(counter)).run([keys])

        assert outcomes(claims) == {"won": LIMIT, "DAILY_LIMIT_REACHED": THREADS - LIMIT}
        assert count_of(dynamodb, target, counter.name) == LIMIT


def test_no_order_passes_a_switch_once_it_has_answered(
    dynamodb: Any, target: Target, new_worker: Callable[[], OrdersTable]
) -> None:
    word = unique()
    name = f"kill#strategy#{word}"
    Switches(dynamodb, target.outputs["GateTableName"], CLOCK).set(name, engaged=True)
    keys = [f"{word}-{worker}" for worker in range(THREADS)]

    claims = Race(new_worker, CLOCK, lambda _key, _worker: Gate(switches=(name,))).run([keys])

    assert outcomes(claims) == {"KILL_SWITCH_ON": THREADS}


@pytest.mark.parametrize("code", LIMITS)
def test_of_a_hundred_orders_at_a_limit_of_ten_exactly_ten_pass(
    dynamodb: Any, target: Target, new_worker: Callable[[], OrdersTable], code: str
) -> None:
    race = limit_race(dynamodb, target, new_worker, code)

    claims = race.run()

    assert limit_outcomes(claims) == {"won": LIMIT, code: ORDERS_AT_ONCE - LIMIT}
    assert is_exactly_at_limit(race.found())


def test_room_that_is_given_back_is_used_again_and_never_more_than_there_is(
    dynamodb: Any, target: Target, new_worker: Callable[[], OrdersTable]
) -> None:
    race = limit_race(dynamodb, target, new_worker, "OPEN_ORDERS_LIMIT")

    seen = race.churn()

    assert len(seen) >= LIMIT
    assert max(seen) <= LIMIT
    found = race.found()
    assert [found[name] for name in ("open", "reserved", "gross", "net")] == [0, 0, 0, 0]
    assert found["orders"] == len(seen)


def limit_race(dynamodb: Any, target: Target, new_worker: Callable[[], OrdersTable], code: str) -> LimitRace:
    """A race of an account that nobody else knows."""
    meters = MetersTable(dynamodb, target.outputs["GateTableName"])
    account = f"race-{unique()}"[:32]
    return LimitRace(new_worker, meters, CLOCK, account, LIMITS[code])


def outcomes(claims: dict[str, list[Claim]]) -> dict[str, int]:
    every = (claim for of_key in claims.values() for claim in of_key)
    return Tally("won" if claim.is_won else str(claim.refusal) for claim in every)
