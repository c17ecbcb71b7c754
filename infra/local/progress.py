"""One line a step, with the time it took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Note:
    """What a step has to add to its line."""

    text = ""


@contextmanager
def step(title: str) -> Iterator[Note]:
    """Print the step's title as it starts, and its note and time when it is done."""
    print(f"   {title:<28}", end="", flush=True)
    started = time.monotonic()
    note = Note()
    try:
        yield note
    except BaseException:
        print("failed", flush=True)
        raise
    print(f"{time.monotonic() - started:6.1f} s  {note.text}".rstrip(), flush=True)
