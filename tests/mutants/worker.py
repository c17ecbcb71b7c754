"""What one forked process does: import with one module changed, run the named tests, tell how it ended."""

import io
import os
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass, field
from typing import Any

import pytest
from hypothesis import Phase, settings

from tests.mutants.overlay import Overlay

MEANT = ("AssertionError", "Failed", "RouterError", "ValidationError", "Crash")
"""What a test may fail with that noticed a mutant; a NameError would only say that the mutant is badly written."""

TIMED_OUT = -2
"""The exit code of a job that had to be ended."""


@dataclass(frozen=True, slots=True)
class Job:
    """Tests to run, in this order, with one module changed (`module` empty: with none)."""

    tests: tuple[str, ...]
    module: str = ""
    source: str = ""


@dataclass(slots=True)
class Verdict:
    """How a job ended. `error` is the first failure's type, with its bases; `missing` are tests that are not there."""

    exit_code: int
    is_used: bool
    passed: int = 0
    killed_by: str = ""
    error: list[str] = field(default_factory=list)
    words: str = ""
    missing: list[str] = field(default_factory=list)

    @property
    def is_kill(self) -> bool:
        """Return whether a test failed, rather than the run."""
        return self.exit_code == pytest.ExitCode.TESTS_FAILED and bool(self.killed_by) and not self.missing

    @property
    def is_meant(self) -> bool:
        """Return whether the test failed because it noticed."""
        return self.is_kill and any(name in MEANT for name in self.error)


# the same examples each time, none kept, and no search for a smaller one: one that fails is enough
settings.register_profile(
    "mutants", database=None, deadline=None, derandomize=True, phases=(Phase.explicit, Phase.generate)
)


class Chosen:
    """A pytest plugin: keep the chosen tests, in their order, and remember the first failure."""

    def __init__(self, tests: Sequence[str], verdict: Verdict) -> None:
        self._tests = tests
        self._verdict = verdict

    def pytest_collection(self) -> None:
        """Choose the profile of properties; `tests/conftest.py` has chosen another by now."""
        settings.load_profile("mutants")

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Drop what was not chosen; a choice without parameters stands for all of them."""
        found: dict[str, list[pytest.Item]] = {}
        for item in items:
            for name in {item.nodeid, item.nodeid.partition("[")[0]}:
                found.setdefault(name, []).append(item)
        self._verdict.missing = [name for name in self._tests if name not in found]
        items[:] = list(dict.fromkeys(item for name in self._tests for item in found.get(name, [])))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
        """Keep what the first failure was."""
        report = yield
        if report.passed and report.when == "call":
            self._verdict.passed += 1
        if report.failed and not self._verdict.killed_by and call.excinfo is not None:
            self._verdict.killed_by = item.nodeid
            self._verdict.error = [kind.__name__ for kind in call.excinfo.type.__mro__]
            self._verdict.words = str(call.excinfo.value)[:500]
        return report


def run(job: Job) -> dict[str, Any]:
    """Run the job in this process, which is of no use afterwards."""
    settings.load_profile("mutants")
    overlay = Overlay(job.module, job.source)
    if job.module:
        overlay.install()
    verdict = Verdict(exit_code=-1, is_used=False)
    # together with its neighbours: pytest does not find a folder's fixtures when it comes back to the folder
    files = sorted({name.partition("::")[0] for name in job.tests})
    unwanted = ("cacheprovider", "xdist", "xdist.looponfail", "pytest-testmon")
    # nobody reads what a failed assertion compared
    options = ["-x", "-q", "--tb=no", "--assert=plain", "--no-header", *(f"-pno:{name}" for name in unwanted)]
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        verdict.exit_code = int(pytest.main([*options, *files], plugins=[Chosen(job.tests, verdict)]))
    verdict.is_used = overlay.is_used or not job.module
    if not verdict.killed_by:
        verdict.words = said.getvalue()[-1500:]
    return asdict(verdict)


def leave(code: int) -> None:
    """End this process at once, without the parent's clean-up."""
    sys.stdout.flush()
    os._exit(code)
