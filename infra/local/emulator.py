"""The emulator's process: start it, find it again, stop it so that its state is saved."""

import http.client
import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from infra.local.environment import tool_environment
from infra.local.home import ENVIRONMENTS, REGION, Home, read_json, write_json

USUAL_PORT = 4566
START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 90
PROGRAM = (str(ENVIRONMENTS / "stack" / "bin" / "python"), str(Path(__file__).with_name("ministack_once.py")))


class EmulatorError(RuntimeError):
    """The emulator did not start or did not stop."""


@dataclass(frozen=True)
class Emulator:
    """A running emulator."""

    pid: int
    port: int

    @property
    def endpoint_url(self) -> str:
        """Where it answers for every AWS service."""
        return f"http://127.0.0.1:{self.port}"


def find_running(home: Home) -> Emulator | None:
    """Find this home's emulator, unless it is gone."""
    known = read_json(home.process)
    if not known or not _is_ours(known["pid"]):
        return None
    return Emulator(pid=known["pid"], port=known["port"])


def start(home: Home) -> Emulator:
    """Start the emulator on this home's state and wait until it answers."""
    shutil.rmtree(home.scratch, ignore_errors=True)
    home.scratch.mkdir(parents=True)
    port = _choose_port(home)
    _move_state(home, port)
    with home.log.open("ab") as log:
        process = subprocess.Popen(
            PROGRAM,
            env=_environment(home, port),
            cwd=home.path,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            # A group of its own: Ctrl-C reaches us alone, and we stop it in order.
            start_new_session=True,
        )
    emulator = Emulator(pid=process.pid, port=port)
    write_json(home.process, {"pid": process.pid, "port": port})
    _wait_until_ready(process, emulator, home)
    return emulator


def stop(home: Home) -> bool:
    """Stop the emulator and its workers; tell whether there was one."""
    emulator = find_running(home)
    if emulator is None:
        home.process.unlink(missing_ok=True)
        return False
    os.kill(emulator.pid, signal.SIGTERM)
    has_saved = _wait_until_gone(emulator.pid, STOP_TIMEOUT_S)
    # its state is saved once it is gone itself; workers of its group that linger have nothing to save
    with suppress(ProcessLookupError):
        os.killpg(emulator.pid, signal.SIGKILL)
    if not has_saved:
        message = f"the emulator did not stop in {STOP_TIMEOUT_S} s and was killed: its last changes are lost"
        raise EmulatorError(message)
    home.process.unlink(missing_ok=True)
    shutil.rmtree(home.scratch, ignore_errors=True)
    return True


def _environment(home: Home, port: int) -> dict[str, str]:
    return tool_environment() | {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_REGION": REGION,
        # A function may do what its role allows, and no more: a missing permission shows here, not in AWS.
        "AUTH": "true",
        "PERSIST_STATE": "1",
        "S3_PERSIST": "1",
        "STATE_DIR": str(home.state),
        "S3_DATA_DIR": str(home.state / "s3"),
        "TMPDIR": str(home.scratch),
        # Listeners that this project never uses.
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        # No Docker, whatever the machine has: functions run as plain processes.
        "LAMBDA_EXECUTOR": "local",
        "DOCKER_HOST": f"unix://{home.scratch}/no-docker.sock",
    }


def _choose_port(home: Home) -> int:
    """Take the port of the last time, else the usual one, else a free one."""
    usual = USUAL_PORT if home == Home() else 0
    for port in (read_json(home.served).get("port", usual), usual, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    message = "no free port on 127.0.0.1"
    raise EmulatorError(message)


def _move_state(home: Home, port: int) -> None:
    """Write the new port into a saved state: the emulator knows a queue by its whole address."""
    former = read_json(home.served).get("port", port)
    if former != port:
        for path in home.state.glob("*.json"):
            path.write_text(
                path.read_text().replace(f"http://127.0.0.1:{former}/", f"http://127.0.0.1:{port}/")
            )
    write_json(home.served, {"port": port})


def _wait_until_ready(process: subprocess.Popen[bytes], emulator: Emulator, home: Home) -> None:
    give_up_at = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < give_up_at:
        if process.poll() is not None:
            break
        if _answers(emulator):
            return
        time.sleep(0.1)
    message = f"the emulator did not start; its output is in {home.log}"
    raise EmulatorError(message)


def _answers(emulator: Emulator) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", emulator.port, timeout=2)
    try:
        connection.request("GET", "/_ministack/health")
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _is_ours(pid: int) -> bool:
    """Tell whether the process is the emulator, and not another that was given its number."""
    listing = subprocess.run(
        ["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return " ".join(PROGRAM) in listing.stdout


def _wait_until_gone(pid: int, timeout_s: float) -> bool:
    """Wait for the emulator's own process."""
    give_up_at = time.monotonic() + timeout_s
    while time.monotonic() < give_up_at:
        _collect(pid)
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def _collect(pid: int) -> None:
    """Take over the exit of our own child, so that it does not linger as a zombie."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return
