"""What each function's import costs, by package: `python -X importtime`, with the folders Lambda would have."""

import re
import subprocess
import sys
from collections import Counter
from typing import Any

from tests.architecture.template import functions
from tests.architecture.test_built_functions_import import variables_of
from tests.bench.lambda_folders import PYTHON, LambdaFolders

LINE = re.compile(r"import time: +(?P<self_us>\d+) \| +\d+ \| +(?P<module>\S+)")
RUNS = 3
SHOWN = 8


def measure_imports(folders: LambdaFolders) -> dict[str, Any]:
    """Return, for each function, its import in milliseconds (measuring makes it slower) and the heaviest packages."""
    return {function: _heaviest(function, folders) for function in sorted(functions())}


def _heaviest(function: str, folders: LambdaFolders) -> dict[str, Any]:
    lightest = min((_import_once(function, folders) for _ in range(RUNS)), key=Counter.total)
    packages = {name: round(us / 1000, 1) for name, us in lightest.most_common(SHOWN)}
    return {"import_ms": round(lightest.total() / 1000), "packages_ms": packages}


def _import_once(function: str, folders: LambdaFolders) -> Counter[str]:
    code = folders.functions[function.replace("_", "")]
    finished = subprocess.run(
        [PYTHON, "-S", "-X", "importtime", "-c", "import app"],
        env={**variables_of(function), **folders.environment(code)},
        cwd=code,
        capture_output=True,
        text=True,
        check=True,
    )
    weights: Counter[str] = Counter()
    for line in LINE.finditer(finished.stderr):
        weights[_package(line["module"])] += int(line["self_us"])
    return weights


def _package(module: str) -> str:
    top = module.partition(".")[0]
    return "standard library" if top in sys.stdlib_module_names else top
