"""Every small change that the rules make of the protocol's modules, each against the tests that run its line."""

import difflib
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from pathlib import Path
from queue import Queue

import pytest

from tests.mutants.client import ForkServer
from tests.mutants.covering import Covering, read_covering
from tests.mutants.equivalent import equivalent_of
from tests.mutants.mutant import PACKAGE, ROOT, module_of
from tests.mutants.operators import Change, changes
from tests.mutants.worker import TIMED_OUT, Job, Verdict

ROOMS = ("domain", "service", "transport")
MORE = ("aws/failures.py", "aws/gate.py", "aws/meters.py", "aws/orders_table.py", "aws/seen_alerts.py")
SUITES = (
    "tests/unit",
    "tests/contract",
    "tests/integration",
    "tests/faults/test_downloads.py",
    "tests/faults/test_transport_sockets.py",
    "tests/faults/test_transport_moments.py",
)
"""Tests that name what they hold; the sweeps, searches and simulations would notice too, in minutes."""

LEFT_OUT = shutil.ignore_patterns(".git", ".local", ".aws-sam", "__pycache__", ".hypothesis", ".*_cache")
QUICK_FILES, QUICK_TESTS = 3, 60
LONG_S = 3.0
"""A test that takes longer is left out."""
ENOUGH_S = 15.0
"""How long the tests of one mutant may take together; the fastest come first."""


@dataclass(frozen=True, slots=True)
class Slip:
    """One automatic mutant."""

    file: str
    source: str
    change: Change

    @property
    def mutated(self) -> str:
        """Return the file's text with the change made."""
        return self.change.applied(self.source)

    @property
    def diff(self) -> str:
        """Return the lines that differ."""
        lines = difflib.unified_diff(self.source.splitlines(), self.mutated.splitlines(), n=0, lineterm="")
        return "\n".join(line for line in lines if not line.startswith(("---", "+++", "@@")))

    @property
    def place(self) -> str:
        """Return where it is."""
        return f"{self.file}:{self.source.count(chr(10), 0, self.change.start) + 1} {self.change.rule}"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a mutant: killed, survived or equivalent; `how` is the test that noticed, or the reason."""

    slip: Slip
    fate: str
    how: str = ""


def files() -> list[str]:
    """Return the files whose mutants are made, as below the package."""
    found = [path for room in ROOMS for path in sorted((PACKAGE / room).glob("*.py"))]
    return [str(path.relative_to(PACKAGE)) for path in found if path.name != "__init__.py"] + list(MORE)


def slips(tree: Path, chosen: Iterable[str], *, sample: int = 0, seed: int = 1) -> list[Slip]:
    """Return every mutant of the files in a tree, or a seeded sample of them spread over the files."""
    every = []
    for file in chosen:
        source = (tree / PACKAGE.relative_to(ROOT) / file).read_text(encoding="utf-8")
        every += [Slip(file, source, change) for change in changes(source)]
    if not 0 < sample < len(every):
        return every
    kept = set(random.Random(seed).sample(range(len(every)), sample))  # noqa: S311 - a sample, not a secret
    return [slip for index, slip in enumerate(every) if index in kept]


@contextmanager
def private_tree() -> Iterator[Path]:
    """Copy the tree, so that nobody's edit reaches the run."""
    with tempfile.TemporaryDirectory(prefix="mutants-tree-") as folder:
        yield Path(shutil.copytree(ROOT, Path(folder) / "tree", ignore=LEFT_OUT))


def watch(tree: Path) -> Covering:
    """Run the suites once and return which tests run which lines."""
    path = tree / "covering.json"
    package = tree / PACKAGE.relative_to(ROOT)
    command = [sys.executable, "-m", "tests.mutants.covering", str(package), str(path), *SUITES]
    environment = {"PYTHONPATH": f"{package.parent}:{tree}", "PATH": "/usr/bin:/bin"}
    subprocess.run(command, stdout=sys.stderr, cwd=tree, env=environment, check=False)
    return read_covering(path, longest_s=LONG_S)


def judge(server: ForkServer, covering: Covering, slip: Slip) -> Result:
    """Run the tests of the mutant's lines, a quick choice first, and say what became of it."""
    if (known := equivalent_of(slip.file, slip.diff)) is not None:
        return Result(slip, "equivalent", known.why)
    tests = covering.of_lines(slip.file, *slip.change.lines)
    if not tests:  # only the import runs these lines
        tests = covering.named(readers(slip.file)) + covering.of_files({slip.file, *importers(slip.file)})
    tests = _affordable(covering, list(dict.fromkeys(tests)))
    quick = _quick(tests)
    rest = [test for test in tests if test not in set(quick)]
    for chosen in (quick, rest):
        if not chosen:
            continue
        timeout_s = 20 + 4 * sum(covering.seconds[test] for test in chosen)
        verdict = server.run(Job(tuple(chosen), module_of(slip.file), slip.mutated), timeout_s=timeout_s)
        if _is_killed(verdict):
            return Result(slip, "killed", verdict.killed_by or "import")
    return Result(slip, "survived")


@cache
def importers(file: str) -> frozenset[str]:
    """Return the files of the package that import from this one, as below the package."""
    return _importing(file, PACKAGE, PACKAGE)


@cache
def readers(file: str) -> frozenset[str]:
    """Return the test files that import from this one, as below the repository."""
    return _importing(file, ROOT / "tests", ROOT)


def _importing(file: str, folder: Path, base: Path) -> frozenset[str]:
    room, _, name = module_of(file).rpartition(".")
    lines = f"from {room}.{name} import ", f"from {room} import {name}\n"
    texts = ((path, path.read_text(encoding="utf-8")) for path in folder.rglob("*.py"))
    return frozenset(
        str(path.relative_to(base)) for path, text in texts if any(line in text for line in lines)
    )


def _affordable(covering: Covering, tests: list[str]) -> list[str]:
    spent = accumulate(covering.seconds[test] for test in tests)
    return [test for test, seconds in zip(tests, spent, strict=True) if seconds <= ENOUGH_S]


def _quick(tests: list[str]) -> list[str]:
    """Return the fastest tests of a few files: they kill most, and reading few files is quick."""
    names = list(dict.fromkeys(test.partition("::")[0] for test in tests[:QUICK_TESTS]))[:QUICK_FILES]
    return [test for test in tests if test.partition("::")[0] in names][:QUICK_TESTS]


def _is_killed(verdict: Verdict) -> bool:
    if verdict.exit_code in {pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED, TIMED_OUT}:
        return True  # a test noticed, or a module cannot be imported any more, or something never ends
    if verdict.exit_code != pytest.ExitCode.OK:
        raise RuntimeError(verdict.words or f"these tests are not there: {verdict.missing[:3]}")
    return False


def control(server: ForkServer, covering: Covering, slip: Slip) -> None:
    """Run the tests of a whole file with the file as it is, in the same way: a test that fails now proves nothing."""
    tests = covering.named(readers(slip.file)) + covering.of_files({slip.file, *importers(slip.file)})
    chosen = _affordable(covering, list(dict.fromkeys(tests)))
    verdict = server.run(Job(tuple(chosen), module_of(slip.file), slip.source), timeout_s=300)
    if verdict.exit_code != pytest.ExitCode.OK:
        raise RuntimeError(f"{slip.file} unchanged: {verdict.killed_by} {verdict.words}")


def run(tree: Path, chosen: list[Slip], *, jobs: int) -> Iterator[Result]:
    """Judge the mutants of a tree in several processes; yields each result as it comes."""
    covering = watch(tree)
    servers: Queue[ForkServer] = Queue()

    def one(slip: Slip) -> Result:
        server = servers.get()
        try:
            return judge(server, covering, slip)
        finally:
            servers.put(server)

    def unchanged(slip: Slip) -> None:
        server = servers.get()
        try:
            control(server, covering, slip)
        finally:
            servers.put(server)

    with ExitStack() as stack, ThreadPoolExecutor(jobs) as pool:
        for _ in range(jobs):
            servers.put(stack.enter_context(ForkServer(tree)))
        list(pool.map(unchanged, {slip.file: slip for slip in chosen}.values()))
        yield from pool.map(one, chosen)
