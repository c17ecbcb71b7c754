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


class ForkServer:
    """A fork server of one's own, for the length of a `with` block; `root` is the tree whose code and tests it runs."""

    def __init__(self, root: Path = ROOT) -> None:
        self._root = root

    def __enter__(self) -> Self:
        """Start the process."""
        self._cache = tempfile.TemporaryDirectory(prefix="mutants-")
        path = os.pathsep.join([str(self._root / LAYER.relative_to(ROOT)), str(self._root)])
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.mutants.forkserver", self._cache.name],
            cwd=self._root,
            env=environment | {"PYTHONPATH": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def run(self, job: Job, *, timeout_s: float = 180) -> Verdict:
        """Run one job and return how it ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(asdict(job) | {"timeout_s": timeout_s}), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError("the fork server has ended")
        return Verdict(**json.loads(answer))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process and remove its bytecode."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._cache.cleanup()
