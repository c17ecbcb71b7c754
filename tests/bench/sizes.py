"""What the built layers weigh unzipped, in MiB: AWS allows 250 MB for a function and its layers together."""

from pathlib import Path
from typing import Any

from infra.local.home import BUILD
from tests.architecture.test_built_functions_import import LAYERS

MIB = 1024 * 1024
SHOWN = 6


def measure_sizes() -> dict[str, Any]:
    """Return the layers' sizes, together and each, and the largest packages of both."""
    packages = [path for layer in LAYERS for path in (BUILD / layer / "python").iterdir()]
    largest = sorted(packages, key=_bytes, reverse=True)[:SHOWN]
    return {
        "total": _mib(sum(_bytes(BUILD / layer) for layer in LAYERS)),
        "layers": {layer: _mib(_bytes(BUILD / layer)) for layer in LAYERS},
        "packages": {path.name: _mib(_bytes(path)) for path in largest},
    }


def _bytes(path: Path) -> int:
    if path.is_file():
        return path.stat().st_size
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def _mib(size: int) -> float:
    return round(size / MIB, 2)
