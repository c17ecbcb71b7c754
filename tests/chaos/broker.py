"""Zerodha as the chaos broker plays it, in a process of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.simulators.chaos_dialect import Kind, Verdict
from tests.simulators.chaos_faults import FAULTS
from tests.simulators.chaos_process import ChaosProcess
from tests.system.process_faults import Ground
from tests.system.process_faults_nemesis import Nemesis
from tests.system.process_faults_traffic import Traffic, kite_prices

RATE = 0.25
# the ledger is closed once nothing waits any more
LATE_S, LAG_S = (1.0, 20.0), (0.0, 20.0)
# the adapter is told an http address here
PLAYED = [name for name, fault in FAULTS.items() if not fault.needs_tls]


class ChaosBroker:
    """The chaos broker's process, and what it is asked for at the end."""

    def __init__(self, process: ChaosProcess) -> None:
        self._process = process

    def rows(self) -> list[dict[str, Any]]:
        """Return every order that the simulator behind the chaos holds."""
        return list(self._process.ledger()["held"])

    def refused(self) -> frozenset[str]:
        """Return the tags of the placements that were answered with a definite no."""
        writes = self._process.ledger()["writes"]
        return frozenset(
            one["tag"] for one in writes if (one["kind"], one["verdict"]) == (Kind.PLACE, Verdict.REFUSED)
        )

    def calm(self) -> None:
        """End all trouble; what is to be accepted late still is."""
        self._process.plan()

    def faults(self) -> dict[str, int]:
        """How often each fault was played."""
        return dict(self._process.ledger()["faults"])

    def waiting(self) -> int:
        """How many order writes the broker has still to accept late."""
        return int(self._process.ledger()["waiting"])


@contextmanager
def chaos(ground: Ground, nemesis: Nemesis, _traffic: Traffic) -> Iterator[ChaosBroker]:
    """Run the chaos broker, every fault that a plain socket can play as likely."""
    process = ChaosProcess(ground.kite_port)
    try:
        process.tell_kite(prices=kite_prices())
        process.plan(
            faults=PLAYED, on="both", rate=RATE, seed=nemesis.seed, late_s=LATE_S, lag_s=LAG_S, hold_s=30
        )
        yield ChaosBroker(process)
    finally:
        process.stop()
