"""Connecting and sending, each within the time of the whole."""

import socket
import ssl
from collections.abc import Callable, Iterator

import pytest

from order_router.transport.connection import Deadline, default_tls, is_dropped, open_connection, send_all
from order_router.transport.wire import Origin


class Now:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


class Played(socket.socket):
    """A socket that notes its time limits and connects where it is told to."""

    limits: list[float | None]
    now: Now

    def settimeout(self, value: float | None) -> None:
        self.limits.append(value)

    def connect(self, address: object) -> None:
        if address == ("silent", 1):
            self.now.at += self.limits[-1] or 0
            raise TimeoutError
        if address == ("closed", 1):
            raise ConnectionRefusedError


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch, now: Now) -> Iterator[list[Played]]:
    made: list[Played] = []

    def make(family: int, kind: int, protocol: int) -> Played:
        one = Played(family, kind, protocol)
        one.limits, one.now = [], now
        made.append(one)
        return one

    monkeypatch.setattr("order_router.transport.connection.socket.socket", make)
    yield made
    for one in made:
        one.close()


def resolving(monkeypatch: pytest.MonkeyPatch, *hosts: str) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, 1)) for host in hosts]
    monkeypatch.setattr("order_router.transport.connection.socket.getaddrinfo", lambda *_, **__: found)


ORIGIN = Origin("http", "broker.example", 1, "broker.example:1", "http://broker.example:1")


def test_the_time_is_over_at_its_last_instant(now: Now) -> None:
    deadline = Deadline(now, 2)

    now.at += 1.5
    assert deadline.remaining_s() == 0.5
    now.at += 0.5
    with pytest.raises(TimeoutError):
        deadline.remaining_s()


def test_each_address_gets_its_share_of_the_time(
    monkeypatch: pytest.MonkeyPatch, now: Now, played: list[Played]
) -> None:
    resolving(monkeypatch, "silent", "silent", "open")

    open_connection(ORIGIN, Deadline(now, 6), default_tls)

    assert [one.limits for one in played] == [[2.0], [2.0], [2.0]]


def test_an_address_that_fails_is_closed_and_the_last_failure_is_told(
    monkeypatch: pytest.MonkeyPatch, now: Now, played: list[Played]
) -> None:
    resolving(monkeypatch, "silent", "closed")

    with pytest.raises(ConnectionRefusedError):
        open_connection(ORIGIN, Deadline(now, 6), default_tls)

    assert [one.fileno() for one in played] == [-1, -1]


def test_a_name_without_an_address_is_a_failure(monkeypatch: pytest.MonkeyPatch, now: Now) -> None:
    resolving(monkeypatch)

    with pytest.raises(OSError, match="no address"):
        open_connection(ORIGIN, Deadline(now, 6), default_tls)


def test_a_handshake_gets_what_is_left_and_a_failed_one_leaves_nothing_open(
    monkeypatch: pytest.MonkeyPatch, now: Now, played: list[Played]
) -> None:
    resolving(monkeypatch, "silent", "open")
    origin = Origin("https", "broker.example", 1, "broker.example:1", "https://broker.example:1")

    def failing() -> ssl.SSLContext:
        raise ssl.SSLError("no")

    with pytest.raises(ssl.SSLError):
        open_connection(origin, Deadline(now, 6), failing)

    assert played[-1].limits == [3.0, 3.0]
    assert played[-1].fileno() == -1


def test_small_requests_leave_at_once(
    monkeypatch: pytest.MonkeyPatch, now: Now, played: list[Played]
) -> None:
    resolving(monkeypatch, "open")

    opened = open_connection(ORIGIN, Deadline(now, 6), default_tls)

    assert opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


def test_each_piece_that_is_sent_gets_what_is_left_of_the_time(now: Now) -> None:
    class Slow:
        def __init__(self) -> None:
            self.limits: list[float] = []
            self.sent = b""

        def settimeout(self, value: float) -> None:
            self.limits.append(value)

        def send(self, data: memoryview) -> int:
            now.at += 1
            self.sent += bytes(data[:2])
            return len(data[:2])

    slow = Slow()
    send_all(slow, b"abcde", Deadline(now, 6))  # type: ignore[arg-type]

    assert (slow.sent, slow.limits) == (b"abcde", [6.0, 5.0, 4.0])
    with pytest.raises(TimeoutError):
        send_all(slow, b"abcde", Deadline(now, 2))  # type: ignore[arg-type]


def test_only_http_1_1_is_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    offered: list[list[str]] = []

    class Context:
        set_alpn_protocols: Callable[[object, list[str]], None] = lambda _, names: offered.append(names)

    monkeypatch.setattr("order_router.transport.connection.ssl.create_default_context", Context)
    default_tls()

    assert offered == [["http/1.1"]]


def test_a_tls_connection_with_bytes_waiting_is_dropped() -> None:
    class Waiting(ssl.SSLSocket):
        def __init__(self) -> None:
            pass

        def pending(self) -> int:
            return 1

    assert is_dropped(Waiting.__new__(Waiting))
