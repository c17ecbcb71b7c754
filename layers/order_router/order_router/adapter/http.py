"""HTTP as values: an adapter builds a request and reads a response, and opens nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """One request as it goes on the wire. Headers and body may hold secrets: neither shows in the repr."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    body: bytes = field(default=b"", repr=False)
    is_write: bool = False
    """True where sending twice could do something twice: such a request meets its deadline or does not leave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpResponse:
    """One answer; header names are lower case, the body is decompressed bytes."""

    status: int
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    body: bytes = field(default=b"", repr=False)


Send = Callable[[HttpRequest], HttpResponse]
"""Send one request, once. Raises NotSent when it provably did not leave, OutcomeUnknown when it may have."""


def never_repeating(send: Send) -> Send:
    """Return a Send under which nothing goes out twice by itself, as a login must not: a second may end the first."""

    def send_once(request: HttpRequest) -> HttpResponse:
        return send(replace(request, is_write=True))

    return send_once
