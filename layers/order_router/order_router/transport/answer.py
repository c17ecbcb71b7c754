"""Reading one HTTP answer: within its time, within its size, and whole, or not at all."""

import http.client
import io
import socket
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from order_router.adapter.http import HttpResponse
from order_router.transport.connection import Deadline

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

CHUNK = 64 * 1024
FIRST_FINAL_STATUS = 200
GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
PLAIN = frozenset({"", "identity"})
COMPRESSED = frozenset({"gzip", "x-gzip", "deflate"})


class UnreadableAnswer(ValueError):
    """The bytes that came are not one whole HTTP answer that we accept."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, and whether its connection may carry another request."""

    response: HttpResponse
    leaves_open: bool


class AnswerReader(io.RawIOBase):
    """The receiving side of a connection; each read gets what is left of the time.

    `received` counts bytes; `is_ended` says that the other side closed.
    """

    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        super().__init__()
        self._connection = connection
        self._deadline = deadline
        self.received = 0
        self.is_ended = False

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Receive into the buffer; TimeoutError when the time of the whole answer is over."""
        self._connection.settimeout(self._deadline.remaining_s())
        count = self._connection.recv_into(buffer)
        self.received += count
        self.is_ended = self.is_ended or count == 0
        return count

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return a buffered file over this reader, as `http.client` asks of a socket."""
        return io.BufferedReader(self)


def read_answer(reader: AnswerReader, *, method: str, max_body: int) -> Answer:
    """Read one answer; OSError, HTTPException, ValueError or zlib.error if it is not whole."""
    incoming = http.client.HTTPResponse(cast("socket.socket", reader), method=method)
    try:
        incoming.begin()
        if reader.is_ended:  # http.client takes a head that was cut for a head that is over
            raise UnreadableAnswer("the connection closed inside the headers")
        if incoming.status < FIRST_FINAL_STATUS:
            raise UnreadableAnswer("an informational status came in place of an answer")
        body = _decoded(_whole_body(incoming, max_body), incoming, max_body)
        return Answer(
            HttpResponse(status=incoming.status, headers=_headers(incoming), body=body),
            leaves_open=not incoming.will_close,
        )
    finally:
        incoming.close()


def _whole_body(incoming: http.client.HTTPResponse, max_body: int) -> bytes:
    body = bytearray()
    while chunk := incoming.read(CHUNK):
        body += chunk
        if len(body) > max_body:
            raise UnreadableAnswer("the body is too large")
    if incoming.length:  # http.client tells a short body only by what it still expects
        raise http.client.IncompleteRead(b"", incoming.length)
    return bytes(body)


def _decoded(body: bytes, incoming: http.client.HTTPResponse, max_body: int) -> bytes:
    encoding = (incoming.getheader("Content-Encoding") or "").strip().lower()
    if encoding in PLAIN or not body:
        return body
    if encoding not in COMPRESSED:
        raise UnreadableAnswer("the body is compressed in a way that was not offered")
    inflater = zlib.decompressobj(GZIP_OR_ZLIB)
    plain = inflater.decompress(body, max_body + 1)
    if len(plain) > max_body:
        raise UnreadableAnswer("the body inflates beyond the largest that is read")
    if not inflater.eof or inflater.unused_data:
        raise UnreadableAnswer("the compressed body does not end where it should")
    return plain


def _headers(incoming: http.client.HTTPResponse) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in incoming.getheaders():
        lowered = name.lower()
        headers[lowered] = f"{headers[lowered]}, {value}" if lowered in headers else value
    return headers
