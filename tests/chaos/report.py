"""The ledger of a run as a person reads it."""

from collections import Counter
from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

from order_router.domain.lifecycle import State
from tests.system.process_faults import Run, percentile

NOT_PLACED = (State.REFUSED, State.STALE, State.REJECTED)


def duplicates(run: Run) -> int:
    """How many intents the brokers hold more than one order for."""
    return sum(len(rows) > 1 for rows in run.ledger.rows.values())


def lost(run: Run) -> int:
    """How many intents our records and the brokers' books disagree about for good."""
    return sum(words.startswith("LOST") for words in run.unaccounted.values())


def is_clean(run: Run) -> bool:
    """Whether every promise was kept and every intent is accounted for."""
    return not (run.ledger.violations or run.unaccounted)


def print_ledger(run: Run, broker_faults: Mapping[str, int]) -> None:
    """Print the run's ledger, the faults that were played, and each broken promise."""
    console = Console()
    console.print(_ledger(run))
    console.print(_faults("Faults of our workers", Counter(f"{f.function} {f.kind}" for f in run.faults)))
    console.print(_faults("Faults of the broker", Counter(dict(broker_faults))))
    for words in run.ledger.violations:
        console.print(f"[bold red]broken[/] {words}")
    for order_id, words in run.unaccounted.items():
        console.print(f"[bold red]open[/] {order_id}: {words}")


def _ledger(run: Run) -> Table:
    states, times = run.ledger.states(), run.ledger.times_to_settle()
    table = Table(title=f"Ledger, seed {run.seed}", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    rows = (
        ("sent", run.sent),
        ("accepted", len(run.accepted)),
        ("at the brokers", sum(len(rows) for rows in run.ledger.rows.values())),
        ("duplicates", duplicates(run)),
        ("lost", lost(run)),
        *((str(state), states[str(state)]) for state in NOT_PLACED),
        ("once unknown", run.was_unknown),
        ("unknown and told", len(run.ledger.told_unknown())),
        ("known to be hit by a worker's fault", len(run.faulted)),
        ("time to settle p50", f"{percentile(times, 50):.1f} s"),
        ("time to settle p99", f"{percentile(times, 99):.1f} s"),
        ("sent in", f"{run.sending_s:.0f} s"),
        ("whole run", f"{run.wall_s:.0f} s"),
    )
    for name, value in rows:
        table.add_row(name, str(value))
    return table


def _faults(title: str, played: Counter[str]) -> Table:
    table = Table(title=title, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name, count in played.most_common():
        table.add_row(name, str(count))
    return table
