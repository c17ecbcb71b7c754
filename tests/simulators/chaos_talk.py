"""One request on one connection: everything that can be done with it, and how it may end."""

import select
import socket
import struct
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from http.client import responses
from random import Random
from threading import Event
from time import monotonic

from order_router.adapter.http import HttpRequest, HttpResponse
from tests.simulators.chaos_broker import ChaosBroker, Write
from tests.simulators.chaos_dialect import Kind, Verdict

HANG_UP_POLL_S = 0.05
STEP = "x-step"
"""The header in which a client says what it was doing when the request left."""
HANG_UP = getattr(select, "POLLRDHUP", 0) | select.POLLHUP | select.POLLERR


class Incoming:
    """The receiving side of a connection; `unread` is what came and was not asked for yet."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.unread = b""

    def head(self) -> bytes | None:
        """Return one request's head; None once the client has closed."""
        while b"\r\n\r\n" not in self.unread:
            if not self._receive():
                return None
        head, _, self.unread = self.unread.partition(b"\r\n\r\n")
        return head

    def body(self, length: int) -> bytes:
        """Return one request's body."""
        while len(self.unread) < length:
            if not self._receive():
                raise ConnectionError("the client closed inside its request")
        body, self.unread = self.unread[:length], self.unread[length:]
        return body

    def _receive(self) -> bool:
        piece = self._connection.recv(65536)
        self.unread += piece
        return bool(piece)


@dataclass(frozen=True)
class Head:
    """A request without its body."""

    method: str
    target: str
    headers: Mapping[str, str]

    @property
    def path(self) -> str:
        """Return the target without its query."""
        return self.target.partition("?")[0]


def read_head(data: bytes) -> Head:
    """Read a request's first lines; header names come out in lower case."""
    first, *lines = data.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    pairs = (line.partition(":") for line in lines)
    return Head(method, target, {name.lower(): text.strip() for name, _, text in pairs})


@dataclass(frozen=True)
class Ending:
    """What a client may conclude, and what is done on the connection to bring it there (after it was noted)."""

    verdict: Verdict
    act: Callable[[], None]


class Talk:
    """One request. `dice` decides how its fault is played; `is_over` says that the connection is."""

    def __init__(
        self, broker: ChaosBroker, connection: socket.socket, incoming: Incoming, head: Head, dice: Random
    ) -> None:
        self.broker = broker
        self.dialect = broker.simulator.dialect
        self.kind = self.dialect.kind(head.method, head.path)
        self.head = head
        self.dice = dice
        self.write: Write | None = None
        self.stopping = Event()
        self.is_over = False
        self._connection = connection
        self._incoming = incoming

    def note(self, number: int) -> None:
        """Write an order write down as it comes: its tag, or the order that its path names."""
        if not self.kind.is_write:
            return
        came = self.broker.now().isoformat()
        self.write = Write(number=number, kind=self.kind, came=came, step=self.head.headers.get(STEP))
        unread = self._incoming.unread
        self._note_body(unread[: self._length] if len(unread) >= self._length else b"")
        self.broker.receive(self.write)

    def _note_body(self, body: bytes) -> None:
        """Write down what a write names: its tag, or its order, which may stand in the path."""
        if self.write is not None and self.kind is Kind.PLACE:
            self.write.tag = self.dialect.read_tag(body)
        elif self.write is not None:
            self.write.order_id = self.dialect.named_order(self.head.path, body)

    @cached_property
    def request(self) -> HttpRequest:
        """The whole request, its body taken off the connection; answers come uncompressed."""
        kept = {name: text for name, text in self.head.headers.items() if name != "accept-encoding"}
        body = self._incoming.body(self._length)
        self._note_body(body)
        url, is_write = self.head.target, self.kind.is_write
        return HttpRequest(method=self.head.method, url=url, headers=kept, body=body, is_write=is_write)

    @property
    def _length(self) -> int:
        return int(self.head.headers.get("content-length", 0))

    def take(self) -> HttpResponse:
        """Let the simulator do what was asked, and return its true answer."""
        return self.broker.forward(self.request, self.write)

    def take_or_lose(self) -> None:
        """Let the simulator have the request, or not: nobody sees which."""
        if self.dice.random() < 0.5:
            self.take()

    def reset(self) -> None:
        """End the connection with a reset."""
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        """End the connection; under TLS without its goodbye."""
        self.is_over = True
        self._connection.close()

    def send(self, data: bytes) -> None:
        """Send bytes; what follows on the connection is the next request."""
        _ = self.request.body
        self._connection.sendall(data)

    def send_and_close(self, data: bytes) -> None:
        """Send bytes, and nothing after them."""
        self.send(data)
        self.close()

    def hold(self) -> None:
        """Say nothing until the client gives up."""
        ends_at = monotonic() + self.broker.plan.hold_s
        poll = select.poll()
        poll.register(self._connection, HANG_UP)
        while monotonic() < ends_at and not self.stopping.is_set():
            if poll.poll(HANG_UP_POLL_S * 1000):
                break
        self.close()

    def drip(self, data: bytes) -> None:
        """Send byte by byte until the client gives up, or all is sent."""
        with suppress(OSError):
            for index in range(len(data)):
                if self.stopping.wait(self.broker.plan.drip_s):
                    break
                self._connection.sendall(data[index : index + 1])
        self.close()


def answer(status: int, body: bytes, kind: str = "application/json", *extra: str) -> bytes:
    """Return a whole answer."""
    reason = responses.get(status, "Unknown")
    lines = [f"HTTP/1.1 {status} {reason}", f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, *extra, "", ""]).encode() + body


def true_answer(response: HttpResponse) -> bytes:
    """Return a simulator's answer as it goes on the wire."""
    kind, location = (
        response.headers.get("content-type", "application/json"),
        response.headers.get("location"),
    )
    return answer(
        response.status, response.body, kind, *([] if location is None else [f"Location: {location}"])
    )
