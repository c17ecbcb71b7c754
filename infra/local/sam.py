"""Runs the SAM command line, quietly unless it fails."""

import subprocess
import tempfile
from pathlib import Path

from infra.local.home import ENVIRONMENTS

PROGRAM = Path(__file__).with_name("sam_fast.py")


class SamError(RuntimeError):
    """`sam` failed; the message carries what it printed."""


def run_sam(arguments: list[str], *, folder: Path, environment: dict[str, str]) -> None:
    """Run `sam` in a folder."""
    # It leaves an empty temporary folder behind for everything that it packs.
    with tempfile.TemporaryDirectory(prefix="order-router-sam-") as scratch:
        finished = subprocess.run(
            [str(ENVIRONMENTS / "sam" / "bin" / "python"), str(PROGRAM), *arguments],
            cwd=folder,
            # its environment is not compiled when it is made: what it uses is kept
            env=environment | {"TMPDIR": scratch, "PYTHONDONTWRITEBYTECODE": ""},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    if finished.returncode != 0:
        raise SamError(finished.stdout)
