"""What one exchange leaves behind, and when a read may be asked again: with socket pairs, no server."""

import socket
from collections.abc import Iterator

import pytest

from order_router.adapter.errors import NotSent, OutcomeUnknown
from order_router.adapter.http import HttpRequest, HttpResponse
from order_router.transport.connection import Deadline
from order_router.transport.http_transport import HttpTransport, Limits, _Exchange
from order_router.transport.wire import read_origin
from tests.fakes.clock import FakeClock

ENDPOINT = "http://127.0.0.1:1"
"""A port where nothing listens: whoever asks again is told NotSent."""
READ = HttpRequest(method="GET", url=ENDPOINT + "/orders")
WRITE = HttpRequest(method="POST", url=ENDPOINT + "/orders", body=b"canary-7741", is_write=True)
IMPATIENT = Limits(write_answer_timeout_s=0.02, read_answer_timeout_s=0.01)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


Ends = tuple[socket.socket, socket.socket]


def transport_over(ours: socket.socket, limits: Limits = IMPATIENT) -> HttpTransport:
    """Return a transport that keeps this connection for its next request."""
    transport = HttpTransport(FakeClock(), limits=limits)
    transport._pool.give(read_origin(ENDPOINT), ours)
    return transport


def send(transport: HttpTransport, request: HttpRequest) -> HttpResponse:
    return transport.sender(ENDPOINT, not_after=None)(request)


class Replying(socket.socket):
    """A connection whose other side answers as soon as the request is out, or closes."""

    def reply(self, other: socket.socket, answer: bytes) -> None:
        self._other, self._answer = other, answer

    def send(self, data, flags: int = 0) -> int:  # type: ignore[no-untyped-def]
        sent = super().send(data, flags)
        self._other.sendall(self._answer)
        self._other.close()
        return sent


def replying(ends: Ends, answer: bytes) -> Replying:
    ours, theirs = ends
    connection = Replying(fileno=ours.detach())
    connection.reply(theirs, answer)
    return connection


def test_a_read_that_timed_out_is_not_asked_again(ends: Ends) -> None:
    with pytest.raises(OutcomeUnknown, match="no whole answer"):
        send(transport_over(ends[0]), READ)


def test_a_read_whose_answer_was_cut_is_not_asked_again(ends: Ends) -> None:
    with replying(ends, OK[:-1]) as connection, pytest.raises(OutcomeUnknown, match="no whole answer"):
        send(transport_over(connection, Limits()), READ)


def test_a_read_that_nobody_answered_is_asked_again(ends: Ends) -> None:
    with replying(ends, b"") as connection, pytest.raises(NotSent, match="no connection"):
        send(transport_over(connection, Limits()), READ)


def test_a_write_that_nobody_answered_is_not_asked_again(ends: Ends) -> None:
    with replying(ends, b"") as connection, pytest.raises(OutcomeUnknown, match="without an answer"):
        send(transport_over(connection, Limits()), WRITE)


def test_a_connection_that_failed_is_closed_and_not_kept(ends: Ends) -> None:
    transport = transport_over(ends[0])

    with pytest.raises(OutcomeUnknown):
        send(transport, WRITE)

    assert ends[0].fileno() == -1
    assert transport._pool.take(read_origin(ENDPOINT)) is None


@pytest.mark.parametrize(("request_", "limit_s"), [(READ, 5.0), (WRITE, 8.0)])
def test_a_write_is_waited_for_longer_than_a_read(
    ends: Ends, monkeypatch: pytest.MonkeyPatch, request_: HttpRequest, limit_s: float
) -> None:
    given: list[float] = []

    def noting(monotonic, limit_s: float):  # type: ignore[no-untyped-def]
        given.append(limit_s)
        return Deadline(monotonic, 0.01)

    monkeypatch.setattr("order_router.transport.http_transport.Deadline", noting)
    transport = HttpTransport(FakeClock())
    transport._pool.give(read_origin(ENDPOINT), ends[0])

    with pytest.raises(OutcomeUnknown):
        send(transport, request_)

    assert given == [limit_s]


def test_a_closed_transport_keeps_nothing(ends: Ends) -> None:
    transport_over(ends[0]).close()

    assert ends[0].fileno() == -1


def test_an_exchange_does_not_show_its_bytes() -> None:
    exchange = _Exchange(read_origin(ENDPOINT), WRITE, b"canary-7741", None)

    assert "canary" not in repr(exchange)
