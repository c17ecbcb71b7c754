"""The world outside the router, answering at once, and how long it was asked for."""

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, override

from order_router.adapter.http import HttpRequest, HttpResponse
from order_router.paper.exchange import PaperExchange
from tests.bench.instant_aws import InstantAws, as_response


@dataclass
class Stopwatch:
    """Adds up the time spent in what it wraps."""

    total_ns: int = 0

    def timed[**P, T](self, function: Callable[P, T]) -> Callable[P, T]:
        """Return the function, its time added to the total."""

        def call(*args: P.args, **kwargs: P.kwargs) -> T:
            start = time.perf_counter_ns()
            try:
                return function(*args, **kwargs)
            finally:
                self.total_ns += time.perf_counter_ns() - start

        return call


@dataclass
class Outside:
    """Everything that the router reaches over a network, with one stopwatch over all of it."""

    aws: InstantAws = field(default_factory=InstantAws)
    watch: Stopwatch = field(default_factory=Stopwatch)

    def answering(self, make_client: Callable[[str], Any]) -> Callable[[str], Any]:
        """Return a maker of clients whose requests are signed and then answered here instead of being sent."""
        answer = self.watch.timed(self._answer)

        def make(service: str) -> Any:
            client = make_client(service)
            client.meta.events.register_last("before-send", answer)
            return client

        return make

    def timed_exchange(self, exchange: PaperExchange) -> "TimedExchange":
        """Return the paper exchange with its time counted as the broker's."""
        return TimedExchange(self.watch.timed(exchange.handle))

    def _answer(self, request: Any, **_: object) -> Any:
        target = request.headers["X-Amz-Target"]
        name = target.decode() if isinstance(target, bytes) else target
        return as_response(request, self.aws.answer(name, request.body))


@dataclass(frozen=True)
class TimedExchange:
    """What the paper transport needs of an exchange."""

    handle: Callable[[HttpRequest], HttpResponse]


class InstantBroker(socket.socket):
    """A connection whose other end has answered before the request was sent."""

    def __init__(self, answers: dict[str, bytes], watch: Stopwatch) -> None:
        here, self._there = socket.socketpair()
        super().__init__(here.family, here.type, here.proto, here.detach())
        self._answers = answers
        self._unread = b""
        self._send, self._receive = watch.timed(self._take_request), watch.timed(self._give_answer)

    @override
    def send(self, data: Any, flags: int = 0, /) -> int:
        return self._send(bytes(data))

    @override
    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        return self._receive(memoryview(buffer))

    @override
    def close(self) -> None:
        self._there.close()
        super().close()

    def _take_request(self, message: bytes) -> int:
        self._unread = self._answers[message.partition(b" ")[0].decode()]
        return len(message)

    def _give_answer(self, buffer: memoryview) -> int:
        piece, self._unread = self._unread[: len(buffer)], self._unread[len(buffer) :]
        buffer[: len(piece)] = piece
        return len(piece)
