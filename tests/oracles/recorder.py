"""A socket server that plays any broker's host: it writes down each request and answers what it was told to."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.simulators.serving import serving


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """One request as it came over the socket; `target` is path and query, header names are lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    def without(self, *headers: str) -> "Recorded":
        """Return the request without these headers: times, nonces, what a client says of itself."""
        kept = {name: value for name, value in self.headers.items() if name not in headers}
        return Recorded(method=self.method, target=self.target, headers=kept, body=self.body)


@dataclass(frozen=True, kw_only=True)
class Canned:
    """What a request is answered with if its method and the start of its target fit; the first that fits answers."""

    method: str
    target: str
    content: Any
    status: int = 200


@dataclass
class Recorder:
    """Where the server is, and what came to it."""

    url: str = ""
    requests: list[Recorded] = field(default_factory=list)

    def take(self) -> list[Recorded]:
        """Return what came since the last time."""
        taken, self.requests[:] = list(self.requests), []
        return taken


@contextmanager
def recording(answers: Sequence[Canned]) -> Iterator[Recorder]:
    """Serve on a free port of this machine for as long as the context lasts."""
    recorder = Recorder()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(recorder, answers))
    server.daemon_threads = True
    recorder.url = f"http://127.0.0.1:{server.server_address[1]}"
    with serving(server):
        yield recorder


NOT_FOUND = Canned(
    method="", target="", content={"error": "the recorder was told nothing of this"}, status=404
)


def _handler(recorder: Recorder, answers: Sequence[Canned]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def handle_request(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            recorder.requests.append(
                Recorded(method=self.command, target=self.path, headers=headers, body=body)
            )
            self._answer(_fitting(answers, self.command, self.path))

        do_GET = do_POST = do_PUT = do_DELETE = handle_request  # noqa: N815 - the names of http.server

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def _answer(self, canned: Canned) -> None:
            content = canned.content
            body = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(canned.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler


def _fitting(answers: Sequence[Canned], method: str, target: str) -> Canned:
    fitting = (one for one in answers if one.method == method and target.startswith(one.target))
    return next(fitting, NOT_FOUND)
