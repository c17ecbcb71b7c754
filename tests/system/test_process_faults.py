"""Workers that are killed, frozen and timed out in the middle of orders: no order twice, none lost."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace

import pytest

from infra.cli.target import local_target
from infra.local.home import Home
from tests.system.conftest import LocalStack
from tests.system.process_faults import Ground, Run, end_emulator, run, unused_port
from tests.system.process_faults_nemesis import Kind

ORDERS = int(os.environ.get("ROUTER_FAULTED_ORDERS", "100"))
RUNS = int(os.environ.get("ROUTER_FAULTED_RUNS", "1"))
SEED = int(os.environ.get("ROUTER_FAULT_SEED", "20261121"))


@pytest.fixture(scope="module", params=range(RUNS))
def faulted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """One run on a stack of its own: other tests must not share workers that die.

    Many orders are many runs: the emulator unpacks the layers for each new worker and keeps what dead ones leave.
    """
    port = unused_port()
    home = tmp_path_factory.mktemp("faulted") / "stack"
    stack = LocalStack(home, {"ZerodhaEndpoint": f"http://127.0.0.1:{port}", "LocalWebhooks": "true"})
    try:
        stack.up()
        target = replace(local_target(Home(home)), dynamodb=stack.dynamodb(connect_timeout=10))
        ground = Ground(target, stack.facts, home, port)
        finished = run(ground, orders=ORDERS, seed=SEED + request.param)
        print(finished.summary())
        yield finished
    finally:
        end_emulator(home)
        stack.down()
        # an ended emulator leaves each worker's copy of the layers, some 25 MB
        shutil.rmtree(home / "tmp", ignore_errors=True)


def test_no_promise_was_broken_at_any_look(faulted: Run) -> None:
    assert faulted.ledger.violations == []
    assert faulted.ledger.looks > 5


def test_every_order_is_accounted_for_at_the_end(faulted: Run) -> None:
    assert faulted.unaccounted == {}
    assert {intent.client_order_id for intent in faulted.accepted} <= set(faulted.ledger.records)


def test_a_quarter_of_the_orders_were_hit(faulted: Run) -> None:
    assert len(faulted.intents) >= ORDERS
    assert len(faulted.faulted) >= ORDERS / 4
    assert {fault.kind for fault in faulted.faults} >= {Kind.KILLED, Kind.STOPPED, Kind.TIMED_OUT}


def test_a_good_part_of_the_orders_reaches_a_broker_all_the_same(faulted: Run) -> None:
    at_broker = sum(len(rows) for rows in faulted.ledger.rows.values())
    assert at_broker > 0.2 * len(faulted.accepted), faulted.summary()
