"""A long run that was stopped goes on where it was, and never mixes two commits."""

from collections import Counter
from pathlib import Path

import pytest

from tests.simulation.kept import Kept, OtherCode
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


def test_what_other_code_showed_is_refused(tmp_path: Path) -> None:
    Kept(tmp_path, "abc").keep("Day", SEEDS, SHOWN)

    with pytest.raises(OtherCode, match="abc"):
        Kept(tmp_path, "def").result_of("Day", SEEDS)
