"""What left this process, in order: calls to AWS as botocore sends them, and requests to a broker."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from order_router.adapter.http import HttpRequest, HttpResponse, Send
from order_router.ports import Transport


@dataclass(frozen=True)
class Departure:
    """One message that left; `body` is that of a call to AWS."""

    name: str
    to_broker: bool
    is_write: bool = False
    body: bytes = field(default=b"", repr=False)

    @property
    def tables(self) -> frozenset[str]:
        """Return the DynamoDB tables that the call names."""
        return frozenset(_tables(json.loads(self.body or b"null")))


@dataclass
class Journal:
    """The departures since it was last cleared; every try of a call counts, not only the first."""

    departures: list[Departure] = field(default_factory=list)

    def watch(self, client: Any) -> Any:
        """Note every request of a botocore client, and return the client."""
        client.meta.events.register_first("before-send", self._note_call)
        return client

    def watching(self, make_client: Callable[[str], Any]) -> Callable[[str], Any]:
        """Return a maker of clients whose requests are noted."""
        return lambda service: self.watch(make_client(service))

    def note_broker(self, request: HttpRequest) -> None:
        """Note a request to the broker."""
        self.departures.append(
            Departure(f"broker {request.method}", to_broker=True, is_write=request.is_write)
        )

    def calls_around_the_write(self, *, except_table: str | None = None) -> tuple[list[str], list[str]]:
        """Return the AWS calls before the broker's first write and those after it; ValueError without a write.

        Calls to `except_table` alone are left out: the paper exchange's own, which are no calls of the router.
        """
        write = next(
            (place for place, one in enumerate(self.departures) if one.to_broker and one.is_write), None
        )
        if write is None:
            raise ValueError(f"no write went to the broker: {[one.name for one in self.departures]}")
        before, after = self.departures[:write], self.departures[write:]
        return _names(before, except_table), _names(after, except_table)

    def _note_call(self, request: Any, event_name: str, **_: object) -> None:
        name = event_name.removeprefix("before-send.")
        self.departures.append(Departure(name, to_broker=False, body=request.body or b""))


@dataclass(frozen=True)
class NotingTransport:
    """Implements `ports.Transport` over another one, and notes what it sends."""

    inner: Transport
    journal: Journal

    def sender(self, endpoint: str, *, not_after: datetime | None) -> Send:
        send_on = self.inner.sender(endpoint, not_after=not_after)

        def send(request: HttpRequest) -> HttpResponse:
            self.journal.note_broker(request)
            return send_on(request)

        return send


def _names(departures: list[Departure], except_table: str | None) -> list[str]:
    calls = [one for one in departures if not one.to_broker]
    if except_table is None:
        return [one.name for one in calls]
    return [one.name for one in calls if one.tables != {except_table}]


def _tables(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("TableName"), str):
            yield value["TableName"]
        yield from value.get("RequestItems", {})
        for inner in value.get("TransactItems", []):
            for operation in inner.values():
                yield from _tables(operation)
