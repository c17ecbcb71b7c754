"""Shows on a terminal that something is being waited for, and for how long."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from infra.cli.work import Work


@contextmanager
def working(work: Work, words: str) -> Iterator[Callable[[str], None]]:
    """Show a spinner, words and the time that passes; give what changes the words. Nothing without a terminal."""
    if work.as_json or not sys.stdout.isatty():
        yield lambda _: None
        return
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415 - only here

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, transient=True) as progress:
        task = progress.add_task(words, total=None)
        yield lambda changed: progress.update(task, description=changed)
