"""Run a vendor's client in its own environment and process, with nothing but a recorder's address to talk to."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[2]
PYTHON = REPOSITORY / ".local/env/oracle/bin/python"
CLIENTS = Path(__file__).parent / "clients"
LIMIT_S = 120


def run_client(name: str, url: str, asked: Any, folder: Path) -> Any:
    """Let `clients/<name>.py` do what is asked against this address, in an empty folder; return what it prints as JSON.

    The script reads JSON from standard input (`url`, `asked`). Skipped where the environment was not made.
    """
    if not PYTHON.exists():
        pytest.skip("the oracle environment is not there: infra/local/bootstrap oracle")
    script = CLIENTS / f"{name}.py"
    done = subprocess.run(
        [str(PYTHON), "-I", str(script)],
        input=json.dumps({"url": url, "asked": asked}),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
        cwd=folder,
        env={"HOME": str(folder), "PATH": os.defpath, "LANG": "C.UTF-8"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.strip().splitlines()[-1])
