"""Each simulator runs as a program of its own, says its port, and answers there."""

import http.client
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SIMULATORS = ("channels", "ibkr", "icici_breeze", "kite", "kotak_neo")


@pytest.mark.parametrize("name", SIMULATORS)
def test_it_runs_on_its_own_and_prints_its_port(name: str) -> None:
    command = [sys.executable, "-m", f"tests.simulators.{name}", "--port", "0", "--print-port"]
    paths = os.pathsep.join([str(ROOT / "layers" / "order_router"), str(ROOT)])
    environment = os.environ | {"PYTHONPATH": paths}
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/_control/orders")
        answer = connection.getresponse().read()
        connection.close()
        process.terminate()

    assert answer == b"[]"
