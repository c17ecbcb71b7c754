"""Many workers, one intent, a real database: exactly one of them may send."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier

from infra.operate import Target
from order_router.aws.gate import Switches
from order_router.aws.orders_table import OrdersTable
from order_router.domain.order import Order, Ownership, take_ownership
from order_router.ports import Counter, CounterFull, Gate, Pace, StoreConflict, SwitchOn
from order_router.transport.clock import SystemClock
from tests.fakes.orders import an_order
from tests.system.trader import unique

WORKERS = 32
INTENTS = 20
CLOCK = SystemClock()


def store_of(target: Target) -> OrdersTable:
    tables = {"orders": target.outputs["OrdersTableName"], "gates": target.outputs["GateTableName"]}
    return OrdersTable(target.dynamodb, CLOCK, **tables)


def owned(key: str, worker: int) -> Order:
    now = CLOCK.now()
    order = replace(an_order(key, at=now), deadline=now + timedelta(minutes=1))
    return take_ownership(order, Ownership(f"w-{worker}", now + timedelta(seconds=35)), now)


def claim(target: Target, order: Order, gate: Gate, barrier: Barrier) -> str:
    store = store_of(target)
    barrier.wait()
    try:
        store.write(order, replacing=None, gate=gate)
    except StoreConflict as conflict:
        return "lost" if conflict.current is None else f"lost to {conflict.current.owner}"
    except (CounterFull, SwitchOn) as refusal:
        return refusal.code
    return f"won by {order.owner}"


def race(target: Target, orders: list[Order], gates: list[Gate]) -> list[str]:
    barrier = Barrier(len(orders))
    with ThreadPoolExecutor(len(orders)) as pool:
        claims = [
            pool.submit(claim, target, order, gate, barrier)
            for order, gate in zip(orders, gates, strict=True)
        ]
    return [one.result() for one in claims]


def test_of_many_workers_with_one_intent_exactly_one_may_send(target: Target) -> None:
    for _ in range(INTENTS):
        key = unique()
        gates = [Gate(pace=Pace(f"{key}-{worker}", 9, CLOCK.now())) for worker in range(WORKERS)]

        outcomes = race(target, [owned(key, worker) for worker in range(WORKERS)], gates)

        (winner,) = [outcome for outcome in outcomes if outcome.startswith("won")]
        assert set(outcomes) == {winner, winner.replace("won by", "lost to")}


def test_of_many_orders_at_a_limit_exactly_as_many_pass_as_it_allows(target: Target) -> None:
    word, limit = unique(), 10
    counter = Counter(f"orders#{word}", limit, CLOCK.now() + timedelta(days=1))
    gates = [Gate(counters=(counter,)) for _ in range(WORKERS)]

    outcomes = race(target, [owned(f"{word}-{worker}", worker) for worker in range(WORKERS)], gates)

    assert sum(outcome.startswith("won") for outcome in outcomes) == limit
    assert outcomes.count("DAILY_LIMIT_REACHED") == WORKERS - limit


def test_no_order_passes_a_switch_once_it_has_answered(target: Target) -> None:
    word = unique()
    name = f"kill#strategy#{word}"
    Switches(target.dynamodb, target.outputs["GateTableName"], CLOCK).set(name, engaged=True)
    gates = [Gate(switches=(name,)) for _ in range(WORKERS)]

    outcomes = race(target, [owned(f"{word}-{worker}", worker) for worker in range(WORKERS)], gates)

    assert set(outcomes) == {"KILL_SWITCH_ON"}
