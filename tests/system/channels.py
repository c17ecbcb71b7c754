"""Telegram and a webhook, played by their stand-in in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.system.client import Client, eventually

REPOSITORY = Path(__file__).resolve().parents[2]


class ChannelsProcess:
    """The stand-in on its port; it may be stopped and started again."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._port = port
        self._client = Client(self.url, None)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.simulators.channels", "--port", str(self._port)]
        self._process = subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.DEVNULL)
        eventually(self._answer, "the stand-in answers")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=10)
            self._process = None

    def tell(self, **told: Any) -> None:
        """Tell it how to behave (see its page)."""
        assert self._client.send("POST", "/_control", told).status == 200

    def messages(self, on: str, word: str) -> list[dict[str, Any]]:
        """What it took on a channel that has this word in it."""
        taken = json.loads(self._client.get("/_control/messages").text)
        return [one for one in taken if one["on"] == on and word in json.dumps(one)]

    def _answer(self) -> bool | None:
        assert self._process is not None
        assert self._process.poll() is None, "the stand-in has ended"
        try:
            return self._client.get("/_control/requests").status == 200
        except OSError:
            return None
