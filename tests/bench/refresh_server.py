"""DynamoDB, Secrets Manager and Kite's list of instruments on one port of this machine."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

from botocore.exceptions import ClientError

from tests.bench.seeds import SESSION
from tests.fakes.dynamodb import FakeDynamoDB, template_tables
from tests.simulators.serving import serving

METHODS = {
    "GetItem": "get_item",
    "PutItem": "put_item",
    "UpdateItem": "update_item",
    "Query": "query",
    "BatchWriteItem": "batch_write_item",
}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        server = cast("RefreshServer", self.server)
        status, answer = server.answer(self.headers["X-Amz-Target"].rpartition(".")[2], json.loads(body))
        self._send(status, json.dumps(answer).encode(), "Content-Type: application/x-amz-json-1.0")

    def do_GET(self) -> None:
        self._send(200, cast("RefreshServer", self.server).file, "Content-Encoding: gzip")

    def _send(self, status: int, body: bytes, *headers: str) -> None:
        lines = (f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers)
        # in one piece: a head alone would make the client's acknowledgement, and so the body, 40 ms late
        self.wfile.write("\r\n".join([*lines, "", ""]).encode() + body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in http.server
        """Say nothing."""


class RefreshServer(ThreadingHTTPServer):
    """Serves the fake of DynamoDB, a session, and `file`; `calls` counts what DynamoDB was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        self.dynamodb = FakeDynamoDB(template_tables())
        self.file = b""
        self.calls: dict[str, int] = {}
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def answer(self, operation: str, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Return status and body of one answer."""
        if operation == "GetSecretValue":
            return 200, {"Name": request["SecretId"], "SecretString": SESSION}
        with self._lock:
            self.calls[operation] = self.calls.get(operation, 0) + 1
            try:
                answer = getattr(self.dynamodb, METHODS[operation])(**request)
            except ClientError as error:
                return 400, {"__type": error.response["Error"]["Code"]}
        return 200, {name: value for name, value in answer.items() if name != "ResponseMetadata"}


@contextmanager
def refresh_server() -> Iterator[RefreshServer]:
    """Run a server for as long as the context lasts."""
    with serving(RefreshServer()) as server:
        yield server
