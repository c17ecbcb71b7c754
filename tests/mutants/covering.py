"""Which tests run which lines of the layer: found out in one run, by the interpreter's own monitoring."""

import json
import sys
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType
from typing import Any

import pytest

TOOL = sys.monitoring.COVERAGE_ID
DISABLE = sys.monitoring.DISABLE  # asked for by handlers that run when sys is gone


@dataclass(slots=True)
class Covering:
    """Tests that passed by the lines they run, with how long each took."""

    seconds: dict[str, float] = field(default_factory=dict)
    tests: defaultdict[tuple[str, int], list[str]] = field(default_factory=lambda: defaultdict(list))

    def of_lines(self, file: str, first: int, last: int) -> list[str]:
        """Return the tests that run one of these lines, fastest first."""
        return self._fastest_first(
            test for line in range(first, last + 1) for test in self.tests.get((file, line), [])
        )

    def of_files(self, files: Collection[str]) -> list[str]:
        """Return the tests that run any line of these files, fastest first."""
        return self._fastest_first(
            test for (file, _), tests in self.tests.items() if file in files for test in tests
        )

    def named(self, files: Collection[str]) -> list[str]:
        """Return the tests that stand in these test files, fastest first."""
        return self._fastest_first(test for test in self.seconds if test.partition("::")[0] in files)

    def _fastest_first(self, tests: Iterable[str]) -> list[str]:
        return sorted(set(tests), key=lambda test: (self.seconds[test], test))


def read_covering(path: Path, *, longest_s: float) -> Covering:
    """Return what a watched run wrote of the tests that took no longer than that."""
    covering = Covering()
    for test, (seconds, files) in json.loads(path.read_text(encoding="utf-8")).items():
        if seconds > longest_s:
            continue
        covering.seconds[test] = seconds
        for file, lines in files.items():
            for line in lines:
                covering.tests[file, line].append(test)
    return covering


class Watching:
    """A pytest plugin: note for each test that passes which lines of the package it ran."""

    def __init__(self, package: str, path: Path) -> None:
        self._package = package.rstrip("/") + "/"
        self._path = path
        self._ran: set[tuple[str, int]] = set()
        self._noted: dict[str, Any] = {}
        self._failed: set[str] = set()

    def pytest_sessionstart(self) -> None:
        """Begin to watch."""
        sys.monitoring.use_tool_id(TOOL, "mutants")
        sys.monitoring.register_callback(TOOL, sys.monitoring.events.LINE, self._line)
        sys.monitoring.set_events(TOOL, sys.monitoring.events.LINE)

    def _line(self, code: CodeType, line: int) -> Any:
        if code.co_filename.startswith(self._package):
            self._ran.add((code.co_filename[len(self._package) :], line))
        return DISABLE

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Note one test."""
        self._ran = set()
        sys.monitoring.restart_events()
        began = time.perf_counter()
        answer = yield
        files = defaultdict(list)
        for file, line in self._ran:
            files[file].append(line)
        self._noted[item.nodeid] = (time.perf_counter() - began, files)
        return answer

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Leave out what does not pass without a mutant."""
        if not report.passed:
            self._failed.add(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        """Write what was noted."""
        kept = {test: noted for test, noted in self._noted.items() if test not in self._failed}
        self._path.write_text(json.dumps(kept), encoding="utf-8")


if __name__ == "__main__":
    package, path, *chosen = sys.argv[1:]
    sys.exit(
        int(
            pytest.main(
                ["-q", "--tb=line", "-p", "no:xdist", *chosen], plugins=[Watching(package, Path(path))]
            )
        )
    )
