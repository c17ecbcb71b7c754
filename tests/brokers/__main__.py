"""Put an account at every broker through a trader's day on a local stack of its own, and print one table.

    python -m tests.brokers [--broker zerodha ...]

Exit code 1 if a step failed, or if a credential, a session's secret or a key was found in a log, an answer or a table.
"""

import argparse
import sys
import tempfile
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from infra.cli.target import local_target
from infra.local.home import Home
from infra.local.stack import Stack
from tests.brokers.canaries import found_in
from tests.brokers.play import NOT_THERE, STEPS, Play, Step
from tests.brokers.vendors import VENDORS, Side, Vendor, sides
from tests.system.conftest import LocalStack
from tests.system.process_faults import end_emulator

FIRST = {name: step for name, step in STEPS.items() if name == "credentials"}
REST = {name: step for name, step in STEPS.items() if name not in FIRST}
# a simulator lists a handful of instruments, not a market's
FEW = "NSE=1"


@dataclass
class Result:
    """What each step of one broker said; `failures` holds the traces of those that failed."""

    said: dict[str, str] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)


@contextmanager
def own_stack(running: Sequence[Side]) -> Iterator[LocalStack]:
    """Start a stack that nothing else uses, its brokers' addresses those of the simulators."""
    addresses = {side.vendor.parameter: side.url for side in running if side.server is not None}
    with tempfile.TemporaryDirectory(prefix="order-router-brokers-") as folder:
        home = Path(folder).resolve() / "stack"
        stack = LocalStack(home, {**addresses, "InstrumentFloors": FEW})
        try:
            stack.up()
            yield stack
        finally:
            end_emulator(home)
            stack.down()


def run_steps(play: Play, steps: Mapping[str, Step], result: Result) -> None:
    """Take these steps; one that fails does not keep the next from its turn."""
    for name, step in steps.items():
        try:
            result.said[name] = step(play)
        except Exception:  # noqa: BLE001 - whatever a step ends in is its result
            result.failures[name] = traceback.format_exc(limit=-4)


def print_table(console: Console, results: dict[str, Result]) -> None:
    """Print a row a step, a column a broker."""
    table = Table(title="Every broker, through the deployed stack")
    table.add_column()
    for name in results:
        table.add_column(name)
    for step in STEPS:
        table.add_row(step, *(_cell(result, step) for result in results.values()))
    console.print(table)


def _cell(result: Result, step: str) -> str:
    if step in result.failures:
        return "[bold red]failed[/]"
    said = result.said[step]
    return said if said == NOT_THERE else f"[green]{said}[/]"


def main(arguments: list[str]) -> int:
    """Run it; give the exit code."""
    names = [vendor.name for vendor in VENDORS]
    parser = argparse.ArgumentParser(prog="python -m tests.brokers", description=__doc__)
    parser.add_argument("--broker", action="append", choices=names)
    wanted = parser.parse_args(arguments).broker or names
    vendors: tuple[Vendor, ...] = tuple(vendor for vendor in VENDORS if vendor.name in wanted)
    console = Console()
    with sides(vendors) as running, own_stack(running) as local:
        stack, target = Stack(local.facts["endpoint_url"]), local_target(Home(local.home))
        plays = [Play(side, target, local.client("admin"), stack) for side in running]
        results = {play.side.vendor.name: Result() for play in plays}
        # functions remember the list of all accounts for a while: they all are there before the first is asked for
        for steps in (FIRST, REST):
            for play in plays:
                run_steps(play, steps, results[play.side.vendor.name])
        leaks = found_in(stack, plays)
    print_table(console, results)
    for name, result in results.items():
        for step, trace in result.failures.items():
            console.print(f"[bold red]{name}, {step}[/]\n{trace}", highlight=False, markup=True)
    console.print(f"{len(leaks)} secrets found where none may be" + "".join(f"\n  {leak}" for leak in leaks))
    return 1 if leaks or any(result.failures for result in results.values()) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
