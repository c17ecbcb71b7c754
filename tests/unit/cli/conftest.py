"""What tests of the command share."""

import pytest

from tests.unit.cli.trying import Stack


@pytest.fixture
def stack(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Stack:
    """An empty stack; the caller's own environment is none of the test's."""
    for name in ("ROUTER_ACCOUNT", "ROUTER_API_KEY", "ROUTER_API_URL", "ROUTER_STACK", "ROUTER_TRACEBACK"):
        monkeypatch.delenv(name, raising=False)
    return Stack(capsys)
