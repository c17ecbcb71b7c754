"""Sends a request once and says what is known when it fails.

Until the first byte of the request is written, a failure is NotSent. From then on every failure is
OutcomeUnknown, for writes and reads alike; an answer of any status is handed back, redirects included. A
write is never sent twice. A read is asked once more, on a fresh connection, when a kept-alive one closed
without a byte of answer. Connections are the standard library's: the urllib3 of the runtime is not ours to
pin, hides the moment before the first byte, and times each read where this times the whole answer.
"""

import http.client
import socket
import ssl
import time
import zlib
from dataclasses import dataclass, field
from datetime import datetime

from order_router.adapter.errors import DeadlinePassed, NotSent, OutcomeUnknown
from order_router.adapter.http import HttpRequest, HttpResponse, Send
from order_router.ports import Clock
from order_router.transport.answer import AnswerReader, read_answer
from order_router.transport.connection import (
    Deadline,
    MakeTls,
    Monotonic,
    close,
    default_tls,
    open_connection,
    send_all,
)
from order_router.transport.pool import IdlePool
from order_router.transport.wire import Origin, read_origin, request_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long each phase may take, and how large an answer may be, compressed and inflated."""

    connect_timeout_s: float = 2.0
    write_answer_timeout_s: float = 8.0
    read_answer_timeout_s: float = 5.0
    max_idle_s: float = 20.0
    max_body: int = 32 * 1024 * 1024


class _ClosedUnanswered(OutcomeUnknown):
    """The connection closed before a byte of the answer came."""


class HttpTransport:
    """Implements `ports.Transport` over kept-alive connections of its own; safe to share between threads."""

    def __init__(
        self,
        clock: Clock,
        *,
        limits: Limits = Limits(),
        tls: MakeTls = default_tls,
        monotonic: Monotonic = time.monotonic,
    ) -> None:
        self._clock = clock
        self._limits = limits
        self._make_tls = tls
        self._tls: ssl.SSLContext | None = None
        self._monotonic = monotonic
        self._pool = IdlePool(clock, max_idle_s=limits.max_idle_s)

    def sender(self, endpoint: str, *, not_after: datetime | None) -> Send:
        """Return a Send for this endpoint; a write does not leave after `not_after` (DeadlinePassed).

        Send raises Unsendable for a URL outside the endpoint or a header that could be read in two ways.
        """
        origin = read_origin(endpoint)

        def send(request: HttpRequest) -> HttpResponse:
            return self._exchange(origin, request, not_after)

        return send

    def close(self) -> None:
        """Close the idle connections."""
        self._pool.close()

    def _exchange(self, origin: Origin, request: HttpRequest, not_after: datetime | None) -> HttpResponse:
        exchange = _Exchange(origin, request, request_bytes(origin, request), not_after)
        exchange.require_in_time(self._clock)
        kept = self._pool.take(origin)
        if kept is not None:
            try:
                return self._talk(exchange, kept)
            except _ClosedUnanswered:
                if request.is_write:
                    raise
        return self._talk(exchange, self._open(origin))

    def _open(self, origin: Origin) -> socket.socket:
        deadline = Deadline(self._monotonic, self._limits.connect_timeout_s)
        try:
            return open_connection(origin, deadline, self._shared_tls)
        except (OSError, ValueError) as error:
            raise NotSent(f"{origin}: no connection ({type(error).__name__})") from error

    def _talk(self, exchange: "_Exchange", connection: socket.socket) -> HttpResponse:
        limits = self._limits
        limit_s = limits.write_answer_timeout_s if exchange.request.is_write else limits.read_answer_timeout_s
        deadline = Deadline(self._monotonic, limit_s)
        reader = AnswerReader(connection, deadline)
        self._require_in_time(exchange, connection)
        is_kept = False
        try:
            send_all(connection, exchange.message, deadline)
            answer = read_answer(reader, method=exchange.request.method, max_body=limits.max_body)
            is_kept = answer.leaves_open
        except (OSError, http.client.HTTPException, ValueError, zlib.error) as error:
            raise _lost(exchange.origin, error, received=reader.received) from None
        finally:
            if not is_kept:
                close(connection)
        if is_kept:
            self._pool.give(exchange.origin, connection)
        return answer.response

    def _require_in_time(self, exchange: "_Exchange", connection: socket.socket) -> None:
        """Raise DeadlinePassed right before the first byte: the connection stays open for the next try."""
        try:
            exchange.require_in_time(self._clock)
        except DeadlinePassed:
            self._pool.give(exchange.origin, connection)
            raise

    def _shared_tls(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = self._make_tls()
        return self._tls


@dataclass(frozen=True, slots=True)
class _Exchange:
    origin: Origin
    request: HttpRequest
    message: bytes = field(repr=False)
    not_after: datetime | None

    def require_in_time(self, clock: Clock) -> None:
        if self.request.is_write and self.not_after is not None and clock.now() > self.not_after:
            raise DeadlinePassed(f"{self.origin}: the request became too old before it left")


def _lost(origin: Origin, error: Exception, *, received: int) -> OutcomeUnknown:
    kind = type(error).__name__
    if received == 0 and not isinstance(error, TimeoutError):
        return _ClosedUnanswered(f"{origin}: the connection closed without an answer ({kind})")
    return OutcomeUnknown(f"{origin}: no whole answer came ({kind}, {received} bytes)")
