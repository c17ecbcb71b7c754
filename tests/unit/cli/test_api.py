"""How the command asks the API: over TLS or on this machine, without redirects, with the key in no error."""

import http.server
import json
import ssl
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.cli.api import Api, Reply
from infra.cli.asking import AnswerLost, ApiRefused, path_of
from infra.cli.failures import failure_of
from infra.cli.refusal import Misuse, Refusal
from infra.cli.target import local_target
from infra.local.home import Home, write_json
from tests.simulators.serving import deaf_url

KEY = "or_canary-of-the-key"


class _Server(http.server.HTTPServer):
    """Answers each request as the test says, and keeps the paths that it was asked for."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, str], bytes] | None] = []
        self.asked: list[tuple[str, str | None]] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.server.asked.append((self.path, self.headers.get("x-api-key")))
        answer = self.server.answers.pop(0)
        if answer is None:
            self.close_connection = True
            return
        status, headers, body = answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815 - the same

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[_Server]:
    """A server on this machine."""
    server = _Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_key_is_sent_and_the_object_comes_back(server: _Server) -> None:
    server.answers = [(200, {}, b'{"a": 1}')]

    answer = Api(url=f"{server.url}/", key=KEY).call("GET", "/v1/x", query={"b": "c d", "none": None})

    assert answer == {"a": 1}
    assert server.asked == [("/v1/x?b=c+d", KEY)]


def test_a_redirect_is_not_followed(server: _Server) -> None:
    server.answers = [(302, {"location": f"{server.url}/elsewhere"}, b"")]

    with pytest.raises(Refusal, match="answered HTTP 302"):
        Api(url=server.url, key=KEY).call("GET", "/v1/x")

    assert [path for path, _ in server.asked] == ["/v1/x"]


@pytest.mark.parametrize(
    "url", ["http://api.example", "ftp://api.example", "http://127.0.0.1.example", "api", ""]
)
def test_the_key_never_travels_in_the_clear(url: str) -> None:
    sent: list[object] = []

    def send(request: object) -> Reply:
        sent.append(request)
        return Reply(200, "{}")

    with pytest.raises(Misuse, match="https://"):
        Api(url=url, key=KEY, send=send).call("GET", "/v1/x")

    assert sent == []


def test_a_proxy_is_not_asked_for_what_is_on_this_machine(
    server: _Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    server.answers = [(200, {}, b"{}")]

    assert Api(url=server.url, key=KEY).call("GET", "/v1/x") == {}


def test_the_local_stack_is_asked_without_the_shells_proxy_or_profile(
    server: _Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("AWS_PROFILE", "there-is-none")
    home = Home(tmp_path)
    facts = {"endpoint_url": server.url, "region": "ap-south-1", "stack_name": "s", "outputs": {}}
    write_json(home.facts, facts)
    server.answers = [(200, {}, b'{"TableNames": ["orders"]}')]

    assert local_target(home).dynamodb.list_tables()["TableNames"] == ["orders"]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_where_nobody_listens_nothing_was_sent(method: str) -> None:
    with deaf_url() as url, pytest.raises(Refusal, match="does not answer") as failed:
        Api(url=url, key=KEY).call(method, "/v1/orders")

    assert not isinstance(failed.value, AnswerLost)


def test_a_write_whose_answer_is_lost_may_have_been_done(server: _Server) -> None:
    server.answers = [None]

    with pytest.raises(AnswerLost):
        Api(url=server.url, key=KEY).call("POST", "/v1/orders", body={})


def test_a_read_whose_answer_is_lost_is_not_said_to_have_been_done(server: _Server) -> None:
    server.answers = [None]

    with pytest.raises(Refusal) as failed:
        Api(url=server.url, key=KEY).call("GET", "/v1/orders")

    assert not isinstance(failed.value, AnswerLost)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b'{"message": "Internal Server Error"}'),
        (503, b'{"message": "Service Unavailable"}'),
        (504, b"<html>"),
    ],
)
def test_a_write_that_the_gateway_gave_up_on_may_have_been_done(
    server: _Server, status: int, body: bytes
) -> None:
    server.answers = [(status, {}, body)] * 2

    with pytest.raises(AnswerLost, match=f"HTTP {status}.*it may have been done"):
        Api(url=server.url, key=KEY).call("POST", "/v1/orders", body={})
    with pytest.raises(Refusal) as read:
        Api(url=server.url, key=KEY).call("GET", "/v1/orders")

    assert not isinstance(read.value, AnswerLost)


@pytest.mark.parametrize("status", [200, 503])
def test_a_write_whose_answer_breaks_off_may_have_been_done(server: _Server, status: int) -> None:
    server.answers = [(status, {"content-length": "100"}, b"{")]

    with pytest.raises(AnswerLost):
        Api(url=server.url, key=KEY).call("POST", "/v1/orders", body={})


def test_a_write_whose_answer_cannot_be_decrypted_may_have_been_done(monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(_: object, __: object, timeout: float) -> None:
        raise ssl.SSLError(1, "bad record mac")

    monkeypatch.setattr(urllib.request.OpenerDirector, "open", opened)

    with pytest.raises(AnswerLost):
        Api(url="https://api.example", key=KEY).call("POST", "/v1/orders", body={})


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"", b'"x"'])
def test_what_is_no_object_is_no_answer(server: _Server, body: bytes) -> None:
    server.answers = [(200, {}, body)]

    with pytest.raises(Refusal, match="without JSON"):
        Api(url=server.url, key=KEY).call("GET", "/v1/x")


def test_the_gateways_own_refusal_is_told(server: _Server) -> None:
    server.answers = [(403, {}, b'{"message": "Forbidden"}')]

    with pytest.raises(Refusal, match="HTTP 403: Forbidden"):
        Api(url=server.url, key=KEY).call("GET", "/v1/x")


def test_a_problem_names_every_bad_field(server: _Server) -> None:
    errors = [{"field": "a", "message": "b"}, {"field": "c", "message": "d"}]
    problem = {"code": "INVALID_REQUEST", "detail": "these fields", "errors": errors}
    server.answers = [(422, {}, json.dumps(problem).encode())]

    with pytest.raises(ApiRefused) as refused:
        Api(url=server.url, key=KEY).call("POST", "/v1/orders", body={})

    failure = failure_of(refused.value)
    assert (failure.line, failure.exit_code) == ("INVALID_REQUEST: a: b; c: d", 2)


def test_the_key_is_in_no_repr() -> None:
    assert KEY not in repr(Api(url="https://api.example", key=KEY))


def test_no_part_of_a_path_leaves_its_place() -> None:
    assert path_of("orders", "../keys?x#y z") == "/v1/orders/..%2Fkeys%3Fx%23y%20z"


def test_a_request_gives_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    def opened(_: object, __: object, timeout: float) -> None:
        waits.append(timeout)
        raise TimeoutError("timed out")

    monkeypatch.setattr(urllib.request.OpenerDirector, "open", opened)

    with pytest.raises(AnswerLost):
        Api(url="https://api.example", key=KEY).call("DELETE", "/v1/orders/x")

    assert waits == [35]
