"""A local stack of the tests' own: free port, own state, gone when they are done."""

import json
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
STACK_PYTHON = REPOSITORY / ".local" / "env" / "stack" / "bin" / "python"
HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything in this folder, and keep it on one worker: one stack serves all."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.system)
            item.add_marker(pytest.mark.xdist_group("system"))


@dataclass(frozen=True)
class LocalStack:
    """A running stack; its facts are read anew after each start."""

    home: Path
    parameters: dict[str, str]

    @property
    def facts(self) -> dict[str, Any]:
        """What stack.json says: addresses, keys, tokens, the template's outputs."""
        return dict(json.loads((self.home / "stack.json").read_text()))

    def up(self) -> None:
        """Start it, or deploy to it what changed."""
        options = [option for pair in self.parameters.items() for option in ("--parameter", "=".join(pair))]
        self._command("up", *options)

    def down(self) -> None:
        """Stop it; its state is kept."""
        self._command("down")

    def _command(self, *arguments: str) -> None:
        command: list[str | Path] = [STACK_PYTHON, "-m", "infra.local", *arguments, "--home", self.home]
        finished = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
        assert finished.returncode == 0, finished.stdout + finished.stderr


@pytest.fixture(scope="session")
def kite_port() -> int:
    """The port that the stack's Zerodha adapter calls; a test starts its simulator there."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, kite_port: int) -> Iterator[LocalStack]:
    """A stack that only these tests use."""
    parameters = {"ZerodhaEndpoint": f"http://127.0.0.1:{kite_port}"}
    stack = LocalStack(home=tmp_path_factory.mktemp("stack"), parameters=parameters)
    try:
        stack.up()
        yield stack
    finally:
        stack.down()
