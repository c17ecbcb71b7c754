"""Talks to a fork server: one job in, one verdict out."""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.mutants.mutant import LAYER, ROOT
from tests.mutants.worker import Job, Verdict

UNDER_ALL = ("order_router.domain", "order_router.adapter")
"""Packages that import none of the others: where the mutant is elsewhere, its process finds them imported."""


class ForkServer:
    """Fork servers of one's own, for the length of a `with` block; `root` is the tree whose code and tests they run."""

    def __init__(self, root: Path = ROOT) -> None:
        self._root = root

    def __enter__(self) -> Self:
        """Start; a process begins with the first job that needs it."""
        self._cache = tempfile.TemporaryDirectory(prefix="mutants-")
        self._started: dict[tuple[str, ...], subprocess.Popen[str]] = {}
        return self

    def run(self, job: Job, *, timeout_s: float = 180) -> Verdict:
        """Run one job and return how it ended."""
        process = self._process_for(job)
        assert process.stdin is not None
        assert process.stdout is not None
        print(json.dumps(asdict(job) | {"timeout_s": timeout_s}), file=process.stdin, flush=True)
        answer = process.stdout.readline()
        if not answer:
            raise RuntimeError("the fork server has ended")
        return Verdict(**json.loads(answer))

    def _process_for(self, job: Job) -> subprocess.Popen[str]:
        is_above = job.module and not job.module.startswith((*UNDER_ALL, "order_router.ports"))
        imported = UNDER_ALL if is_above else ()
        if imported not in self._started:
            self._started[imported] = self._start(imported)
        return self._started[imported]

    def _start(self, imported: tuple[str, ...]) -> subprocess.Popen[str]:
        path = os.pathsep.join([str(self._root / LAYER.relative_to(ROOT)), str(self._root)])
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        return subprocess.Popen(
            [sys.executable, "-m", "tests.mutants.forkserver", self._cache.name, *imported],
            cwd=self._root,
            env=environment | {"PYTHONPATH": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the processes and remove their bytecode."""
        for process in self._started.values():
            assert process.stdin is not None
            process.stdin.close()
            process.wait(timeout=30)
        self._cache.cleanup()
