"""Telegram and a webhook, played by their stand-in in a process of its own."""

import json
from typing import Any

from tests.system.simulator_process import SimulatorProcess


class ChannelsProcess(SimulatorProcess):
    """The stand-in on its port; it may be stopped and started again."""

    def __init__(self, port: int) -> None:
        super().__init__("channels", port)

    def messages(self, on: str, word: str) -> list[dict[str, Any]]:
        """What it took on a channel that has this word in it."""
        taken = json.loads(self._client.get("/_control/messages").text)
        return [one for one in taken if one["on"] == on and word in json.dumps(one)]
