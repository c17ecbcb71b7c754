"""Where an instance of the local stack keeps its files, and what all instances share."""

import json
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
SHARED = REPOSITORY / ".local"
BUILD = SHARED / "build" / "stack"
BUILD_CACHE = SHARED / "build" / "cache"
ENVIRONMENTS = SHARED / "env"

STACK_NAME = "order-router"
REGION = "ap-south-1"

# AWS's names of the processors, by what the machine calls its own.
ARCHITECTURES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}


def host_architecture() -> str:
    """Name this machine's processor as AWS does."""
    return ARCHITECTURES[platform.machine().lower()]


@dataclass(frozen=True)
class Home:
    """The folder of one instance: its state, its log, its process and its facts."""

    path: Path = SHARED

    @property
    def state(self) -> Path:
        """The emulator's state."""
        return self.path / "state"

    @property
    def scratch(self) -> Path:
        """What the emulator unpacks while it runs."""
        return self.path / "tmp"

    @property
    def log(self) -> Path:
        """The emulator's output, the functions' logs among it."""
        return self.path / "ministack.log"

    @property
    def process(self) -> Path:
        """The process id and the port of the running emulator."""
        return self.path / "ministack.json"

    @property
    def served(self) -> Path:
        """The port that the saved state speaks of."""
        return self.path / "port.json"

    @property
    def lock(self) -> Path:
        """Who brings this instance up or takes it down holds it."""
        return self.path / "home.lock"

    @property
    def facts(self) -> Path:
        """What tools and tests need to reach the stack."""
        return self.path / "stack.json"


def read_json(path: Path) -> dict[str, Any]:
    """Read a file of ours; a missing one is empty."""
    try:
        return dict(json.loads(path.read_text()))
    except FileNotFoundError:
        return {}


def write_json(path: Path, values: dict[str, Any], *, mode: int = 0o600) -> None:
    """Replace a file of ours in one step; only its owner may read it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(path.suffix + ".new")
    draft.touch(mode=mode)
    draft.write_text(json.dumps(values, indent=2) + "\n")
    draft.replace(path)
