"""Turns at the processors: of the tests that compute, no more run at once than there are processors.

Workers beyond that are for tests that wait for a stack: three processes that compute on two processors take each
other's caches, and together do up to a seventh less than two.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from select import select

PATIENCE_S = 600
"""A worker that died with its turn does not stop the others for good."""


class Turns:
    """So many turns, in a pipe that every worker opens."""

    def __init__(self, pipe: Path) -> None:
        self.pipe = pipe
        self._opened = os.open(pipe, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)

    @classmethod
    def new(cls, pipe: Path, number: int) -> "Turns":
        """Make the pipe with so many turns in it; they are there as long as somebody has it open."""
        os.mkfifo(pipe)
        turns = cls(pipe)
        os.write(turns._opened, b"." * number)
        return turns

    @contextmanager
    def one(self, patience_s: float = PATIENCE_S) -> Iterator[bool]:
        """Wait for a turn, and give it back at the end; go on without one, False, where none comes for so long."""
        turn = self._take(patience_s)
        try:
            yield bool(turn)
        finally:
            os.write(self._opened, turn)

    def close(self) -> None:
        """Let go of the pipe."""
        os.close(self._opened)

    def _take(self, patience_s: float) -> bytes:
        while select([self._opened], [], [], patience_s)[0]:
            with suppress(BlockingIOError):  # another worker was faster
                return os.read(self._opened, 1)
        return b""
