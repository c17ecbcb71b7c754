"""One file of a broker: its size, its time and its tries, each just within and just over."""

import gzip
import socket
import ssl
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from order_router.adapter.http import HttpRequest
from order_router.adapter.master import MasterUnavailable
from order_router.transport.download import FileLimits, HttpDownload
from order_router.transport.wire import Unsendable
from tests.fakes.clock import FakeClock
from tests.faults.certificates import make_certificate, server_context, trusting
from tests.faults.scripted_server import Script, ScriptedServer, answering, ok, read_request, scripted

FILE = b"exchange,tradingsymbol\n" + b"".join(b"NSE,S%d\n" % number for number in range(20_000))
PACKED = gzip.compress(FILE)


class Ticking:
    """A monotonic clock that only a test moves."""

    def __init__(self) -> None:
        self.at_s = 0.0

    def __call__(self) -> float:
        return self.at_s


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def fetch(clock: FakeClock, server: ScriptedServer, **more: Any) -> bytes:
    with HttpDownload(clock, **more)(HttpRequest(method="GET", url=f"{server.url}/all.csv")) as file:
        return file.read()


def words_of(clock: FakeClock, *scripts: Script, **more: Any) -> str:
    with scripted(*scripts) as server, pytest.raises(MasterUnavailable) as refused:
        fetch(clock, server, **more)
    return refused.value.message


@pytest.mark.parametrize("answer", [ok(FILE), ok(PACKED, "Content-Encoding: gzip")], ids=["plain", "packed"])
def test_a_file_of_the_largest_size_is_taken_and_one_of_a_byte_more_is_not(
    clock: FakeClock, answer: bytes
) -> None:
    sent = len(answer.partition(b"\r\n\r\n")[2])
    largest = FileLimits(max_sent=sent, max_inflated=len(FILE))
    with scripted(answering(answer)) as server:
        assert fetch(clock, server, limits=largest) == FILE

    assert words_of(clock, answering(answer), limits=replace(largest, max_sent=sent - 1)).endswith(
        f"larger than {sent - 1} bytes as it is sent"
    )
    assert words_of(clock, answering(answer), limits=replace(largest, max_inflated=len(FILE) - 1)) == (
        f"the file is larger than {len(FILE) - 1} bytes"
    )
    assert clock.slept == []


CUTS = {
    "nothing": b"",
    "a part of the head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "a part of the file": ok(FILE)[:-1],
    "a part of the packed file": ok(PACKED[:-9], "Content-Encoding: gzip"),
    "more than the packed file": ok(PACKED + b"x", "Content-Encoding: gzip"),
    "packed in another way": ok(FILE, "Content-Encoding: br"),
    "an error of the server": ok(FILE, status="500 Internal Server Error"),
}


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS.keys())
def test_what_is_no_whole_file_is_asked_for_three_times_two_seconds_apart(
    clock: FakeClock, cut: bytes
) -> None:
    with scripted(answering(cut), answering(cut), answering(ok(b"short"))) as server:
        assert fetch(clock, server) == b"short"
    assert clock.slept == [2.0, 2.0]

    clock.slept.clear()
    assert "127.0.0.1" in words_of(clock, *[answering(cut)] * 3, answering(ok(b"short")))
    assert clock.slept == [2.0, 2.0]


@pytest.mark.parametrize("status", [201, 204, 302, 404, 499])
def test_another_answer_is_no_file_and_is_not_asked_for_again(clock: FakeClock, status: int) -> None:
    words = words_of(clock, answering(ok(b"", status=f"{status} Other")), answering(ok(FILE)))

    assert words.endswith(f"answered HTTP {status} in place of a file")
    assert clock.slept == []


@pytest.mark.parametrize(("takes_s", "is_in_time"), [(119, True), (120, False)])
def test_a_whole_file_may_take_two_minutes(clock: FakeClock, takes_s: float, *, is_in_time: bool) -> None:
    ticking = Ticking()

    def slow(connection: socket.socket, server: ScriptedServer) -> None:
        read_request(connection, server)
        ticking.at_s += takes_s
        connection.sendall(ok(FILE))

    if is_in_time:
        with scripted(slow) as server:
            assert fetch(clock, server, monotonic=ticking) == FILE
    else:
        assert "TimeoutError" in words_of(clock, *[slow] * 3, monotonic=ticking)


@pytest.mark.parametrize(("takes_s", "is_in_time"), [(4.5, True), (5, False)])
def test_a_connection_may_take_five_seconds_with_the_look_up_of_its_name(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch, takes_s: float, *, is_in_time: bool
) -> None:
    ticking, look_up = Ticking(), socket.getaddrinfo

    def slow(*args: Any, **more: Any) -> Any:
        ticking.at_s += takes_s
        return look_up(*args, **more)

    with scripted(answering(ok(FILE))) as server:
        monkeypatch.setattr(socket, "getaddrinfo", slow)
        if is_in_time:
            assert fetch(clock, server, monotonic=ticking) == FILE
        else:
            with pytest.raises(MasterUnavailable, match="TimeoutError"):
                fetch(clock, server, monotonic=ticking)
        monkeypatch.undo()


@pytest.mark.parametrize(
    "changes",
    [
        {"method": "POST"},
        {"is_write": True},
        {"url": "https://["},
        {"url": "http://files.example/all.csv"},
        {"url": "ftp://127.0.0.1/all.csv"},
    ],
)
def test_only_a_get_of_a_file_at_an_address_of_one_leaves(clock: FakeClock, changes: dict[str, Any]) -> None:
    usual: dict[str, Any] = {"method": "GET", "url": "https://files.example/all.csv"}

    with pytest.raises(Unsendable), HttpDownload(clock)(HttpRequest(**usual | changes)):
        pass


@pytest.mark.parametrize(("more", "on_disk"), [(0, 0), (1, 1)])
def test_a_file_of_eight_mebibytes_touches_no_disk_and_a_larger_one_is_kept_there(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch, more: int, on_disk: int
) -> None:
    made: list[Any] = []
    make = tempfile.TemporaryFile

    def counted(**how: Any) -> Any:
        made.append(how)
        return make(**how)

    monkeypatch.setattr(tempfile, "TemporaryFile", counted)
    size = 8 * 1024 * 1024 + more

    with scripted(answering(ok(b"x" * size))) as server:
        assert len(fetch(clock, server)) == size
    assert len(made) == on_disk


def test_a_file_comes_from_whom_the_certificate_names(clock: FakeClock, tmp_path: Path) -> None:
    pem = make_certificate(tmp_path)
    with scripted(*[answering(ok(FILE))] * 4, tls=server_context(pem)) as server:
        assert fetch(clock, server, tls=lambda: trusting(pem)) == FILE
        with pytest.raises(MasterUnavailable, match="SSLCertVerificationError"):
            fetch(clock, server, tls=ssl.create_default_context)
