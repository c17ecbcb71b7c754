"""Days of trouble, by seed: no rule breaks, every kind of trouble happens, and a seed replays to the same trace."""

import logging
import os
from collections import Counter

import pytest

from tests.faults.simulation import Simulation

SEEDS = int(os.environ.get("SIMULATION_SEEDS", "2000"))
SHARDS = 8
REPLAYED = 25
HAPPENS = (
    "place: done",
    "place: StoreUnavailable",
    "repeat: done",
    "repeat: InProgress",
    "cancel: done",
    "modify: done",
    "reconcile: done",
    "switch: True",
    "session: lost",
    "ended filled",
    "ended cancelled",
    "ended rejected",
    "ended refused",
    "ended stale",
    "ended unknown",
    *(f"fault write: {fault}" for fault in ("refused", "request_lost", "answer_lost", "garbage")),
    *(f"fault store: {side}" for side in ("before", "after")),
    *(
        f"place: died {side} {call}"
        for side in ("before", "after")
        for call in ("store.write", "write to broker")
    ),
)


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


@pytest.mark.parametrize("shard", range(SHARDS))
def test_no_rule_breaks_on_any_seed(shard: int) -> None:
    hits: Counter[str] = Counter()

    for seed in range(shard, SEEDS, SHARDS):
        simulation = Simulation(seed)
        simulation.run()
        hits += simulation.hits

    print(f"{SEEDS // SHARDS} seeds: {dict(sorted(hits.items()))}")
    assert [what for what in HAPPENS if hits[what] == 0] == []


def test_a_seed_replays_to_the_same_trace() -> None:
    first = [Simulation(seed).run() for seed in range(REPLAYED)]

    assert [Simulation(seed).run() for seed in range(REPLAYED)] == first
    assert len(set(first)) == REPLAYED
