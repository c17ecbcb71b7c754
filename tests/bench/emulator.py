"""One function under Lambda's runtime interface emulator, on this machine's own address, for one cold start."""

import http.client
import json
import platform
import re
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from infra.local.home import ARCHITECTURES, ENVIRONMENTS
from tests.bench.lambda_folders import PYTHON

HOST = "127.0.0.1"
INVOKE = "/2015-03-31/functions/function/invocations"
# The runtime client as Lambda starts it; -S keeps this machine's own packages out of sight.
RUNTIME = (str(PYTHON), "-S", "-m", "awslambdaric", "app.handler")
INIT = re.compile(r"INIT REPORT\(durationMs: ([0-9.]+)\)")
START_TIMEOUT_S = 10


@dataclass(frozen=True)
class ColdStart:
    """`total_ms` is from the request to the answer; `init_ms` is the emulator's: the process, and its imports."""

    total_ms: float
    init_ms: float
    answer: dict[str, Any]


def start_cold(code: Path, environment: Mapping[str, str], event: Mapping[str, Any]) -> ColdStart:
    """Start the emulator, invoke the function once, stop it."""
    port, runtime_port = _free_ports(2)
    command = [
        *(str(_binary()), "--runtime-interface-emulator-address", f"{HOST}:{port}"),
        *("--runtime-api-address", f"{HOST}:{runtime_port}"),
        *RUNTIME,
    ]
    with TemporaryFile("w+") as log, _running(command, code, environment, log) as process:
        _wait_until_open(port, process)
        body = json.dumps(event).encode()
        start = time.perf_counter_ns()
        answer = _invoke(port, body)
        total_ms = (time.perf_counter_ns() - start) / 1e6
        _stop(process)
        log.seek(0)
        return ColdStart(total_ms, _init_ms(log.read()), answer)


@contextmanager
def _running(
    command: list[str], code: Path, environment: Mapping[str, str], log: IO[str]
) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        command, env=dict(environment), cwd=code, stdin=subprocess.DEVNULL, stdout=log, stderr=log
    )
    try:
        yield process
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Let the emulator end; it ends the function's process, which has a group of its own."""
    process.terminate()
    try:
        process.wait(START_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _binary() -> Path:
    # The emulator calls x86_64 and arm64 as AWS does.
    name = f"aws-lambda-rie-{ARCHITECTURES[platform.machine().lower()]}"
    return next((ENVIRONMENTS / "sam" / "lib").glob(f"python3.*/site-packages/samcli/local/rapid/{name}"))


def _free_ports(count: int) -> list[int]:
    listeners = [socket.create_server((HOST, 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


def _wait_until_open(port: int, process: subprocess.Popen[bytes]) -> None:
    give_up = time.monotonic() + START_TIMEOUT_S
    while process.poll() is None and time.monotonic() < give_up:
        try:
            socket.create_connection((HOST, port), timeout=1).close()
        except OSError:
            time.sleep(0.01)
        else:
            return
    raise RuntimeError(f"the emulator did not open port {port} (exit status {process.poll()})")


def _invoke(port: int, body: bytes) -> dict[str, Any]:
    connection = http.client.HTTPConnection(HOST, port, timeout=30)
    try:
        connection.request("POST", INVOKE, body=body)
        answer: dict[str, Any] = json.loads(connection.getresponse().read())
        return answer
    finally:
        connection.close()


def _init_ms(log: str) -> float:
    found = INIT.search(log)
    if found is None:
        raise RuntimeError(f"the emulator reported no initialisation:\n{log}")
    return float(found[1])
