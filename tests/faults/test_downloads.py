"""Files over real sockets: what is handed out is whole, and everything else is a list that is not there."""

import csv
import gzip
import io
import ssl
import zlib
from pathlib import Path

import pytest

from order_router.adapter.http import HttpRequest
from order_router.adapter.master import MasterUnavailable
from order_router.transport.download import PAUSE_S, TRIES, FileLimits, HttpDownload
from order_router.transport.wire import Unsendable
from tests.fakes.clock import FakeClock
from tests.faults.certificates import make_certificate, server_context, trusting
from tests.faults.scripted_server import (
    Script,
    ScriptedServer,
    answering,
    flooding,
    never_answering,
    ok,
    resetting_after_request,
    scripted,
)

SECRET = "canary-token-7741"
CSV = b"exchange,tradingsymbol\n" + b"".join(b"NSE,S%d\n" % n for n in range(20_000))
SMALL = FileLimits(max_sent=300_000, max_inflated=400_000, in_memory=10_000, file_timeout_s=5)
IMPATIENT = FileLimits(file_timeout_s=0.15)


def download(server: ScriptedServer, clock: FakeClock, limits: FileLimits = SMALL) -> bytes:
    request = HttpRequest(
        method="GET", url=f"{server.url}/files/all.csv?key={SECRET}", headers={"Authorization": SECRET}
    )
    with HttpDownload(clock, limits=limits)(request) as file:
        return file.read()


def refusal(clock: FakeClock, *scripts: Script, limits: FileLimits = SMALL) -> str:
    with scripted(*scripts) as server, pytest.raises(MasterUnavailable) as refused:
        download(server, clock, limits)
    assert SECRET not in f"{refused.value!r} {refused.value.message}"
    return refused.value.message


def chunked(body: bytes) -> bytes:
    pieces = [body[at : at + 7000] for at in range(0, len(body), 7000)]
    sent = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + sent + b"0\r\n\r\n"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.mark.parametrize(
    "answer",
    [
        ok(CSV),
        chunked(CSV),
        ok(gzip.compress(CSV), "Content-Encoding: gzip"),
        ok(zlib.compress(CSV), "Content-Encoding: deflate"),
    ],
    ids=["plain", "chunked", "gzip", "deflate"],
)
def test_a_file_comes_whole_however_it_is_sent(clock: FakeClock, answer: bytes) -> None:
    with scripted(answering(answer)) as server:
        assert download(server, clock) == CSV

    assert server.requests[0].startswith(b"GET /files/all.csv?key=")
    assert b"Accept-Encoding: gzip\r\n" in server.requests[0]
    assert clock.slept == []


def test_an_empty_file_is_a_file(clock: FakeClock) -> None:
    with scripted(answering(ok(b""))) as server:
        assert download(server, clock) == b""


def test_a_file_reads_as_text_row_by_row_and_from_its_start_again(clock: FakeClock) -> None:
    with scripted(answering(ok(CSV))) as server:
        request = HttpRequest(method="GET", url=f"{server.url}/all.csv")
        with HttpDownload(clock, limits=SMALL)(request) as file:
            start = file.read(8)
            file.seek(0)
            rows = list(csv.reader(io.TextIOWrapper(file, encoding="utf-8", newline="")))

    assert start == b"exchange"
    assert rows[-1] == ["NSE", "S19999"]


@pytest.mark.parametrize(
    "status", ["204 No Content", "301 Moved", "302 Found", "401 Unauthorized", "404 Not Found"]
)
def test_only_a_200_is_a_file_and_nothing_is_followed(clock: FakeClock, status: str) -> None:
    elsewhere = ok(b"", "Location: https://elsewhere.example/all.csv", status=status)

    words = refusal(clock, answering(elsewhere))

    assert f"HTTP {status[:3]}" in words
    assert clock.slept == []


CUTS = {
    "before the answer": resetting_after_request,
    "inside the head": answering(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "inside the body": answering(ok(CSV)[:-1]),
    "inside a chunk": answering(chunked(CSV)[:-20]),
    "inside the compressed body": answering(ok(gzip.compress(CSV)[:-9], "Content-Encoding: gzip")),
    "not compressed as it says": answering(ok(CSV, "Content-Encoding: gzip")),
    "more than the compressed body": answering(ok(gzip.compress(CSV) + b"x", "Content-Encoding: gzip")),
    "compressed otherwise": answering(ok(CSV, "Content-Encoding: br")),
    "a failing server": answering(ok(b"<html>", status="503 Service Unavailable")),
}


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS.keys())
def test_half_a_file_is_none_and_is_asked_for_again(clock: FakeClock, cut: Script) -> None:
    refusal(clock, *[cut] * TRIES)
    assert clock.slept == [PAUSE_S] * (TRIES - 1)

    with scripted(cut, answering(ok(b"short and whole"))) as server:
        assert download(server, clock) == b"short and whole"


def test_a_server_that_never_answers_is_given_up(clock: FakeClock) -> None:
    assert "TimeoutError" in refusal(clock, *[never_answering] * TRIES, limits=IMPATIENT)


def test_nobody_there_is_a_list_that_is_not_there(clock: FakeClock) -> None:
    with scripted() as server:
        url = server.url
    with pytest.raises(MasterUnavailable), HttpDownload(clock)(HttpRequest(method="GET", url=url)):
        pass


def test_a_file_that_is_too_large_is_not_read_to_its_end(clock: FakeClock) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n"

    assert "larger than 300000 bytes as it is sent" in refusal(clock, flooding(head, b"x" * 4096))
    assert clock.slept == []


def test_a_file_that_inflates_too_far_is_not_inflated_to_its_end(clock: FakeClock) -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    assert len(bomb) < SMALL.max_sent

    words = refusal(clock, answering(ok(bomb, "Content-Encoding: gzip")))

    assert words == "the file is larger than 400000 bytes"


@pytest.mark.parametrize(
    "url",
    [
        "http://files.example/all.csv",
        "ftp://files.example/all.csv",
        "//files.example",
        "https://[",
        "https://user:pass@files.example/all.csv",
        "https://files.example/a b",
    ],
)
def test_a_file_comes_over_https_or_from_this_machine(clock: FakeClock, url: str) -> None:
    with pytest.raises(Unsendable), HttpDownload(clock)(HttpRequest(method="GET", url=url)):
        pass


def test_a_download_writes_nothing(clock: FakeClock) -> None:
    for request in (
        HttpRequest(method="POST", url="https://files.example/all.csv"),
        HttpRequest(method="GET", url="https://files.example/all.csv", is_write=True),
    ):
        with pytest.raises(Unsendable), HttpDownload(clock)(request):
            pass


def test_the_server_is_who_its_certificate_says(clock: FakeClock, tmp_path: Path) -> None:
    pem = make_certificate(tmp_path)
    with scripted(*[answering(ok(CSV))] * (1 + TRIES), tls=server_context(pem)) as server:
        request = HttpRequest(method="GET", url=f"{server.url}/all.csv")
        with HttpDownload(clock, tls=lambda: trusting(pem))(request) as file:
            assert file.read() == CSV
        with pytest.raises(MasterUnavailable), HttpDownload(clock, tls=ssl.create_default_context)(request):
            pass


def test_what_goes_wrong_while_reading_is_the_readers_own(clock: FakeClock) -> None:
    def read(server: ScriptedServer) -> None:
        with HttpDownload(clock)(HttpRequest(method="GET", url=f"{server.url}/all.csv")):
            raise KeyError

    with scripted(answering(ok(CSV))) as server, pytest.raises(KeyError):
        read(server)
    assert clock.slept == []
