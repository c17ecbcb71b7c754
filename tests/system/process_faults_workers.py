"""The worker processes of one local stack, as /proc shows them: whose they are, and whether they have work."""

import os
import re
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
# the emulator's own name for a worker's folder: .../ministack-lambda-order-router-PlaceFunction-1A2B-x/_worker.py
SCRIPT = re.compile(r"/ministack-lambda-[^/]*?-(?P<function>[A-Z][A-Za-z]*)Function-[^/]*/_worker\.py")
# where the kernel holds a worker that waits for its next invocation
IDLE = "anon_pipe_read"


@dataclass(frozen=True)
class Worker:
    """One worker process and the function that it runs (`place`, `webhook`, ...)."""

    pid: int
    function: str
    emulator_pid: int

    @property
    def is_busy(self) -> bool:
        """Whether an invocation runs in it (or it is still starting)."""
        return _read(self.pid, "wchan") not in {IDLE, ""}

    def send(self, number: signal.Signals) -> bool:
        """Send a signal to this very process, never to another that was given its number; say whether it went."""
        try:
            process = os.pidfd_open(self.pid)
        except OSError:
            return False
        try:
            # the descriptor names the process that has the number now: it must still be ours
            if _parent(self.pid) != self.emulator_pid:
                return False
            signal.pidfd_send_signal(process, number)
        except OSError:
            return False
        else:
            return True
        finally:
            os.close(process)

    def holds_socket(self, inode: str) -> bool:
        """Whether one of its descriptors is this socket."""
        with suppress(OSError):
            return any(
                _target(link) == f"socket:[{inode}]" for link in (PROC / str(self.pid) / "fd").iterdir()
            )
        return False


@dataclass(frozen=True)
class Workers:
    """The workers of the stack whose emulator is `emulator_pid` and whose folder is `home`."""

    emulator_pid: int
    home: Path

    def all(self) -> list[Worker]:
        """Every worker that lives now."""
        found = (self._worker(int(entry.name)) for entry in PROC.iterdir() if entry.name.isdigit())
        return [worker for worker in found if worker is not None]

    def connected(self, port: int, *, to: int) -> Worker | None:
        """The worker that holds the connection from this port of its own to that port of a broker."""
        inode = _inode_of(port, to)
        if inode is None:
            return None
        return next((worker for worker in self.all() if worker.holds_socket(inode)), None)

    def _worker(self, pid: int) -> Worker | None:
        if _parent(pid) != self.emulator_pid:
            return None
        command = _read(pid, "cmdline").replace("\0", " ")
        found = SCRIPT.search(command)
        if found is None or f" {self.home}/" not in command:
            return None
        return Worker(pid, _words(found["function"]), self.emulator_pid)


def _words(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _read(pid: int, name: str) -> str:
    # hundreds of times a second: without what a file object costs
    try:
        file = os.open(f"{PROC}/{pid}/{name}", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        return os.read(file, 1 << 16).decode().strip()
    except OSError:
        return ""
    finally:
        os.close(file)


def _parent(pid: int) -> int | None:
    # the name in brackets may hold spaces: the fields begin behind its end
    fields = _read(pid, "stat").rpartition(")")[2].split()
    return int(fields[1]) if fields else None


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:
        return ""


def _inode_of(port: int, to: int) -> str | None:
    for line in (PROC / "net" / "tcp").read_text().splitlines()[1:]:
        fields = line.split()
        ports = [int(address.rpartition(":")[2], 16) for address in fields[1:3]]
        if ports == [port, to]:
            return fields[9]
    return None
