"""Play what goes wrong at a trader's desk on a local stack of its own, and print it as a timeline.

    python -m tests.drill [--scene broker ...]

Exit code 1 if something that must come of a trouble did not come.
"""

import argparse
import signal
import sys
import traceback

from rich.console import Console
from rich.table import Table

from tests.drill.desk import open_desk
from tests.drill.scenes import SCENES
from tests.drill.timeline import Timeline


def main(arguments: list[str]) -> int:
    """Run it; give the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.drill", description="A drill on the local stack.")
    parser.add_argument("--scene", action="append", choices=list(SCENES))
    wanted = parser.parse_args(arguments).scene or list(SCENES)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console = Console(soft_wrap=True)
    failures: dict[str, str] = {}
    with open_desk() as desk:
        time_line = Timeline(console)
        for name in wanted:
            try:
                SCENES[name](desk, time_line)
            except Exception:  # noqa: BLE001 - the next scene is played all the same
                failures[name] = traceback.format_exc(limit=-4)
                time_line.say("drill", f"scene {name} failed")
        told = desk.told()
    _sum_up(console, time_line)
    console.print(
        f"{len(told)} messages on the phone, {len(wanted) - len(failures)} of {len(wanted)} scenes held"
    )
    for name, trace in failures.items():
        console.print(f"[bold red]{name}[/]\n{trace}", highlight=False)
    return 1 if failures else 0


def _sum_up(console: Console, time_line: Timeline) -> None:
    table = Table(title="How long it took")
    table.add_column("what")
    table.add_column("seconds", justify="right")
    for what, seconds in time_line.took:
        table.add_row(what, f"{seconds:.1f}")
    console.print(table)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
