"""A simulator in a process of its own: stopping it closes every connection."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.system.client import Client, eventually

REPOSITORY = Path(__file__).resolve().parents[2]


class SimulatorProcess:
    """A module of `tests.simulators` on its port; it may be stopped and started again."""

    def __init__(self, name: str, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._command = [sys.executable, "-m", f"tests.simulators.{name}", "--port", str(port)]
        self._client = Client(self.url, None)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, cwd=REPOSITORY, stdin=subprocess.DEVNULL)
        eventually(self._answer, "the simulator answers")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=10)
            self._process = None

    def tell(self, **told: Any) -> None:
        """Tell it what to do (see its page)."""
        assert self._client.send("POST", "/_control", told).status == 200

    def _answer(self) -> bool | None:
        assert self._process is not None
        assert self._process.poll() is None, "the simulator has ended"
        try:
            return self._client.get("/_control/requests").status == 200
        except OSError:
            return None
