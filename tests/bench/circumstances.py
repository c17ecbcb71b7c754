"""Under what circumstances the figures came about."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from infra.local.home import ENVIRONMENTS, REPOSITORY

IN_PROCESS = ("botocore", "pydantic", "kiteconnect", "aws-lambda-powertools")
IN_EMULATOR = ("boto3", "botocore", "awslambdaric")


def circumstances() -> dict[str, Any]:
    """Return when, of which commit, on what machine and with which versions this was measured."""
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _git("rev-parse", "--short", "HEAD"),
        "is_changed_since_commit": bool(
            _git("status", "--porcelain", "--", "functions", "layers", "template.yaml")
        ),
        "machine": {
            "architecture": platform.machine(),
            "processors": os.cpu_count(),
            "load_average": round(os.getloadavg()[0], 1),
        },
        "versions": {
            "python": platform.python_version(),
            "in_process": {name: version(name) for name in IN_PROCESS},
            "in_emulator": {name: _version_beside(name) for name in IN_EMULATOR},
        },
    }


def _git(*words: str) -> str:
    try:
        finished = subprocess.run(["git", *words], cwd=REPOSITORY, capture_output=True, text=True, check=True)  # noqa: S607
    except (OSError, subprocess.CalledProcessError):
        return ""
    return finished.stdout.strip()


def _version_beside(name: str) -> str:
    """Return the version of a package of the stack's environment, which stands for Lambda's runtime."""
    folders: list[Path] = list(
        (ENVIRONMENTS / "stack" / "lib").glob(f"python3.*/site-packages/{name}-*.dist-info")
    )
    return folders[0].name.removesuffix(".dist-info").partition("-")[2] if folders else ""
