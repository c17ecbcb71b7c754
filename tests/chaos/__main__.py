"""Send alerts and orders through a local stack of its own while workers and the broker fail; print the ledger.

Exit code 1 if an order is there twice, is lost, or is not accounted for. Ctrl-C ends everything that was started.
"""

import argparse
import secrets
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.cli.target import local_target
from infra.local.home import Home
from tests.chaos.broker import ChaosBroker, chaos
from tests.chaos.report import is_clean, print_ledger
from tests.system.conftest import LocalStack
from tests.system.process_faults import Ground, end_emulator, run, unused_port
from tests.system.process_faults_nemesis import Act, Kind, Nemesis, Plan
from tests.system.process_faults_traffic import Traffic

PLAN = Plan(
    acts=(Act(1.0, [Kind.KILLED, Kind.STOPPED]),),
    at_broker={},
    in_function={"place": 0.1, "webhook": 0.05, "modify": 0.1, "cancel": 0.1, "reconcile": 0.04},
)


@contextmanager
def own_stack() -> Iterator[Ground]:
    """Start a stack that nothing else uses, and take it away with its folder."""
    with tempfile.TemporaryDirectory(prefix="order-router-chaos-") as folder:
        home, port = Path(folder).resolve() / "stack", unused_port()
        stack = LocalStack(home, {"ZerodhaEndpoint": f"http://127.0.0.1:{port}", "LocalWebhooks": "true"})
        try:
            stack.up()
            yield Ground(local_target(Home(home)), stack.facts, home, port)
        finally:
            # a second Ctrl-C must not leave the emulator behind
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            end_emulator(home)
            stack.down()


def main(arguments: list[str]) -> int:
    """Run it; give the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description="Chaos on the local stack.")
    parser.add_argument("--orders", type=int, default=500)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    played: dict[str, int] = {}

    @contextmanager
    def play(ground: Ground, nemesis: Nemesis, traffic: Traffic) -> Iterator[ChaosBroker]:
        with chaos(ground, nemesis, traffic) as broker:
            yield broker
            played.update(broker.faults())

    print(f"seed {options.seed}, {options.orders} alerts and orders", flush=True)
    try:
        with own_stack() as ground:
            finished = run(ground, orders=options.orders, seed=options.seed, plan=PLAN, play=play)
    except KeyboardInterrupt:
        print("\nstopped")
        return 130
    print_ledger(finished, played)
    return 0 if is_clean(finished) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
