"""Fetches one file from a broker's own host: whole, within its time and size, and not followed anywhere else.

The file is on disk (or in memory, if it is small) before a byte of it is handed out: who reads it never meets a cut.
"""

import http.client
import ssl
import time
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast
from urllib.parse import urlsplit

from order_router.adapter.http import HttpRequest
from order_router.adapter.master import MasterUnavailable
from order_router.ports import Clock
from order_router.transport.answer import (
    CHUNK,
    COMPRESSED,
    GZIP_OR_ZLIB,
    PLAIN,
    AnswerReader,
    UnreadableAnswer,
)
from order_router.transport.connection import (
    Deadline,
    MakeTls,
    Monotonic,
    default_tls,
    open_connection,
    send_all,
)
from order_router.transport.wire import Origin, Unsendable, read_origin, request_bytes

MIB = 1024 * 1024
FOUND = 200
SERVER_ERROR = 500
TRIES = 3
PAUSE_S = 2.0
FAILURES = (OSError, http.client.HTTPException, ValueError, zlib.error)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLimits:
    """How long a connection and a whole file may take, how large it may be as sent and inflated, and kept in memory."""

    connect_timeout_s: float = 5.0
    file_timeout_s: float = 120.0
    max_sent: int = 128 * MIB
    max_inflated: int = 384 * MIB
    in_memory: int = 8 * MIB


class _TryAgain(MasterUnavailable):
    """It failed in a way that may pass."""


class HttpDownload:
    """Implements `adapter.master.Download`: each call opens a connection of its own and closes it."""

    def __init__(
        self,
        clock: Clock,
        *,
        limits: FileLimits = FileLimits(),
        tls: MakeTls = default_tls,
        monotonic: Monotonic = time.monotonic,
    ) -> None:
        self._clock = clock
        self._limits = limits
        self._make_tls = tls
        self._monotonic = monotonic

    @contextmanager
    def __call__(self, request: HttpRequest) -> Iterator[BinaryIO]:
        """Fetch the file and give it to be read; MasterUnavailable unless the answer is a whole 200."""
        if request.method != "GET" or request.is_write:
            raise Unsendable("a download is a GET that writes nothing")
        origin = _origin_of(request.url)
        message = request_bytes(origin, request)
        with SpooledTemporaryFile(max_size=self._limits.in_memory) as file:
            whole = cast("BinaryIO", file)
            self._fetch(origin, message, whole)
            whole.seek(0)
            yield whole

    def _fetch(self, origin: Origin, message: bytes, file: BinaryIO) -> None:
        for _ in range(TRIES - 1):
            try:
                self._fetch_once(origin, message, file)
            except _TryAgain:
                file.seek(0)
                file.truncate()
                self._clock.sleep(PAUSE_S)
            else:
                return
        self._fetch_once(origin, message, file)

    def _fetch_once(self, origin: Origin, message: bytes, file: BinaryIO) -> None:
        limits = self._limits
        try:
            deadline = Deadline(self._monotonic, limits.connect_timeout_s)
            with closing(open_connection(origin, deadline, self._tls)) as connection:
                deadline = Deadline(self._monotonic, limits.file_timeout_s)
                send_all(connection, message, deadline)
                self._receive(origin, AnswerReader(connection, deadline), file)
        except FAILURES as error:
            raise _TryAgain(f"{origin}: no whole file came ({type(error).__name__})") from None

    def _receive(self, origin: Origin, reader: AnswerReader, file: BinaryIO) -> None:
        incoming = http.client.HTTPResponse(cast("ssl.SSLSocket", reader), method="GET")
        with closing(incoming):
            incoming.begin()
            if reader.is_ended:  # http.client takes a head that was cut for a head that is over
                raise UnreadableAnswer("the connection closed inside the headers")
            if incoming.status >= SERVER_ERROR:
                raise _TryAgain(f"{origin} answered HTTP {incoming.status}")
            if incoming.status != FOUND:
                raise MasterUnavailable(f"{origin} answered HTTP {incoming.status} in place of a file")
            file.writelines(_plain(incoming, self._limits))

    def _tls(self) -> ssl.SSLContext:
        return self._make_tls()


def _origin_of(url: str) -> Origin:
    try:
        parts = urlsplit(url)
    except ValueError:
        raise Unsendable("expected the address of a file like https://host/path") from None
    return read_origin(f"{parts.scheme}://{parts.netloc}")


def _plain(incoming: http.client.HTTPResponse, limits: FileLimits) -> Iterator[bytes]:
    """Yield the file as it was before it was compressed; ValueError if it is cut or too large."""
    encoding = (incoming.getheader("Content-Encoding") or "").strip().lower()
    if encoding in COMPRESSED:
        pieces = _inflated(_sent(incoming, limits.max_sent))
    elif encoding in PLAIN:
        pieces = _sent(incoming, limits.max_sent)
    else:
        raise UnreadableAnswer("the file is compressed in a way that was not offered")
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > limits.max_inflated:
            raise MasterUnavailable(f"the file is larger than {limits.max_inflated} bytes")
        yield piece


def _sent(incoming: http.client.HTTPResponse, most: int) -> Iterator[bytes]:
    size = 0
    while chunk := incoming.read(CHUNK):
        size += len(chunk)
        if size > most:
            raise MasterUnavailable(f"the file is larger than {most} bytes as it is sent")
        yield chunk
    if incoming.length:  # http.client tells a short body only by what it still expects
        raise http.client.IncompleteRead(b"", incoming.length)


def _inflated(chunks: Iterator[bytes]) -> Iterator[bytes]:
    inflater = zlib.decompressobj(GZIP_OR_ZLIB)
    for chunk in chunks:
        rest = chunk
        while rest:
            if inflater.eof:
                raise UnreadableAnswer("something follows the end of the compressed file")
            yield inflater.decompress(rest, CHUNK)
            # behind the end, what is left over stands in both
            rest = inflater.unused_data or inflater.unconsumed_tail
    if not inflater.eof:
        raise UnreadableAnswer("the compressed file does not end where it should")
