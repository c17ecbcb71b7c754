"""A request as bytes, pure: which host it may go to, and nothing in it that could be read in two ways."""

import re
from dataclasses import dataclass, field
from ipaddress import ip_address

from order_router import __version__
from order_router.adapter.errors import Unsupported
from order_router.adapter.http import HttpRequest

ENDPOINT = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<netloc>(?:(?P<name>[A-Za-z0-9.-]+)|\[(?P<ipv6>[0-9A-Fa-f:.]+)\])(?::(?P<port>[0-9]{1,5}))?)"
    r"(?:/[!-~]*[!-.0-~])?"
)
PORTS = {"https": 443, "http": 80}
METHOD = re.compile(r"[A-Z]{3,10}")
TARGET = re.compile(r"[!-~]+")
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
HEADER_VALUE = re.compile(r"[\t\x20-\x7e\xa0-\xff]*")
OURS = frozenset({"host", "connection", "transfer-encoding", "accept-encoding"})
METHODS_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


class Unsendable(Unsupported):
    """The request or its endpoint is malformed (a defect or a wrong setting): nothing left or ever will."""

    code = "REQUEST_UNSENDABLE"


@dataclass(frozen=True, slots=True)
class Origin:
    """A host that requests may go to. `endpoint` is the address that every URL must begin with."""

    scheme: str
    host: str
    port: int
    netloc: str
    endpoint: str = field(repr=False, compare=False)

    def __str__(self) -> str:
        return f"{self.scheme}://{self.netloc}"


def read_origin(endpoint: str) -> Origin:
    """Read a broker's address: https, or http on this machine; no trailing slash; Unsendable otherwise."""
    found = ENDPOINT.fullmatch(endpoint)
    if found is None:
        raise Unsendable("expected an endpoint like https://host/path without a trailing slash")
    scheme, host = found["scheme"], found["name"] or found["ipv6"]
    port = int(found["port"] or PORTS[scheme])
    if scheme == "http" and not _is_loopback(host):
        raise Unsendable(f"expected https, received http for {host}: plain http is for this machine only")
    return Origin(scheme, host, port, found["netloc"], endpoint)


def request_bytes(origin: Origin, request: HttpRequest) -> bytes:
    """Return the bytes of the request; Unsendable if it leaves its endpoint or could be read in two ways."""
    target = _target(origin, request)
    headers = dict(_checked_headers(request))
    headers.setdefault("User-Agent", f"order-router/{__version__}")
    lines = [f"{request.method} {target} HTTP/1.1", f"Host: {origin.netloc}", "Accept-Encoding: gzip"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if request.body or request.method in METHODS_WITH_BODY:
        lines.append(f"Content-Length: {len(request.body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + request.body


def require_within(endpoint: str, url: str) -> str:
    """Return what follows the endpoint in the URL; Unsendable if it is elsewhere: so no token goes astray."""
    rest = url.removeprefix(endpoint)
    if not url.startswith(endpoint) or (rest and rest[0] not in "/?"):
        raise Unsendable("the request's URL does not begin with the endpoint of its session")
    return rest


def _target(origin: Origin, request: HttpRequest) -> str:
    require_within(origin.endpoint, request.url)
    target = request.url[len(f"{origin.scheme}://{origin.netloc}") :]
    target = target if target.startswith("/") else f"/{target}"
    if not METHOD.fullmatch(request.method) or not TARGET.fullmatch(target) or "#" in target:
        raise Unsendable("the request's method or URL has a character that must be encoded")
    return target


def _checked_headers(request: HttpRequest) -> list[tuple[str, str]]:
    checked = []
    for name, value in request.headers.items():
        lowered = name.lower()
        if not HEADER_NAME.fullmatch(name) or not HEADER_VALUE.fullmatch(value):
            raise Unsendable("a request header has a character that headers may not have")
        if lowered in OURS or (lowered == "content-length" and value != str(len(request.body))):
            raise Unsendable(f"the transport sets the header {lowered} itself")
        if lowered != "content-length":
            checked.append(("User-Agent" if lowered == "user-agent" else name, value))
    return checked


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
