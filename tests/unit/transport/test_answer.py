"""One answer read from a socket: whole and within its size, or not at all."""

import gzip
import http.client
import socket
import time
import zlib
from collections.abc import Iterator

import pytest

from order_router.transport.answer import Answer, AnswerReader, UnreadableAnswer, read_answer
from order_router.transport.connection import Deadline

MAX_BODY = 100


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def reader_of(ends: tuple[socket.socket, socket.socket], message: bytes) -> AnswerReader:
    ours, theirs = ends
    theirs.sendall(message)
    theirs.shutdown(socket.SHUT_WR)
    return AnswerReader(ours, Deadline(time.monotonic, 5))


def read(ends: tuple[socket.socket, socket.socket], message: bytes) -> Answer:
    return read_answer(reader_of(ends, message), method="GET", max_body=MAX_BODY)


def answer(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


Ends = tuple[socket.socket, socket.socket]


def test_a_body_of_the_largest_size_is_read_and_a_larger_one_is_not(ends: Ends) -> None:
    assert read(ends, answer(b"x" * MAX_BODY)).response.body == b"x" * MAX_BODY


def test_a_body_over_the_largest_size_is_not_read(ends: Ends) -> None:
    with pytest.raises(UnreadableAnswer, match="too large"):
        read(ends, answer(b"x" * (MAX_BODY + 1)))


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress])
@pytest.mark.parametrize(("size", "is_read"), [(1, True), (MAX_BODY, True), (MAX_BODY + 1, False)])
def test_a_packed_body_counts_by_what_it_holds(ends: Ends, pack, size: int, is_read: bool) -> None:  # type: ignore[no-untyped-def]
    packed = answer(pack(b"x" * size), f"Content-Encoding: {'gzip' if pack is gzip.compress else 'deflate'}")

    if is_read:
        assert read(ends, packed).response.body == b"x" * size
        return
    with pytest.raises(UnreadableAnswer, match="inflates beyond"):
        read(ends, packed)


def test_a_packing_that_was_not_offered_is_not_unpacked_as_another(ends: Ends) -> None:
    with pytest.raises(UnreadableAnswer, match="not offered"):
        read(ends, answer(gzip.compress(b"{}"), "Content-Encoding: br"))


@pytest.mark.parametrize("status", ["101 Switching Protocols", "102 Processing", "199 Odd"])
def test_an_informational_status_is_no_answer(ends: Ends, status: str) -> None:
    with pytest.raises(UnreadableAnswer, match="informational"):
        read(ends, answer(b"", status=status))


def test_a_packed_body_with_more_behind_it_is_not_believed(ends: Ends) -> None:
    with pytest.raises(UnreadableAnswer, match="does not end"):
        read(ends, answer(gzip.compress(b"{}") + b"more", "Content-Encoding: gzip"))


def test_what_was_received_is_counted(ends: Ends) -> None:
    message = answer(b"{}")
    reader = reader_of(ends, message)

    read_answer(reader, method="GET", max_body=MAX_BODY)

    assert reader.received == len(message)


def test_headers_that_come_twice_are_joined_and_lower_case(ends: Ends) -> None:
    got = read(ends, answer(b"{}", "X-Seen: one", "x-seen: two", "Connection: close"))

    assert got.response.headers["x-seen"] == "one, two"
    assert not got.leaves_open


def test_a_short_body_is_no_answer(ends: Ends) -> None:
    with pytest.raises(http.client.IncompleteRead):
        read(ends, answer(b"{}")[:-1])
