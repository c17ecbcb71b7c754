"""Send 200 alerts in one second to one account of a local stack of its own, and print what became of them.

Exit code 1 if one is lost, doubled, out of order, stale before its time, or too many calls came in one second.
"""

import argparse
import signal
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table

from infra.cli.target import local_target
from infra.local.home import Home
from infra.local.stack import Stack
from tests.burst.ledger import Burst
from tests.burst.run import Ground, run
from tests.system.conftest import LocalStack
from tests.system.kite import KiteProcess
from tests.system.process_faults import end_emulator, unused_port

MOST_CALLS = 9


def main(arguments: list[str]) -> int:
    """Run it; give the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.burst", description="A burst of alerts.")
    parser.add_argument("--alerts", type=int, default=200)
    parser.add_argument("--pollers", type=int, default=10, help="groups of the queue that are served at once")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="order-router-burst-") as folder:
        home, port = Path(folder).resolve() / "stack", unused_port()
        stack, kite = LocalStack(home, {"ZerodhaEndpoint": f"http://127.0.0.1:{port}"}), KiteProcess(port)
        try:
            stack.up()
            kite.start()
            ground = Ground(
                target=local_target(Home(home)), stack=Stack(stack.facts["endpoint_url"]), kite=kite
            )
            burst = run(ground, account="burst", alerts=options.alerts, pollers=options.pollers)
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            kite.stop()
            end_emulator(home)
            stack.down()
    return print_ledger(burst)


def print_ledger(burst: Burst) -> int:
    """Print it; 1 if a promise was broken."""
    table = Table(title="Ledger of the burst", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name, value in lines(burst):
        table.add_row(name, value)
    console, broken = Console(), burst.broken()
    console.print(table)
    for words in broken:
        console.print(f"[bold red]broken[/] {words}")
    return 1 if broken or burst.busiest_second() > MOST_CALLS else 0


def lines(burst: Burst) -> list[tuple[str, str]]:
    """Return the ledger's lines."""
    sent = sorted(one.received_at for one in burst.sent)
    durable = max(one.durable_at for one in burst.sent)
    calls, states = sorted(burst.calls), burst.states()
    return [
        ("alerts sent", str(len(sent))),
        ("sent within", _seconds(sent[-1] - sent[0])),
        ("all durable after", _seconds(durable - sent[0])),
        ("order calls at the broker", str(len(calls))),
        ("orders at the broker", str(len(burst.rows))),
        *((state, str(count)) for state, count in sorted(states.items())),
        ("lost, doubled, out of order", str(len(burst.broken()))),
        ("most calls in any second", f"{burst.busiest_second()} of {MOST_CALLS}"),
        ("first call after", _seconds(calls[0] - sent[0])),
        ("last call after", _seconds(calls[-1] - sent[0])),
        ("calls a second, mean", f"{len(calls) / max(1e-9, (calls[-1] - calls[0]).total_seconds()):.1f}"),
    ]


def _seconds(time: timedelta) -> str:
    return f"{time.total_seconds():.2f} s"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
