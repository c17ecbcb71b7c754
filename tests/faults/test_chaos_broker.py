"""Twenty faults on real sockets, each adapter, several seeds: never two orders, never one forgotten."""

import os
from collections import Counter

import pytest

from order_router.brokers.registry import BROKERS
from tests.faults.chaos_floors import FLOORS
from tests.faults.chaos_run import Certificates, run
from tests.simulators.chaos_faults import FAULTS

SEEDS = range(int(os.environ.get("CHAOS_SEEDS", "3")))


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates.made_in(tmp_path_factory.mktemp("tls"))


def test_there_are_twenty_faults_and_a_floor_for_every_broker() -> None:
    assert len(FAULTS) == 20
    assert set(FLOORS) == set(BROKERS)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("broker", FLOORS)
def test_no_order_is_doubled_or_lost_whatever_the_broker_does(
    broker: str, fault: str, certificates: Certificates
) -> None:
    played: Counter[str] = Counter()

    for seed in SEEDS:
        played += run(broker, fault, seed, certificates)

    assert played[fault] >= len(SEEDS), "the fault was hardly played: the test shows nothing"
