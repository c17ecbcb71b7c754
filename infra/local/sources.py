"""A digest of everything that decides what is built, so that nothing is built twice."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from infra.local.home import REPOSITORY, host_architecture

BUILT_FROM = ("template.yaml", "functions", "layers")
LEFT_OUT = {"__pycache__", "samples", ".mypy_cache", ".ruff_cache"}


def digest_sources() -> str:
    """Digest the names and contents of all sources, and the processor that they are built for."""
    digest = hashlib.sha256(host_architecture().encode())
    for path in sorted(_files()):
        digest.update(f"\0{path.relative_to(REPOSITORY)}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _files() -> Iterator[Path]:
    for name in BUILT_FROM:
        start = REPOSITORY / name
        if start.is_file():
            yield start
        for path in start.rglob("*"):
            if path.is_file() and path.suffix != ".pyc" and not LEFT_OUT.intersection(path.parts):
                yield path
