"""A socket server that plays Kite Connect v3 with an order book behind it.

    python -m tests.simulators.kite --port 0 --print-port

Its session: api_key `kitesimulator`, access_token `live-token`. `POST /_control` tells it what to do:

    {"prices": {"NSE:INFY": "1500"}}
    {"fill": {"order_id": "...", "quantity": 2}}
    {"behave": "accept_then_drop", "on": "place", "match": {"tag": "..."}, "times": 1}
    {"session": {"access_token": "..."}}      the old one is dead then
    {"holdings": [...]}    {"reset": true}

`kite_behaviours.PRESETS` names the behaviours. `GET /_control/orders` lists every order that was taken in,
`GET /_control/requests` every request that came.
"""

import argparse
import gzip
import json
import re
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

from tests.exact_json import dump_json
from tests.simulators.kite_behaviours import Answer, Behaviour, Behaviours
from tests.simulators.kite_book import KiteBook, KiteRefusal

API_KEY, ACCESS_TOKEN = "kitesimulator", "live-token"
PRICES = {
    "NSE:RELIANCE": "1400.5",
    "NSE:INFY": "1500.05",
    "NSE:TCS": "3100",
    "NSE:SBIN": "800.1",
    "BSE:SBIN": "800.2",
    "NFO:NIFTY26NOVFUT": "26480.6",
    "NFO:NIFTY26NOV26500CE": "102.35",
}
ROUTES = (
    ("POST", r"/orders/(?P<variety>[a-z]+)", "place"),
    ("PUT", r"/orders/(?P<variety>[a-z]+)/(?P<order_id>\w+)", "modify"),
    ("DELETE", r"/orders/(?P<variety>[a-z]+)/(?P<order_id>\w+)", "cancel"),
    ("GET", r"/orders", "orders"),
    ("GET", r"/orders/(?P<order_id>\w+)", "history"),
    ("GET", r"/orders/(?P<order_id>\w+)/trades", "order_trades"),
    ("GET", r"/trades", "trades"),
    ("GET", r"/portfolio/positions", "positions"),
    ("GET", r"/portfolio/holdings", "holdings"),
    ("GET", r"/user/margins", "margins"),
    ("GET", r"/user/profile", "profile"),
)


class Kite:
    """The simulated vendor: its book, its session, and what it has been told to do. One call at a time."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self.reset()

    def reset(self) -> None:
        """Start the day anew."""
        self.book = KiteBook(self._now)
        self.book.prices = {name: Decimal(price) for name, price in PRICES.items()}
        self.behaviours = Behaviours()
        self.access_token = ACCESS_TOKEN
        self.requests: list[dict[str, Any]] = []

    def take(self, method: str, target: str, body: bytes, headers: Mapping[str, str]) -> "Reply":
        """Take one request in, do it or not as told, and return how it is to be answered."""
        path, query = urlsplit(target).path, dict(parse_qsl(urlsplit(target).query))
        for verb, pattern, call in ROUTES:
            found = re.fullmatch(pattern, path)
            if verb == method and found:
                form = dict(parse_qsl(body.decode(), keep_blank_values=True))
                return self._reply(call, {**query, **form, **found.groupdict()}, headers)
        return Reply(Answer(status=404, error_type="GeneralException", message="Route not found"))

    def _reply(self, call: str, fields: dict[str, str], headers: Mapping[str, str]) -> "Reply":
        with self.lock:
            self.requests.append({"call": call, **fields})
            behaviour = self.behaviours.take(call, fields)
            answer, data = behaviour.before, None
            try:
                self._check_token(headers)
                if answer is None:
                    answer, data = behaviour.after, self.perform(call, fields, behaviour)
            except KiteRefusal as refusal:
                answer = Answer(status=refusal.status, error_type=refusal.error_type, message=refusal.message)
            # as it stands now: a later call must not change what this one says
            return Reply(answer, dump_json({"status": "success", "data": data}))

    def _check_token(self, headers: Mapping[str, str]) -> None:
        expected = f"token {API_KEY}:{self.access_token}"
        if headers.get("authorization") != expected or headers.get("x-kite-version") != "3":
            raise KiteRefusal(403, "TokenException", "Incorrect `api_key` or `access_token`.")

    def perform(self, call: str, fields: Mapping[str, str], behaviour: Behaviour) -> Any:
        """Do one call and return its `data`."""
        book, order_id = self.book, fields.get("order_id", "")
        if call == "place":
            order_id = book.accept(fields["variety"], fields)
            book.settle(order_id, behaviour.effect, behaviour.quantity)
            return {"order_id": order_id}
        if call == "modify":
            book.modify(order_id, fields)
            return {"order_id": order_id}
        if call == "cancel":
            book.cancel(order_id, behaviour.effect)
            return {"order_id": order_id}
        return READS[call](book, order_id)

    def control(self, told: dict[str, Any]) -> None:
        """Do what a test asks for."""
        if told.get("reset"):
            self.reset()
        for instrument, price in told.get("prices", {}).items():
            self.book.set_price(instrument, Decimal(price))
        if "fill" in told:
            self.book.fill(told["fill"]["order_id"], quantity=told["fill"].get("quantity"))
        if "session" in told:
            self.access_token = told["session"]["access_token"]
        if "holdings" in told:
            self.book.holdings = told["holdings"]
        if "behave" in told:
            self.behaviours.tell(told["behave"], told)


READS: dict[str, Callable[[KiteBook, str], Any]] = {
    "orders": lambda book, _: list(book.orders.values()),
    "history": lambda book, order_id: book.history(order_id),
    "order_trades": lambda book, order_id: [t for t in book.trades if t["order_id"] == order_id],
    "trades": lambda book, _: book.trades,
    "positions": lambda book, _: book.positions(),
    "holdings": lambda book, _: book.holdings,
    "margins": lambda book, _: book.margins(),
    "profile": lambda _, __: {"user_id": "AB1234", "broker": "ZERODHA"},
}


@dataclass(frozen=True)
class Reply:
    """What a request is answered with: the true answer's text, unless `answer` stands in its place."""

    answer: Answer | None
    success: str = ""

    def rendered(self) -> tuple[int, str, str]:
        """Return status, text and content type."""
        answer = self.answer
        if answer is None or answer.slow_s:
            return 200, self.success, "application/json"
        if answer.body is not None:
            kind = "text/html" if answer.body.startswith("<") else "application/json"
            return answer.status, answer.body, kind
        envelope = {
            "status": "error",
            "message": answer.message,
            "error_type": answer.error_type,
            "data": None,
        }
        return answer.status, dump_json(envelope), "application/json"


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
        self._respond(*reply.rendered())

    def _control(self, path: str, body: bytes) -> None:
        kite = self._kite
        with kite.lock:
            if self.command == "POST":
                kite.control(json.loads(body))
            shown = {
                "/_control/orders": list(kite.book.orders.values()),
                "/_control/requests": kite.requests,
            }.get(path, [])
            text = dump_json(shown)
        self._respond(200, text)

    def _respond(self, status: int, text: str, kind: str = "application/json") -> None:
        body = text.encode()
        zips = "gzip" in self.headers.get("accept-encoding", "")
        body = gzip.compress(body) if zips else body
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if zips:
            self.send_header("Content-Encoding", "gzip")
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
def running(**options: Any) -> Iterator[KiteServer]:
    """Run a simulator in a thread for as long as the context lasts."""
    server = KiteServer(**options)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.kite.stopping.set()
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)


def main() -> None:
    """Run it until it is stopped."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--print-port", action="store_true")
    arguments = parser.parse_args()
    server = KiteServer(arguments.port)
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
    main()
