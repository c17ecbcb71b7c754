"""HTTP as values: an adapter builds a request and reads a response, and opens nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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
