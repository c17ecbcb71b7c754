"""`make run` where the stack does not do what it promises: one line, and the stack is stopped."""

import signal
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from infra.local import __main__ as command
from infra.local import demo
from infra.local.demo import DemoError

NOT_DONE = """
the local stack did not do as it was asked: Could not connect to the endpoint URL: "http://127.0.0.1:4566/"
(was it stopped meanwhile? its output is in {home}/ministack.log)"""


def facts_of(port: int) -> dict[str, Any]:
    url = f"http://127.0.0.1:{port}"
    return {
        "api_url": url,
        "webhook_url": f"{url}/v1/webhooks/tradingview",
        "webhook_token": "t",
        "api_key": "k",
    }


def test_a_stack_that_does_not_answer_is_named() -> None:
    with socket.socket() as taken:
        # bound and not listening: whoever connects is refused, and nobody else can take the port
        taken.bind(("127.0.0.1", 0))
        port = int(taken.getsockname()[1])

        with pytest.raises(DemoError, match=rf"POST http://127\.0\.0\.1:{port}/\S+ was not answered"):
            demo.run(facts_of(port))


@pytest.fixture
def own_signals() -> Iterator[None]:
    """The command sets what this process does with signals: it is set back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("own_signals")
@pytest.mark.parametrize(
    ("error", "line"),
    [
        (DemoError("order ORD1 was not filled within 60 s"), "order ORD1 was not filled within 60 s"),
        (
            EndpointConnectionError(endpoint_url="http://127.0.0.1:4566/"),
            NOT_DONE,
        ),
    ],
    ids=["an order that was not filled", "a stack that somebody stopped"],
)
def test_what_goes_wrong_ends_the_run_in_one_line_and_the_stack_with_it(
    error: Exception,
    line: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stopped: list[Path] = []

    def fails(_: object) -> None:
        raise error

    monkeypatch.setattr(command, "bring_up", lambda _home, _parameters: facts_of(1))
    monkeypatch.setattr(command, "take_down", lambda home: stopped.append(home.path))
    monkeypatch.setattr(demo, "run", fails)

    code = command.main(["run", "--home", str(tmp_path)])

    assert (code, stopped) == (1, [tmp_path])
    assert capsys.readouterr().err.split() == line.format(home=tmp_path).split()


def test_the_alert_has_every_placeholder_filled() -> None:
    text = demo.alert_message("a-token", datetime(2026, 11, 23, 4, 30, tzinfo=UTC))

    assert "{{" not in text
    assert '"2026-11-23T04:30:00Z"' in text
