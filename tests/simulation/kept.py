"""What finished chunks of a long run showed, on disk, so that a run that was stopped goes on where it was."""

import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from tests.simulation.runs import Result

REPOSITORY = Path(__file__).resolve().parents[2]
CODE = (
    "functions",
    "layers",
    "requirements",
    "template.yaml",
    ":(glob)tests/*.py",
    "tests/architecture/__init__.py",
    "tests/architecture/template.py",
    "tests/fakes",
    "tests/simulation",
    "tests/simulators",
)
"""Where everything stands that a run does, but for the machine over the API and what is only said of it."""
NO_PART = (":!*.md", ":!tests/simulation/test_*.py", ":!tests/simulation/machine*.py")


@dataclass(frozen=True)
class Kept:
    """A folder with one file for each finished chunk of seeds. `code` names the code that ran them, and no other."""

    folder: Path
    code: str

    def result_of(self, run: str, seeds: range) -> Result | None:
        """Return what these seeds showed, or None if this code did not run them."""
        file = self._file(run, seeds)
        if not file.exists():
            return None
        kept = json.loads(file.read_text())
        return Result(
            seeds=kept["seeds"],
            hits=Counter(kept["hits"]),
            kinds=kept["kinds"],
            violations={int(seed): words for seed, words in kept["violations"].items()},
        )

    def keep(self, run: str, seeds: range, result: Result) -> None:
        """Write what these seeds showed, whole or not at all."""
        self._file(run, seeds).parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(
            {
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
        return self.folder / self.code / f"{run}-{seeds.start}-{seeds.stop}.json"


def present_code() -> str:
    """Return a digest of every file that takes part in a run, as the files are now."""
    digest = sha256()
    for name in code_files():
        digest.update(f"{name}\0{sha256((REPOSITORY / name).read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()[:12]


def code_files() -> Iterator[str]:
    """Give the names of these files, those that git does not know yet among them."""
    listed = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *CODE, *NO_PART)
    names = subprocess.run(listed, check=True, capture_output=True, text=True, cwd=REPOSITORY).stdout
    yield from sorted(name for name in set(names.split("\0")) if name and (REPOSITORY / name).is_file())
