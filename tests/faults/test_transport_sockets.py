"""Every way a connection can fail, on real sockets: the class says what is known about the request."""

import gzip
import itertools
import random
import select
import socket
import ssl
import traceback
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from order_router.adapter.errors import BrokerError, DeadlinePassed, NotSent, OutcomeUnknown
from order_router.adapter.http import HttpRequest, HttpResponse
from order_router.transport.connection import default_tls
from order_router.transport.http_transport import HttpTransport, Limits
from order_router.transport.wire import Unsendable
from tests.fakes.clock import FakeClock
from tests.faults.certificates import make_certificate, server_context, trusting
from tests.faults.scripted_server import (
    Script,
    answering,
    answering_then_dying_on_the_next,
    answering_then_resetting,
    flooding,
    never_answering,
    never_reading,
    ok,
    resetting_after_request,
    resetting_at_the_first_byte,
    scripted,
)
from tests.simulators.serving import deaf_url

SECRET = "canary-token-7741"
IMPATIENT = Limits(
    connect_timeout_s=2, write_answer_timeout_s=0.15, read_answer_timeout_s=0.15, max_body=100_000
)
PATIENT = Limits(max_body=100_000)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def transport(clock: FakeClock) -> Iterator[HttpTransport]:
    made = HttpTransport(clock, limits=PATIENT)
    yield made
    made.close()


def call(transport: HttpTransport, url: str, *, is_write: bool = True, path: str = "/orders") -> HttpResponse:
    request = HttpRequest(
        method="POST" if is_write else "GET",
        url=f"{url}{path}",
        headers={"Authorization": SECRET},
        body=b"quantity=5" if is_write else b"",
        is_write=is_write,
    )
    return transport.sender(url, not_after=None)(request)


def test_an_answer_comes_back_whole(transport: HttpTransport) -> None:
    with scripted(answering(ok(b'{"id":"1"}', "X-Kite-Trace: a", "x-kite-trace: b"))) as server:
        response = call(transport, server.url)

    assert response.status == 200
    assert response.body == b'{"id":"1"}'
    assert response.headers["x-kite-trace"] == "a, b"


def test_the_request_on_the_wire_is_exactly_what_was_asked(transport: HttpTransport) -> None:
    with scripted(answering(ok())) as server:
        call(transport, server.url, path="/orders?tag=A%20B")
        host = f"127.0.0.1:{server.port}".encode()

    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.split(b"\r\n")[:4] == [
        b"POST /orders?tag=A%20B HTTP/1.1",
        b"Host: " + host,
        b"Accept-Encoding: gzip",
        b"Authorization: " + SECRET.encode(),
    ]
    assert head.endswith(b"Content-Length: 10")
    assert body == b"quantity=5"


@pytest.mark.parametrize(
    "status", ["301 Moved", "302 Found", "400 Bad", "429 Slow", "502 Bad Gateway", "504 Late"]
)
def test_any_final_status_is_an_answer_and_nothing_is_followed(transport: HttpTransport, status: str) -> None:
    with scripted(answering(ok(b"<html>", "Location: https://elsewhere.example/", status=status))) as server:
        response = call(transport, server.url)

    assert response.status == int(status[:3])
    assert response.body == b"<html>"
    assert len(server.requests) == 1


def test_a_continue_before_the_answer_is_skipped(transport: HttpTransport) -> None:
    with scripted(answering(b"HTTP/1.1 100 Continue\r\n\r\n" + ok(b"done"))) as server:
        assert call(transport, server.url).body == b"done"


@pytest.mark.parametrize("is_write", [True, False])
def test_a_refused_connection_was_not_sent(transport: HttpTransport, *, is_write: bool) -> None:
    with deaf_url() as url, pytest.raises(NotSent) as caught:
        call(transport, url, is_write=is_write)

    assert not isinstance(caught.value, DeadlinePassed)
    assert "ConnectionRefusedError" in caught.value.message


def test_a_name_that_does_not_resolve_was_not_sent(
    transport: HttpTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_name(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_name)

    with pytest.raises(NotSent, match=r"https://api\.broker\.example: no connection \(gaierror\)"):
        call(transport, "https://api.broker.example")


FAULTS: dict[str, Script] = {
    "reset at the first byte": resetting_at_the_first_byte,
    "reset after the request": resetting_after_request,
    "closed after the request": answering(b""),
    "garbage status line": answering(b"SSH-2.0-OpenSSH_9\r\n\r\n"),
    "half a status line": answering(b"HTTP/1.1 20"),
    "half the headers": answering(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "body shorter than said": answering(b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"id"'),
    "chunked and cut": answering(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"id"\r\n'),
    "chunk size unreadable": answering(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n"
    ),
    "reset inside the body": answering_then_resetting(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"),
    "only early hints": answering(b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n"),
    "switching protocols": answering(b"HTTP/1.1 101 Switching Protocols\r\n\r\n"),
    "body larger than read": answering(ok(b"x" * 100_001)),
    "endless body": flooding(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 10_000),
    "endless headers": flooding(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n"),
    "endless header line": flooding(b"HTTP/1.1 200 OK\r\nX-A: ", b"b" * 10_000),
    "gzip bomb": answering(ok(gzip.compress(b"0" * 5_000_000), "Content-Encoding: gzip")),
    "gzip cut": answering(ok(gzip.compress(b'{"id":"1"}')[:-4], "Content-Encoding: gzip")),
    "gzip that is not": answering(ok(b'{"id":"1"}', "Content-Encoding: gzip")),
    "gzip with a tail": answering(ok(gzip.compress(b"{}") + b"tail", "Content-Encoding: gzip")),
    "compressed as not offered": answering(ok(b"\x0b", "Content-Encoding: br")),
}


@pytest.mark.parametrize("is_write", [True, False])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_failure_after_the_first_byte_leaves_the_outcome_unknown(
    transport: HttpTransport, fault: str, *, is_write: bool
) -> None:
    with scripted(FAULTS[fault]) as server:
        with pytest.raises(OutcomeUnknown) as caught:
            call(transport, server.url, is_write=is_write)

        assert server.connections == 1
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    assert caught.value.message.startswith(server.url)


@pytest.mark.parametrize("is_write", [True, False])
def test_a_server_that_never_answers_is_given_up(clock: FakeClock, *, is_write: bool) -> None:
    transport = HttpTransport(clock, limits=IMPATIENT)

    with scripted(never_answering) as server, pytest.raises(OutcomeUnknown, match="TimeoutError"):
        call(transport, server.url, is_write=is_write)


DRIPS: dict[str, Script] = {
    "headers": flooding(b"HTTP/1.1 200 OK\r\n", b"X"),
    "body": flooding(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", b"x"),
    "continues": flooding(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
}


@pytest.mark.parametrize("part", DRIPS)
def test_a_slow_drip_ends_at_the_time_of_the_whole_answer(clock: FakeClock, part: str) -> None:
    seconds = itertools.count()
    transport = HttpTransport(clock, monotonic=lambda: float(next(seconds)))

    with scripted(DRIPS[part]) as server, pytest.raises(OutcomeUnknown):
        call(transport, server.url)

    assert next(seconds) <= 20


def test_a_server_that_does_not_read_is_given_up(clock: FakeClock) -> None:
    transport = HttpTransport(clock, limits=IMPATIENT)
    with scripted(never_reading) as server:
        send = transport.sender(server.url, not_after=None)

        with pytest.raises(OutcomeUnknown, match="TimeoutError"):
            send(
                HttpRequest(method="POST", url=server.url + "/orders", body=b"x" * 20_000_000, is_write=True)
            )


def test_random_bytes_raise_only_our_error(clock: FakeClock) -> None:
    chance = random.Random(7741)  # noqa: S311 - chance, not secrecy
    heads = [
        b"",
        b"HTTP/1.1 ",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    ]
    answers = [heads[turn % 4] + chance.randbytes(chance.randrange(200)) for turn in range(200)]
    transport = HttpTransport(clock, limits=PATIENT)

    with scripted(*(answering(answer) for answer in answers)) as server:
        for _ in answers:
            try:
                call(transport, server.url)
            except OutcomeUnknown:
                continue


def test_a_gzip_bomb_is_never_inflated_whole(transport: HttpTransport) -> None:
    bomb = ok(gzip.compress(b"0" * 50_000_000), "Content-Encoding: gzip")
    with scripted(answering(bomb)) as server, allocating_at_most(2_000_000), pytest.raises(OutcomeUnknown):
        call(transport, server.url)


@contextmanager
def allocating_at_most(limit: int) -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < limit
    finally:
        tracemalloc.stop()


def test_gzip_is_decoded(transport: HttpTransport) -> None:
    with scripted(answering(ok(gzip.compress(b'{"id":"1"}'), "Content-Encoding: gzip"))) as server:
        assert call(transport, server.url).body == b'{"id":"1"}'


def test_a_connection_serves_several_requests(transport: HttpTransport) -> None:
    with scripted(answering(ok(b"1"), ok(b"2"), ok(b"3"))) as server:
        assert [call(transport, server.url).body for _ in range(3)] == [b"1", b"2", b"3"]
        assert server.connections == 1


def test_connection_close_is_obeyed(transport: HttpTransport) -> None:
    with scripted(answering(ok(b"1", "Connection: close")), answering(ok(b"2"))) as server:
        assert [call(transport, server.url).body for _ in range(2)] == [b"1", b"2"]
        assert server.connections == 2


@pytest.mark.parametrize("last_act", [answering, answering_then_resetting])
def test_a_connection_closed_while_idle_is_replaced_before_a_write(
    transport: HttpTransport, last_act: Callable[[bytes], Script]
) -> None:
    with scripted(last_act(ok(b"1")), answering(ok(b"2"))) as server:
        call(transport, server.url)
        wait_until_dropped(transport)

        assert call(transport, server.url).body == b"2"
    assert len(server.requests) == 2


def test_bytes_that_nobody_asked_for_are_never_read_as_an_answer(transport: HttpTransport) -> None:
    with scripted(answering(ok(b"1") + ok(b"not yours")), answering(ok(b"2"))) as server:
        call(transport, server.url)
        wait_until_dropped(transport)

        assert call(transport, server.url).body == b"2"


@pytest.mark.parametrize("change_s", [21, -1])
def test_a_connection_from_before_a_freeze_is_not_used(
    clock: FakeClock, transport: HttpTransport, change_s: float
) -> None:
    with scripted(answering_then_dying_on_the_next(ok(b"1")), answering(ok(b"2"))) as server:
        call(transport, server.url)
        clock.advance(change_s)

        assert call(transport, server.url).body == b"2"
        assert server.connections == 2


def test_a_write_into_a_dying_connection_is_never_sent_again(transport: HttpTransport) -> None:
    with scripted(answering_then_dying_on_the_next(ok(b"1")), answering(ok(b"2"))) as server:
        call(transport, server.url)

        with pytest.raises(OutcomeUnknown):
            call(transport, server.url)
        assert server.connections == 1
    assert len(server.requests) == 2


def test_a_read_over_a_dying_connection_is_asked_again_once(transport: HttpTransport) -> None:
    with scripted(answering_then_dying_on_the_next(ok(b"1")), answering(ok(b"2"))) as server:
        call(transport, server.url)

        assert call(transport, server.url, is_write=False).body == b"2"
    assert len(server.requests) == 3


def test_a_read_is_not_asked_a_third_time(transport: HttpTransport) -> None:
    dying = answering_then_dying_on_the_next(ok(b"1"))
    with scripted(dying, resetting_after_request, answering(ok(b"3"))) as server:
        call(transport, server.url)

        with pytest.raises(OutcomeUnknown):
            call(transport, server.url, is_write=False)
        assert server.connections == 2


def test_a_late_write_opens_nothing(clock: FakeClock, transport: HttpTransport) -> None:
    with scripted(answering(ok())) as server:
        send = transport.sender(server.url, not_after=clock.now() - timedelta(microseconds=1))

        with pytest.raises(DeadlinePassed):
            send(HttpRequest(method="POST", url=server.url + "/orders", is_write=True))
        assert server.connections == 0


def test_a_write_that_becomes_late_while_connecting_does_not_leave(clock: FakeClock) -> None:
    started_at = clock.now()

    def slow() -> float:
        clock.advance(0.4)
        return clock.now().timestamp()

    transport = HttpTransport(clock, monotonic=slow)
    with scripted(answering(ok())) as server:
        send = transport.sender(server.url, not_after=clock.now() + timedelta(seconds=1))

        with pytest.raises(DeadlinePassed):
            send(HttpRequest(method="POST", url=server.url + "/orders", is_write=True))
    assert clock.now() > started_at + timedelta(seconds=1)
    assert server.requests == []


def test_a_connection_that_was_opened_too_late_for_a_write_serves_the_next(clock: FakeClock) -> None:
    def slow() -> float:
        clock.advance(0.1)
        return clock.now().timestamp()

    transport = HttpTransport(clock, monotonic=slow)
    with scripted(answering(ok(b"1"))) as server:
        write = HttpRequest(method="POST", url=server.url + "/orders", is_write=True)
        with pytest.raises(DeadlinePassed):
            transport.sender(server.url, not_after=clock.now() + timedelta(seconds=0.2))(write)

        assert transport.sender(server.url, not_after=clock.now() + timedelta(seconds=1))(write).body == b"1"
    assert (server.connections, len(server.requests)) == (1, 1)


def test_a_write_in_its_last_instant_leaves_and_a_read_has_no_deadline(
    clock: FakeClock, transport: HttpTransport
) -> None:
    with scripted(answering(ok(b"1"), ok(b"2"))) as server:
        send = transport.sender(server.url, not_after=clock.now())

        assert send(HttpRequest(method="POST", url=server.url + "/orders", is_write=True)).body == b"1"
        clock.advance(5)
        assert send(HttpRequest(method="GET", url=server.url + "/orders")).body == b"2"


def test_a_certificate_that_nobody_trusts_was_not_sent(transport: HttpTransport, tmp_path: Path) -> None:
    with scripted(answering(ok()), tls=server_context(make_certificate(tmp_path))) as server:
        with pytest.raises(NotSent, match="SSLCertVerificationError"):
            call(transport, server.url)
        assert server.requests == []


def test_a_certificate_of_another_host_was_not_sent(clock: FakeClock, tmp_path: Path) -> None:
    pem = make_certificate(tmp_path, for_address="127.0.0.2")
    transport = HttpTransport(clock, tls=lambda: trusting(pem))
    with scripted(answering(ok()), tls=server_context(pem)) as server:
        with pytest.raises(NotSent, match="SSLCertVerificationError"):
            call(transport, server.url)
        assert server.requests == []


def test_a_server_that_speaks_no_tls_was_not_sent(clock: FakeClock) -> None:
    transport = HttpTransport(clock, limits=Limits(connect_timeout_s=0.15))
    with scripted(answering(ok())) as server, pytest.raises(NotSent):
        call(transport, server.url.replace("http:", "https:"))


def test_a_handshake_that_never_ends_was_not_sent(clock: FakeClock) -> None:
    transport = HttpTransport(clock, limits=Limits(connect_timeout_s=0.15))
    with scripted(never_reading) as server, pytest.raises(NotSent, match="TimeoutError"):
        call(transport, server.url.replace("http:", "https:"))


def test_a_trusted_certificate_serves_and_keeps_alive(clock: FakeClock, tmp_path: Path) -> None:
    pem = make_certificate(tmp_path)
    transport = HttpTransport(clock, tls=lambda: trusting(pem))
    with scripted(answering(ok(b"1"), ok(b"2")), tls=server_context(pem)) as server:
        assert [call(transport, server.url).body for _ in range(2)] == [b"1", b"2"]
        assert server.connections == 1


def test_a_tls_stream_that_is_cut_is_not_taken_for_a_whole_answer(clock: FakeClock, tmp_path: Path) -> None:
    pem = make_certificate(tmp_path)
    transport = HttpTransport(clock, tls=lambda: trusting(pem))
    cut = answering(b"HTTP/1.1 200 OK\r\n\r\n[1, 2")
    with scripted(cut, tls=server_context(pem)) as server, pytest.raises(OutcomeUnknown, match="SSLEOFError"):
        call(transport, server.url)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/orders",
        "http://127.0.0.1:1@evil.example/",
        "http://127.0.0.1:12345.evil.example/",
        "http://127.0.0.1:1/orders\r\nX-Evil: 1",
        "http://127.0.0.1:1/orders with space",
        "http://127.0.0.1:1/orders#part",
        "http://127.0.0.1:1/ordersé",
    ],
)
def test_a_url_outside_its_endpoint_or_unencoded_never_leaves(transport: HttpTransport, url: str) -> None:
    send = transport.sender("http://127.0.0.1:1", not_after=None)

    with pytest.raises(Unsendable):
        send(HttpRequest(method="GET", url=url))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Tag", "a\r\nX-Evil: 1"),
        ("X-Tag", "a\nb"),
        ("X-Tag", "a\x00b"),
        ("X-Tag", "₹"),
        ("X-Tag: a\r\nX", "b"),
        ("", "b"),
        ("Host", "evil.example"),
        ("Transfer-Encoding", "chunked"),
        ("Content-Length", "4"),
    ],
)
def test_a_header_that_could_be_read_in_two_ways_never_leaves(
    transport: HttpTransport, name: str, value: str
) -> None:
    send = transport.sender("http://127.0.0.1:1", not_after=None)

    with pytest.raises(Unsendable) as caught:
        send(HttpRequest(method="POST", url="http://127.0.0.1:1/", headers={name: value}, body=b"12345"))
    assert isinstance(caught.value, BrokerError)


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://api.broker.example",
        "http://10.0.0.1",
        "ftp://127.0.0.1",
        "https://user:pass@api.broker.example",
        "https://api.broker.example/",
        "https://api.broker.example/a b",
        "",
    ],
)
def test_an_endpoint_must_be_https_or_this_machine(transport: HttpTransport, endpoint: str) -> None:
    with pytest.raises(Unsendable):
        transport.sender(endpoint, not_after=None)


@pytest.mark.parametrize("endpoint", ["http://localhost:1", "http://[::1]:1", "http://127.0.0.1:1/base"])
def test_plain_http_reaches_this_machine(transport: HttpTransport, endpoint: str) -> None:
    with pytest.raises(NotSent):
        call(transport, endpoint)


def test_the_default_context_verifies() -> None:
    context = default_tls()

    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED


def wait_until_dropped(transport: HttpTransport) -> None:
    """Block until the idle connection has something to read: the server's goodbye is on its way."""
    for kept in transport._pool._idle.values():
        select.select([entry.connection for entry in kept], [], [], 5)
