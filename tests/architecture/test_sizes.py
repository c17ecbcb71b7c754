"""A reader's limits: no function over 40 lines, files that hold one idea."""

import ast
from collections.abc import Iterable
from pathlib import Path
from statistics import median, quantiles

import pytest

ROOT = Path(__file__).parents[2]
CODE = sorted(
    path
    for folder in ("layers/order_router/order_router", "functions", "infra")
    for path in (ROOT / folder).rglob("*.py")
)
TESTS = sorted((ROOT / "tests").rglob("*.py"))
FUNCTION_LINES = 40
FILE_LINES = 400


def functions(paths: Iterable[Path]) -> list[tuple[int, str]]:
    found = []
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                found.append((lines, f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"))
    return found


def test_no_function_is_longer_than_a_screen() -> None:
    assert [name for lines, name in functions([*CODE, *TESTS]) if lines > FUNCTION_LINES] == []


def test_no_file_holds_more_than_one_idea_can_fill() -> None:
    sizes = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in CODE}

    assert [str(path.relative_to(ROOT)) for path, lines in sizes.items() if lines > FILE_LINES] == []


def test_functions_are_usually_small(capsys: pytest.CaptureFixture[str]) -> None:
    lines = [count for count, _ in functions(CODE)]
    files = [len(path.read_text(encoding="utf-8").splitlines()) for path in CODE]

    with capsys.disabled():
        print(
            f"\nsizes: {len(lines)} functions, median {median(lines):.0f} lines, p95 {_p95(lines):.0f},"
            f" longest {max(lines)}; {len(files)} files, median {median(files):.0f}, p95 {_p95(files):.0f}"
        )
    assert median(lines) <= 10


def _p95(numbers: list[int]) -> float:
    return quantiles(numbers, n=20)[-1]
