"""A socket server that plays Kite Connect v3 with an order book behind it.

    python -m tests.simulators.kite --port 0 --print-port

It plays orders, portfolio, `/quote`, `/quote/ltp`, `/margins/orders`, `/instruments` (CSV), and the login: the page
`/connect/login` logs its user in at once and redirects to the app's URL; `/session/token` takes each request token
once, within five minutes and with the right checksum, and gives a new access token: the one before is dead then. At the
start there is a session: api_key `kitesimulator`, api_secret `kitesimulator-secret`, access_token `live-token`.
`POST /_control` tells it what to do:

    {"prices": {"NSE:INFY": "1500"}}
    {"market": "closed"}      variety amo is taken and waits until it is open again; no other is
    {"fill": {"order_id": "...", "quantity": 2}}
    {"behave": "accept_then_drop", "on": "place", "match": {"tag": "..."}, "times": 1}
    {"session": {"access_token": "..."}}      the old one is dead then; null: there is no session at all
    {"login": {"redirect_url": "http://127.0.0.1:...", "page_status": "success"}}      another: no request token
    {"postbacks": {"url": "http://127.0.0.1:...", "api_secret": "..."}}      without a URL none are sent
    {"postbacks_again": true}      every postback once more, the last one first
    {"instruments": "instrument_token,..."}      in place of the true dump; null: the true one
    {"carried": [{..., "transaction_type": "BUY", "close_price": "1510"}]}      trades of an earlier day
    {"holdings": [...]}    {"reset": true}

`kite_behaviours.PRESETS` names the behaviours, `kite_vendor.ROUTES` the calls that they can be `on`. `GET
/_control/orders` lists every order that was taken in, `GET /_control/requests` every request that came, `GET
/_control/postbacks` every postback that was sent and the status that answered it, `GET /_control/order_calls` when each
placement, change and cancel came.
"""

import gzip
import json
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import urlsplit

from tests.exact_json import dump_json
from tests.simulators.kite_login import ACCESS_TOKEN, API_KEY, API_SECRET
from tests.simulators.kite_vendor import Kite, Reply
from tests.simulators.serving import LocalServer, QuietHandler, serve_until_stopped, serving

__all__ = ["ACCESS_TOKEN", "API_KEY", "API_SECRET", "Handler", "Kite", "KiteServer", "Reply", "running"]


class Handler(QuietHandler):
    """Reads a request, lets the vendor do it, and answers, or does not."""

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


class KiteServer(LocalServer):
    """The simulator on a port of this machine (0: any free one)."""

    def __init__(self, port: int = 0, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.kite = Kite(now)
        super().__init__(port, Handler, stopping=self.kite.stopping)


def running(**options: Any) -> AbstractContextManager[KiteServer]:
    """Run a simulator in a thread for as long as the context lasts."""
    return serving(KiteServer(**options))


if __name__ == "__main__":
    serve_until_stopped(KiteServer, __doc__)
