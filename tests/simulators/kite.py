"""A socket server that plays Kite Connect v3 with an order book behind it.

    python -m tests.simulators.kite --port 0 --print-port

It plays orders, portfolio, `/quote`, `/quote/ltp`, `/margins/orders`, `/instruments` (CSV), and the login: the page
`/connect/login` logs its user in at once and redirects to the app's URL; `/session/token` takes each request token
once, within five minutes and with the right checksum, and gives a new access token: the one before is dead then. At the
start there is a session: api_key `kitesimulator`, api_secret `kitesimulator-secret`, access_token `live-token`.
`POST /_control` tells it what to do:

    {"prices": {"NSE:INFY": "1500"}}
    {"fill": {"order_id": "...", "quantity": 2}}
    {"behave": "accept_then_drop", "on": "place", "match": {"tag": "..."}, "times": 1}
    {"session": {"access_token": "..."}}      the old one is dead then; null: there is no session at all
    {"login": {"redirect_url": "http://127.0.0.1:...", "page_status": "success"}}      another: no request token
    {"postbacks": {"url": "http://127.0.0.1:...", "api_secret": "..."}}      without a URL none are sent
    {"postbacks_again": true}      every postback once more, the last one first
    {"instruments": "instrument_token,..."}      in place of the true dump; null: the true one
    {"holdings": [...]}    {"reset": true}

`kite_behaviours.PRESETS` names the behaviours, `kite_vendor.ROUTES` the calls that they can be `on`. `GET
/_control/orders` lists every order that was taken in, `GET /_control/requests` every request that came, `GET
/_control/postbacks` every postback that was sent and the status that answered it, `GET /_control/order_calls` when each
placement, change and cancel came.
"""

import argparse
import gzip
import json
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import urlsplit

from tests.exact_json import dump_json
from tests.simulators.kite_login import ACCESS_TOKEN, API_KEY, API_SECRET
from tests.simulators.kite_vendor import Kite, Reply

__all__ = ["ACCESS_TOKEN", "API_KEY", "API_SECRET", "Handler", "Kite", "KiteServer", "Reply", "running"]


class Handler(BaseHTTPRequestHandler):
    """Reads a request, lets the vendor do it, and answers, or does not."""

    protocol_version = "HTTP/1.1"
    timeout = 30
    disable_nagle_algorithm = (
        True  # head and body are two writes: the second must not wait for an acknowledgement
    )

    def handle_request(self) -> None:
        """Answer one request."""
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        path = urlsplit(self.path).path
        if path.startswith("/_control"):
            self._control(path, body)
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        self._answer(self._kite.take(self.command, self.path, body, headers))

    do_GET = do_POST = do_PUT = do_DELETE = handle_request  # noqa: N815 - the names of http.server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in http.server
        """Say nothing."""

    def _answer(self, reply: Reply) -> None:
        if reply.answer is not None and reply.answer.drop:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        if reply.answer is not None and reply.answer.slow_s:
            self._kite.stopping.wait(reply.answer.slow_s)
        self._respond(*reply.rendered(), location=reply.location)

    def _control(self, path: str, body: bytes) -> None:
        kite = self._kite
        with kite.lock:
            if self.command == "POST":
                kite.control(json.loads(body))
            shown = {
                "/_control/orders": list(kite.book.orders.values()),
                "/_control/requests": kite.requests,
                # of the vendors that share this server only Kite keeps them
                "/_control/order_calls": [str(at) for at in getattr(kite, "order_calls", ())],
                "/_control/postbacks": kite.postbacks.sent,
            }.get(path, [])
            text = dump_json(shown)
        self._respond(200, text)

    def _respond(
        self, status: int, text: str, kind: str = "application/json", *, location: str | None = None
    ) -> None:
        body = text.encode()
        zips = "gzip" in self.headers.get("accept-encoding", "")
        body = gzip.compress(body) if zips else body
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if zips:
            self.send_header("Content-Encoding", "gzip")
        if location is not None:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(body)

    @property
    def _kite(self) -> Kite:
        return cast("KiteServer", self.server).kite


class KiteServer(ThreadingHTTPServer):
    """The simulator on a port of this machine (0: any free one)."""

    daemon_threads = True

    def __init__(self, port: int = 0, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.kite = Kite(now)
        super().__init__(("127.0.0.1", port), Handler)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, *_: object) -> None:
        """Say nothing of clients that went away."""


@contextmanager
def serving[S: KiteServer](server: S) -> Iterator[S]:
    """Serve in a thread for as long as the context lasts."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.kite.stopping.set()
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)


def running(**options: Any) -> AbstractContextManager[KiteServer]:
    """Run a simulator in a thread for as long as the context lasts."""
    return serving(KiteServer(**options))


def serve_until_stopped(make: Callable[[int], KiteServer], words: str | None) -> None:
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
        server.kite.stopping.set()
    finally:
        server.server_close()


if __name__ == "__main__":
    serve_until_stopped(KiteServer, __doc__)
