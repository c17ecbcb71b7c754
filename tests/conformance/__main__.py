"""Run the probes and print README.md's tables: python -m tests.conformance."""

from collections import Counter
from pathlib import Path

import pytest

from tests.conformance.differences import KNOWN_DIFFERENCES
from tests.conformance.probe import PROBES

HERE = Path(__file__).parent
COLUMNS = {"passed": "agrees", "xfailed": "differs, as known", "failed": "fails"}


class Tally:
    """Counts outcomes by implementation."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call" or "documents[" not in report.nodeid:
            return
        name = report.nodeid.partition("[")[2].partition("-")[0]
        is_known = report.outcome == "skipped" and hasattr(report, "wasxfail")
        self.counts[name, "xfailed" if is_known else report.outcome] += 1


def documented(probe_name: str) -> str:
    """Return what the probe's docstring says."""
    found = next(probe for probe in PROBES if probe.__name__ == probe_name)
    return " ".join((found.__doc__ or "").split())


def main() -> int:
    tally = Tally()
    code = pytest.main(["-q", str(HERE / "test_conformance.py")], plugins=[tally])
    print("\n| implementation | " + " | ".join(COLUMNS.values()) + " |\n|---|" + "---|" * len(COLUMNS))
    for name in sorted({name for name, _ in tally.counts}):
        print(f"| {name} | " + " | ".join(str(tally.counts[name, outcome]) for outcome in COLUMNS) + " |")
    print("\n| probe | implementation | does | AWS documents |\n|---|---|---|---|")
    for (probe_name, name), does in KNOWN_DIFFERENCES.items():
        print(f"| {probe_name.replace('_', ' ')} | {name} | {does} | {documented(probe_name)} |")
    return int(code)


if __name__ == "__main__":
    raise SystemExit(main())
