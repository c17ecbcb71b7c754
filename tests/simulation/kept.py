"""What finished chunks of a long run showed, on disk, so that a run that was stopped goes on where it was."""

import json
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.simulation.runs import Result


class OtherCode(Exception):
    """A kept result was made by other code: one run proves one commit."""


@dataclass(frozen=True)
class Kept:
    """A folder with one file for each finished chunk of seeds. `code` names the commit."""

    folder: Path
    code: str

    def result_of(self, run: str, seeds: range) -> Result | None:
        """Return what these seeds showed, or None if they were not run; OtherCode if other code ran them."""
        file = self._file(run, seeds)
        if not file.exists():
            return None
        kept = json.loads(file.read_text())
        if kept["code"] != self.code:
            raise OtherCode(f"{file} is of {kept['code']}, this is {self.code}")
        return Result(
            seeds=kept["seeds"],
            hits=Counter(kept["hits"]),
            kinds=kept["kinds"],
            violations={int(seed): words for seed, words in kept["violations"].items()},
        )

    def keep(self, run: str, seeds: range, result: Result) -> None:
        """Write what these seeds showed, whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(
            {
                "code": self.code,
                "seeds": result.seeds,
                "hits": result.hits,
                "kinds": {point: list(kinds) for point, kinds in result.kinds.items()},
                "violations": result.violations,
            }
        )
        unfinished = self._file(run, seeds).with_suffix(".part")
        unfinished.write_text(text)
        unfinished.replace(self._file(run, seeds))

    def _file(self, run: str, seeds: range) -> Path:
        return self.folder / f"{run}-{seeds.start}-{seeds.stop}.json"


def present_code() -> str:
    """Return the commit that is checked out, marked if files differ from it."""
    command = ("git", "describe", "--always", "--dirty", "--exclude", "*")
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
