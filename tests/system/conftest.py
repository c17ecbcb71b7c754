"""A local stack of the tests' own: free port, own state, gone when they are done."""

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from infra.cli.target import local_target
from infra.local.environment import aws_environment
from infra.local.home import Home
from infra.operate import Target
from tests.fakes.listed import a_share, put_listings
from tests.system.client import Client
from tests.system.kite import KiteProcess
from tests.system.trader import Trader

REPOSITORY = Path(__file__).resolve().parents[2]
STACK_PYTHON = REPOSITORY / ".local" / "env" / "stack" / "bin" / "python"
HERE = Path(__file__).parent
OWN_STACK = {HERE / "test_process_faults.py": "process faults"}
"""What has a stack of its own waits beside the others, on another worker."""


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything in this folder, and keep what shares a stack on one worker."""
    here = str(HERE) + os.sep
    for item in items:
        if str(item.path).startswith(here):
            item.add_marker(pytest.mark.system)
            item.add_marker(pytest.mark.xdist_group(OWN_STACK.get(item.path, "system")))
    # stops and starts the stack: all that it holds by then must survive, and nobody may be using it
    items.sort(key=lambda item: item.path == HERE / "test_restart.py")


@dataclass(frozen=True)
class LocalStack:
    """A running stack; its facts are read anew after each start."""

    home: Path
    parameters: dict[str, str]

    @property
    def facts(self) -> dict[str, Any]:
        """What stack.json says: addresses, keys, tokens, the template's outputs."""
        return dict(json.loads((self.home / "stack.json").read_text()))

    def client(self, scope: str | None) -> Client:
        """A client with the seeded key of a scope, or with none."""
        return Client(self.facts["api_url"], None if scope is None else self.facts["api_keys"][scope])

    def dynamodb(self, **config: Any) -> Any:
        """A client of its database, configured so; a call may take 30 seconds."""
        facts = self.facts
        environment = aws_environment(facts["endpoint_url"])
        return boto3.client(
            "dynamodb",
            region_name=facts["region"],
            endpoint_url=facts["endpoint_url"],
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
            config=Config(read_timeout=30, **config),
        )

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


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def kite_port() -> int:
    """The port that the stack's Zerodha adapter calls; a test starts its simulator there."""
    return _free_port()


@pytest.fixture(scope="session")
def kotak_port() -> int:
    """The port that the stack's Kotak Neo adapter calls; a test starts its simulator there."""
    return _free_port()


@pytest.fixture(scope="session")
def channels_port() -> int:
    """The port that the stack's notices go to; a test starts the stand-in there."""
    return _free_port()


@pytest.fixture
def kite(kite_port: int) -> Iterator[KiteProcess]:
    """The Kite simulator where the stack's Zerodha adapter calls it."""
    kite = KiteProcess(kite_port)
    kite.start()
    yield kite
    kite.stop()


@pytest.fixture(scope="session")
def stack(
    tmp_path_factory: pytest.TempPathFactory, kite_port: int, kotak_port: int, channels_port: int
) -> Iterator[LocalStack]:
    """A stack that only these tests use."""
    parameters = {
        "ZerodhaEndpoint": f"http://127.0.0.1:{kite_port}",
        "KotakNeoEndpoint": f"http://127.0.0.1:{kotak_port}",
        "TelegramEndpoint": f"http://127.0.0.1:{channels_port}",
        "LocalWebhooks": "true",
    }
    stack = LocalStack(home=tmp_path_factory.mktemp("stack"), parameters=parameters)
    try:
        stack.up()
        yield stack
    finally:
        stack.down()


@pytest.fixture(scope="session")
def target(stack: LocalStack) -> Target:
    """The stack as its operator reaches it; Zerodha's list is loaded."""
    reached = local_target(Home(stack.home))
    table = reached.outputs["InstrumentsTableName"]
    put_listings(reached.dynamodb, table, "zerodha", [a_share("NSE:INFY")])
    return reached


@pytest.fixture(scope="session")
def admin(stack: LocalStack) -> Client:
    """A client that may do everything."""
    return stack.client("admin")


@pytest.fixture
def trader(target: Target, admin: Client) -> Trader:
    """A trader with an account and a share of the test's own."""
    return Trader(target=target, api=admin)
