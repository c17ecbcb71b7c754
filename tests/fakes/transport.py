"""A transport that fails where a test says so, around one that works."""

from datetime import datetime
from enum import StrEnum

from order_router.adapter.errors import DeadlinePassed, NotSent, OutcomeUnknown
from order_router.adapter.http import HttpRequest, HttpResponse, Send
from order_router.ports import Transport


class Fault(StrEnum):
    """What happens to one request."""

    NONE = "none"
    REFUSED = "refused"
    """The connection is refused: nothing leaves."""
    LAPSED = "lapsed"
    """It is handed over after its call was good: nothing leaves."""
    REQUEST_LOST = "request_lost"
    """It leaves and never arrives."""
    ANSWER_LOST = "answer_lost"
    """It arrives and is done; the answer never comes back."""
    GARBAGE = "garbage"
    """It arrives and is done; the answer is not readable."""


class FaultyTransport:
    """Implements `ports.Transport`. `writes` and `reads` hold the faults of the requests to come, first first.

    `sent` lists every request that left.
    """

    def __init__(self, inner: Transport) -> None:
        self._inner = inner
        self.writes: list[Fault] = []
        self.reads: list[Fault] = []
        self.sent: list[HttpRequest] = []

    def sender(self, endpoint: str, *, not_after: datetime | None) -> Send:
        """Return a Send that meets the next fault."""
        inner = self._inner.sender(endpoint, not_after=not_after)

        def send(request: HttpRequest) -> HttpResponse:
            return self._send(inner, request)

        return send

    def writes_sent(self) -> int:
        """Return how many write requests left."""
        return sum(request.is_write for request in self.sent)

    def _send(self, inner: Send, request: HttpRequest) -> HttpResponse:
        faults = self.writes if request.is_write else self.reads
        fault = faults.pop(0) if faults else Fault.NONE
        if fault is Fault.REFUSED:
            raise NotSent("connection refused")
        if fault is Fault.LAPSED:
            raise DeadlinePassed("the call was good until a moment ago")
        if fault is Fault.REQUEST_LOST:
            self.sent.append(request)
            raise OutcomeUnknown("no answer in time")
        response = inner(request)
        self.sent.append(request)
        if fault is Fault.ANSWER_LOST:
            raise OutcomeUnknown("no answer in time")
        return (
            HttpResponse(status=502, body=b"<html>Bad Gateway</html>") if fault is Fault.GARBAGE else response
        )
