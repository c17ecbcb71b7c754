"""What tests of the command share."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.aws import aws_client, aws_in_memory
from tests.unit.cli.invented import InventedStack, invented_brokers
from tests.unit.cli.trying import Stack


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller's own environment is none of the test's."""
    for name in ("ROUTER_ACCOUNT", "ROUTER_API_KEY", "ROUTER_API_URL", "ROUTER_STACK", "ROUTER_TRACEBACK"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def stack(capsys: pytest.CaptureFixture[str]) -> Stack:
    """An empty stack."""
    return Stack(capsys)


@pytest.fixture(scope="module")
def secrets_manager() -> Iterator[Any]:
    """Secrets Manager as moto has it."""
    with aws_in_memory():
        yield aws_client("secretsmanager")


@pytest.fixture
def invented(capsys: pytest.CaptureFixture[str], secrets_manager: Any) -> Iterator[InventedStack]:
    """A stack with account `live` (logs in by itself), `page` (on a page) and `paper`."""
    with invented_brokers():
        stack = InventedStack(capsys, secrets=secrets_manager)
        for account, broker in (("live", "invented"), ("page", "paged"), ("paper", "paper")):
            stack.ok("account", "add", account, "--broker", broker)
        yield stack
