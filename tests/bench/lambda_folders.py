"""The folders that a function finds in Lambda: its code, the layers in one, and what the runtime brings."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from infra.local.home import BUILD, ENVIRONMENTS
from tests.architecture.test_built_functions_import import LAMBDA_SHIPS, LAYERS

PYTHON = Path(sys.executable).resolve()
"""The interpreter itself: no environment of ours around it."""


@dataclass(frozen=True)
class LambdaFolders:
    """Copies, so that a build meanwhile harms nothing: `opt` holds the layers' packages, `runtime` boto3 and the
    runtime client, both compiled; `functions` the code of each function by its name in lower case.
    """

    opt: Path
    runtime: Path
    functions: dict[str, Path]

    def environment(self, code: Path) -> dict[str, str]:
        """Return the variables that let Python find what Lambda would; nothing is written beside the sources."""
        return {
            "PYTHONPATH": f"{code}:{self.opt}:{self.runtime}",
            "LAMBDA_TASK_ROOT": str(code),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PATH": "/usr/bin:/bin",
        }


@contextmanager
def lambda_folders() -> Iterator[LambdaFolders]:
    """Lay the folders out for as long as the context lasts."""
    with TemporaryDirectory(prefix="order-router-bench-") as place:
        opt, runtime, task = (Path(place) / name for name in ("opt", "runtime", "task"))
        for layer in LAYERS:
            shutil.copytree(BUILD / layer / "python", opt, dirs_exist_ok=True)
        _copy_runtime(runtime)
        yield LambdaFolders(opt, runtime, dict(_copied_functions(task)))


def _copied_functions(target: Path) -> Iterator[tuple[str, Path]]:
    for code in sorted(BUILD.glob("*Function")):
        yield code.name.removesuffix("Function").lower(), shutil.copytree(code, target / code.name)


def _copy_runtime(target: Path) -> None:
    target.mkdir()
    packages = next((ENVIRONMENTS / "stack" / "lib").glob("python3.13/site-packages"))
    for source in _shipped(packages):
        if source.is_dir():
            shutil.copytree(source, target / source.name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, target)
    options = ["-q", "--invalidation-mode", "unchecked-hash"]
    subprocess.run([PYTHON, "-S", "-m", "compileall", *options, target], check=True)


def _shipped(packages: Path) -> list[Path]:
    native = packages.glob("runtime_client.*.so")
    named = [packages / name for name in LAMBDA_SHIPS]
    return [*native, *(path if path.exists() else path.with_suffix(".py") for path in named)]
