"""The chaos layer as a process of its own, for tests that point a deployed stack at it."""

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]


class ChaosProcess:
    """The Kite simulator behind the chaos, on a port of this machine (0: any free one)."""

    def __init__(self, port: int = 0) -> None:
        command = [sys.executable, "-m", "tests.simulators.chaos", "--port", str(port), "--print-port"]
        paths = os.pathsep.join([str(REPOSITORY / "layers" / "order_router"), str(REPOSITORY)])
        self._process = subprocess.Popen(
            command,
            cwd=REPOSITORY,
            env=os.environ | {"PYTHONPATH": paths},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())
        self.url = f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        """End it, and every connection with it."""
        self._process.terminate()
        self._process.wait(timeout=10)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def plan(self, **plan: Any) -> dict[str, Any]:
        """Set the trouble (see `chaos_plan.Plan`; `reset=True` forgets the ledger); nothing ends it."""
        return self._ask("/_chaos", plan)

    def ledger(self) -> dict[str, Any]:
        """Return what came, what was played on it, and what the simulator holds."""
        return self._ask("/_chaos/ledger")

    def tell_kite(self, **told: Any) -> None:
        """Tell the simulator behind (see its page)."""
        with urllib.request.urlopen(self._request("/_control", told), timeout=30):  # noqa: S310
            return

    def _ask(self, page: str, told: dict[str, Any] | None = None) -> dict[str, Any]:
        with urllib.request.urlopen(self._request(page, told), timeout=30) as answer:  # noqa: S310 - its own address
            return dict(json.loads(answer.read()))

    def _request(self, page: str, told: dict[str, Any] | None) -> urllib.request.Request:
        body = None if told is None else json.dumps(told).encode()
        return urllib.request.Request(self.url + page, body, method="GET" if body is None else "POST")  # noqa: S310
