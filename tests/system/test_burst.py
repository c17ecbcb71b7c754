"""A burst of alerts on the deployed stack, the queue served as AWS serves it: nothing lost, doubled or out of order."""

import pytest

from infra.local.stack import Stack
from infra.operate import Target
from order_router.service.gates import MAX_CALLS_PER_SECOND
from tests.burst.ledger import Burst
from tests.burst.run import Ground, run
from tests.system.conftest import LocalStack
from tests.system.kite import KiteProcess
from tests.system.trader import unique

ALERTS = 60


@pytest.fixture
def burst(stack: LocalStack, target: Target, kite: KiteProcess) -> Burst:
    ground = Ground(target=target, stack=Stack(stack.facts["endpoint_url"]), kite=kite)
    return run(ground, account=f"b-{unique()}", alerts=ALERTS, pollers=4)


def test_every_alert_of_a_burst_is_placed_once_and_in_order_or_stale_by_its_own_age(burst: Burst) -> None:
    states = burst.states()

    assert burst.broken() == []
    assert states.total() == ALERTS
    assert set(states) <= {"filled", "stale"}
    assert states["filled"] > ALERTS / 2
    assert len(burst.calls) == len(burst.rows) == states["filled"]
    assert burst.busiest_second() <= MAX_CALLS_PER_SECOND
