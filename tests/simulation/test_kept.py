"""A long run that was stopped goes on where it was, and never mixes what two states of the code showed."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

from tests.simulation.kept import REPOSITORY, Kept, code_files
from tests.simulation.runs import Result

SEEDS = range(2000, 3000)
SHOWN = Result(
    seeds=1000,
    hits=Counter({"place: broker.place: dies": 3}),
    kinds={"place: broker.place": ["dies", "freezes"]},
    violations={2001: "two orders"},
)


def test_a_finished_chunk_is_not_run_again(tmp_path: Path) -> None:
    Kept(tmp_path / "days", "abc").keep("Day", SEEDS, SHOWN)

    kept = Kept(tmp_path / "days", "abc")

    assert kept.result_of("Day", SEEDS) == SHOWN
    assert kept.result_of("Day", range(3000)) is None
    assert kept.result_of("OneOrder", SEEDS) is None


def test_what_other_code_showed_is_run_again(tmp_path: Path) -> None:
    Kept(tmp_path, "abc").keep("Day", SEEDS, SHOWN)

    assert Kept(tmp_path, "def").result_of("Day", SEEDS) is None


LOADED = """
import sys
from tests.simulation.__main__ import LIVENESS, Day, run_many

for make in (Day, *(kind for kind, _, _ in LIVENESS)):
    run_many(make, range(12))
print(*(file for module in sys.modules.values() if (file := getattr(module, "__file__", None))), sep="\\n")
"""


def test_every_file_that_a_run_loads_names_its_code() -> None:
    loaded = subprocess.run(
        (sys.executable, "-c", LOADED),
        check=True,
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        env=os.environ | {"PYTHONPATH": f"layers/order_router{os.pathsep}."},
    ).stdout.splitlines()

    folders = ("layers", "functions", "infra", "tests")
    of_ours = {
        str(Path(file).relative_to(REPOSITORY)) for file in loaded if Path(file).is_relative_to(REPOSITORY)
    }
    of_ours = {name for name in of_ours if name.startswith(folders)}

    assert len(of_ours) > 100
    assert of_ours <= set(code_files())
