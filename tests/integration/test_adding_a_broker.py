"""brokers/README.md says how to add a broker: this follows the page and runs the contract on the result."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import order_router
import order_router.brokers

PACKAGE = Path(order_router.__path__[0])
PAGE = Path(order_router.brokers.__path__[0]) / "README.md"
ROOT = Path(__file__).parents[2]
FILE_STEP = re.compile(r"^`(brokers/[^`]+)`:\n\n```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
REGISTRY_STEP = re.compile(
    r"^In `brokers/registry\.py`[^\n]*:\n\n```python\n(.*?)^```$", re.MULTILINE | re.DOTALL
)


def _copy_of_the_layer(folder: Path) -> Path:
    skipped = shutil.ignore_patterns("__pycache__", "zerodha", "paper")
    return Path(shutil.copytree(PACKAGE, folder / "order_router", ignore=skipped))


def _follow(page: str, package: Path) -> list[str]:
    files = FILE_STEP.findall(page)
    for name, text in files:
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (line,) = REGISTRY_STEP.findall(page)
    registry = package / "brokers" / "registry.py"
    only_line = re.sub(
        r"(BROKERS[^\n]*\{\n).*?^\}", rf"\g<1>{line}}}", registry.read_text(), flags=re.MULTILINE | re.DOTALL
    )
    registry.write_text(only_line)
    return [name for name, _ in files]


def _run_the_contract(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    arguments = [
        *options,
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "-c",
        os.devnull,
        "--rootdir",
        str(ROOT),
        "--import-mode=importlib",
    ]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *arguments, str(ROOT / "tests" / "contract" / "test_brokers.py")],
        cwd=ROOT,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)]),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_following_the_page_gives_a_broker_that_keeps_the_contract(tmp_path: Path) -> None:
    package = _copy_of_the_layer(tmp_path)

    written = _follow(PAGE.read_text(), package)
    run = _run_the_contract(tmp_path)

    assert "brokers/tiny/__init__.py" in written
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-2000:]
    assert "passed" in run.stdout


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('"MARKET": OrderType.MARKET', '"market": OrderType.MARKET'),
        ("if response.status >= 500", "if response.status >= 600"),
        ('"tag": intent.client_tag', '"tag": "x"'),
        ("profile.require(intent.request)", "pass"),
        ('read_decimal(row, "price")', 'float(row["price"])'),
        ('is_write=method != "GET"', "is_write=False"),
    ],
)
def test_the_contract_notices_a_broker_that_is_wrong(tmp_path: Path, right: str, wrong: str) -> None:
    package = _copy_of_the_layer(tmp_path)
    page = PAGE.read_text()
    assert right in page

    _follow(page.replace(right, wrong), package)
    run = _run_the_contract(tmp_path, "-x")

    assert run.returncode == 1, run.stdout[-3000:] + run.stderr[-2000:]
