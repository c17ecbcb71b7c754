"""The way to a broker: requests that never leave, arrive late or never, and answers that say something else."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from order_router.adapter.errors import BrokerError, NotSent, OutcomeUnknown
from order_router.adapter.http import HttpRequest, HttpResponse, Send
from order_router.transport.local import LocalTransport
from tests.simulation.hub import Hub
from tests.simulation.process import Process
from tests.simulation.trouble import ANYWHERE
from tests.simulation.venues import KITE_ENDPOINT, Venue
from tests.simulators.kite_behaviours import TIMED_OUT

REFUSED, TLS_FAILED = "connection refused", "TLS failed"
REQUEST_LOST, ANSWER_LOST, RESET = "request lost", "answer lost", "reset after the request"
LATE, SLOW = "accepted late", "slow"
BAD_GATEWAY = "bad gateway after acceptance"
FAILED_SEEN, FAILED_UNSEEN = "503, accepted", "503 unseen"
HTML, TRUNCATED = "HTML page after acceptance", "truncated answer"
RATE_LIMITED, TIMED_OUT_SEEN, TIMED_OUT_UNSEEN = (
    "429 unseen",
    "400 timed out, accepted",
    "400 timed out, unseen",
)
STALE_BOOK = "stale book"
WRITES = (
    REFUSED,
    TLS_FAILED,
    REQUEST_LOST,
    ANSWER_LOST,
    RESET,
    LATE,
    SLOW,
    BAD_GATEWAY,
    FAILED_SEEN,
    FAILED_UNSEEN,
    HTML,
    TRUNCATED,
)
KITE_WRITES = (*WRITES, RATE_LIMITED, TIMED_OUT_SEEN, TIMED_OUT_UNSEEN)
READS = (REFUSED, REQUEST_LOST, RESET, SLOW, BAD_GATEWAY, HTML, TRUNCATED, STALE_BOOK)
UNSEEN = {FAILED_UNSEEN, RATE_LIMITED, TIMED_OUT_UNSEEN}
SILENT = {REQUEST_LOST, ANSWER_LOST, LATE}
WRITE_LIMIT, READ_LIMIT, CONNECT_LIMIT = 8_000_000, 5_000_000, 2_000_000
LATENCY = 60_000
LONGEST_DELAY = 600_000_000
BOOK = "/orders"
JSON = {"content-type": "application/json"}


@dataclass
class Network:
    """The lines from one process to every broker.

    `watch` sees each write as it leaves, `comes` each that comes to its broker at once, `arrived` each answer of a
    broker, `answered` each answer to a write as whoever sent it gets it.
    """

    hub: Hub
    process: Process
    venues: dict[str, Venue]
    watch: Callable[[HttpRequest], None]
    comes: Callable[[HttpRequest], None]
    arrived: Callable[[HttpRequest, int], None]
    answered: Callable[[HttpRequest, HttpResponse], None]
    books: dict[str, HttpResponse]
    broken: list[str]

    def sender(self, endpoint: str, *, not_after: datetime | None) -> Send:
        """Return the shipped transport's check of the deadline, with this network on both sides of it."""

        def send(request: HttpRequest) -> HttpResponse:
            call = _call(request)
            kind = self.process.step(f"broker.{call}", (*ANYWHERE, *_kinds(endpoint, request)))
            if endpoint in self.process.around.trouble.out_of_reach:
                kind = REFUSED
            if kind in {REFUSED, TLS_FAILED}:
                self.hub.pause(self._random(CONNECT_LIMIT))
                raise NotSent(kind)
            self._dawdle(request)
            through = LocalTransport(self.hub, {endpoint: partial(self._exchange, endpoint, kind)})
            try:
                return through.sender(endpoint, not_after=not_after)(request)
            except BrokerError:
                raise
            except Exception as error:
                # an adapter would take a defect of this network for a broker's
                self.broken.append(f"the simulation failed with {error!r}")
                raise

        return send

    def _dawdle(self, request: HttpRequest) -> None:
        """Be slow before a write: what it was allowed by may be over by then."""
        if request.is_write and self.process.around.trouble.slowness:
            self.hub.pause(self._random(self.process.around.trouble.slowness))

    def _exchange(self, endpoint: str, kind: str | None, request: HttpRequest) -> HttpResponse:
        """Let the request travel by itself: it arrives even if whoever sent it is gone by then."""
        if request.is_write:
            self.watch(request)
        answers: list[HttpResponse] = []
        caller, venue = self.hub.task, self.venues[endpoint]

        def travel() -> None:
            if request.is_write and kind not in {LATE, REQUEST_LOST}:
                self.comes(request)
            if kind not in UNSEEN and kind != REQUEST_LOST:
                if request.is_write:
                    self._remember(endpoint, request)
                answer = venue.take(request)
                self.arrived(request, answer.status)
                answers.append(self._stale(request, answer) if kind == STALE_BOOK else answer)
            if kind not in SILENT:
                self.hub.pause(self._travel_time(kind))
                self.hub.wake(caller)

        delay = self._random(LONGEST_DELAY) if kind == LATE else self._random(LATENCY)
        self.hub.spawn(f"network {kind}", travel, after=delay)
        self.hub.pause(WRITE_LIMIT if request.is_write else READ_LIMIT)
        answer = self._answer(kind, answers)
        if request.is_write:
            self.answered(request, answer)
        return answer

    def _answer(self, kind: str | None, answers: list[HttpResponse]) -> HttpResponse:
        if kind in _FIXED:
            return _FIXED[kind]
        if kind in SILENT or kind == RESET or not answers:
            raise OutcomeUnknown(kind or "no answer in time")
        if kind == TRUNCATED:
            return HttpResponse(status=answers[0].status, headers=JSON, body=answers[0].body[:-9])
        return answers[0]

    def _travel_time(self, kind: str | None) -> int:
        return self._random(WRITE_LIMIT + 4_000_000) if kind == SLOW else self._random(LATENCY)

    def _remember(self, endpoint: str, request: HttpRequest) -> None:
        """Keep the book as it stands before a write."""
        url = endpoint + BOOK
        before = HttpRequest(method="GET", url=url, headers=request.headers)
        self.books[url] = self.venues[endpoint].take(before)

    def _stale(self, request: HttpRequest, answer: HttpResponse) -> HttpResponse:
        """Return the book, or an order's history, as it stood a moment ago; what is as it was is no trouble."""
        stale = self.books.get(request.url, answer) if request.url.endswith(BOOK) else _shortened(answer)
        if answer.status >= 300 or stale.status >= 300 or stale.body == answer.body:
            self.process.miss("broker.read", STALE_BOOK)
            return answer
        return stale

    def _random(self, limit: int) -> int:
        return int(limit * self.process.around.trouble.random.random() ** 2)


_FIXED = {
    BAD_GATEWAY: HttpResponse(status=502, headers={"content-type": "text/html"}, body=b"<html>502</html>"),
    HTML: HttpResponse(status=200, headers={"content-type": "text/html"}, body=b"<html>maintenance</html>"),
    RATE_LIMITED: HttpResponse(
        status=429,
        headers=JSON,
        body=b'{"status":"error","error_type":"NetworkException","message":"Too many requests"}',
    ),
}
_FIXED |= {
    kind: HttpResponse(
        status=503,
        headers=JSON,
        body=b'{"status":"error","error_type":"GeneralException","message":"OMS"}',
    )
    for kind in (FAILED_SEEN, FAILED_UNSEEN)
}
_FIXED |= {
    kind: HttpResponse(
        status=400,
        headers=JSON,
        body=f'{{"status":"error","error_type":"OrderException","message":"{TIMED_OUT}"}}'.encode(),
    )
    for kind in (TIMED_OUT_SEEN, TIMED_OUT_UNSEEN)
}


def _shortened(answer: HttpResponse) -> HttpResponse:
    """Return a history of Kite's without its last state; what is no such history as it is."""
    content = json.loads(answer.body)
    rows = content.get("data") if isinstance(content, dict) else None
    if not isinstance(rows, list) or len(rows) < 2:
        return answer
    return replace(answer, body=json.dumps({**content, "data": rows[:-1]}).encode())


def _kinds(endpoint: str, request: HttpRequest) -> tuple[str, ...]:
    if not request.is_write:
        # nothing else of a broker is a book of orders
        return READS if BOOK in request.url else READS[:-1]
    return KITE_WRITES if endpoint == KITE_ENDPOINT else WRITES


def _call(request: HttpRequest) -> str:
    if not request.is_write:
        return "read"
    return {"POST": "place", "PUT": "modify", "DELETE": "cancel"}[request.method]
