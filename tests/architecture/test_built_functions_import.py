"""What is deployed is what runs: a built function imports with its layers and what Lambda ships, and no more.

The local stack's workers see the emulator's own packages too, so there a package missing from a layer goes
unnoticed.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.architecture.template import REPOSITORY, environment, functions

BUILD = REPOSITORY / ".local" / "build" / "stack"
STACK_PYTHON = REPOSITORY / ".local" / "env" / "stack" / "bin" / "python"
LAYERS = ("DependenciesLayer", "OrderRouterLayer")
# docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html, "Runtime dependencies": boto3, what it needs, and
# the runtime client. Read 2026-11.
LAMBDA_SHIPS = (
    "awslambdaric", "boto3", "botocore", "dateutil", "jmespath", "s3transfer", "simplejson", "six.py",
    "snapshot_restore_py.py", "urllib3",
)  # fmt: skip
PROGRAM = """
import json, sys
sys.path = [*json.loads(sys.argv[1]), *sys.path]
import app
found = {name: module.__file__ for name, module in sys.modules.items() if getattr(module, "__file__", None)}
print(json.dumps({"handler": callable(app.handler), "modules": found}))
"""


@pytest.fixture(scope="session")
def build() -> Path:
    """The built template, made anew only when a source changed."""
    subprocess.run(
        [STACK_PYTHON, "-m", "infra.local", "build"], cwd=REPOSITORY, check=True, capture_output=True
    )
    return BUILD


@pytest.fixture(scope="session")
def lambda_runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds what the Lambda runtime brings, and nothing else."""
    folder = tmp_path_factory.mktemp("lambda-runtime")
    packages = next((REPOSITORY / ".local" / "env" / "stack" / "lib").glob("python3.13/site-packages"))
    for name in LAMBDA_SHIPS:
        (folder / name).symlink_to((packages / name).resolve(strict=True))
    return folder


def variables_of(function: str) -> dict[str, str]:
    """Return every variable that the template gives a function, with names that name nothing."""
    return {name: f"local-{name.lower()}" for name in environment(function)} | {
        # A setting that is a choice, not a name.
        "LOG_LEVEL": "INFO",
        "AWS_REGION": "ap-south-1",
        "AWS_DEFAULT_REGION": "ap-south-1",
    }


def _import_built(function: str, build: Path, lambda_runtime: Path) -> dict[str, Any]:
    code = build / f"{function.title().replace('_', '')}Function"
    path = [str(code), *(str(build / layer / "python") for layer in LAYERS), str(lambda_runtime)]
    finished = subprocess.run(
        # -I and -S: no environment variable, no user's packages, no site-packages.
        [sys.executable, "-I", "-S", "-c", PROGRAM, json.dumps(path)],
        env=variables_of(function),
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return dict(json.loads(finished.stdout))


@pytest.mark.parametrize("function", sorted(functions()))
def test_a_built_function_imports_with_what_lambda_gives_it(
    function: str,
    build: Path,
    lambda_runtime: Path,
) -> None:
    imported = _import_built(function, build, lambda_runtime)

    assert imported["handler"] is True
    assert imported["modules"]["order_router"].startswith(str(build / "OrderRouterLayer"))


def test_the_layers_hold_no_samples_no_runtime_packages_and_no_uncompiled_module(build: Path) -> None:
    dependencies, router = (build / layer / "python" for layer in LAYERS)
    modules = [path for layer in (dependencies, router) for path in layer.rglob("*.py")]
    uncompiled = [path for path in modules if not _compiled(path).exists()]

    assert not [
        name
        for name in ("boto3", "botocore", "urllib3", "twisted", "autobahn")
        if (dependencies / name).exists()
    ]
    assert not list(router.rglob("samples"))
    assert uncompiled == []


def _compiled(path: Path) -> Path:
    return path.parent / "__pycache__" / f"{path.stem}.cpython-313.pyc"
