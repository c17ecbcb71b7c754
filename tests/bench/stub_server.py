"""AWS and Kite on one port of this machine, answering at once: the network of a cold start, the same for all."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast

from tests.bench.instant_aws import InstantAws
from tests.bench.kite_answers import kite_answers
from tests.simulators.serving import serving


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer_request(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        server = cast("StubServer", self.server)
        target = self.headers.get("X-Amz-Target")
        if target is None:
            self.wfile.write(server.kite[self.command])
            return
        answer = server.aws.answer(target, body)
        lines = (
            "HTTP/1.1 200 OK",
            "Content-Type: application/x-amz-json-1.0",
            f"Content-Length: {len(answer)}",
        )
        # In one piece: a head alone would make the client's acknowledgement, and so the body, 40 ms late.
        self.wfile.write("\r\n".join([*lines, "", ""]).encode() + answer)

    do_GET = do_POST = answer_request  # noqa: N815 - the names of http.server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in http.server
        """Say nothing."""


class StubServer(ThreadingHTTPServer):
    """Serves an InstantAws, and Kite's answers to whatever is no call to AWS."""

    daemon_threads = True

    def __init__(self, aws: InstantAws) -> None:
        self.aws, self.kite = aws, kite_answers()
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def stub_server(aws: InstantAws) -> Iterator[StubServer]:
    """Run a server for as long as the context lasts."""
    with serving(StubServer(aws)) as server:
        yield server
