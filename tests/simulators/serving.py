"""What the server of every simulator does: stand on a port of this machine, serve in a thread, be a program."""

import argparse
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import BaseServer


class QuietHandler(BaseHTTPRequestHandler):
    """Keeps connections, sends at once and logs nothing."""

    protocol_version = "HTTP/1.1"
    timeout = 30
    disable_nagle_algorithm = (
        True  # head and body are two writes: the second must not wait for an acknowledgement
    )

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in http.server
        """Say nothing."""


class LocalServer(ThreadingHTTPServer):
    """A server on a port of this machine (0: any free one); closing it sets `stopping`, on which answers wait."""

    daemon_threads = True

    def __init__(
        self, port: int, handler: type[BaseHTTPRequestHandler], *, stopping: threading.Event
    ) -> None:
        self.stopping = stopping
        super().__init__(("127.0.0.1", port), handler)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, *_: object) -> None:
        """Say nothing of clients that went away."""

    def server_close(self) -> None:
        """End what waits, and let go of the port."""
        self.stopping.set()
        super().server_close()


@contextmanager
def serving[S: BaseServer](server: S) -> Iterator[S]:
    """Serve in a thread for as long as the context lasts."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)


@contextmanager
def deaf_url() -> Iterator[str]:
    """Yield the URL of a port where nobody listens, and that nobody else can take meanwhile."""
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{deaf.getsockname()[1]}"


def serve_until_stopped(make: Callable[[int], LocalServer], words: str | None) -> None:
    """Be a program that serves on a port (`--port`, `--print-port`) until it is stopped."""
    parser = argparse.ArgumentParser(description=words.splitlines()[0] if words else None)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--print-port", action="store_true")
    arguments = parser.parse_args()
    server = make(arguments.port)
    if arguments.print_port:
        sys.stdout.write(f"{server.server_address[1]}\n")
        sys.stdout.flush()
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        return
    finally:
        server.server_close()
