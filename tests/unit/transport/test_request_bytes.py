"""A request to the byte: where it goes, how long it says it is, and what it does not show."""

import pytest

from order_router import __version__
from order_router.adapter.http import HttpRequest
from order_router.transport.wire import read_origin, request_bytes, require_within

HOST = "https://api.broker.example"


@pytest.mark.parametrize(
    ("endpoint", "port"),
    [
        (HOST, 443),
        (HOST + ":8443", 8443),
        ("http://127.0.0.1", 80),
        ("http://127.0.0.1:9", 9),
        ("http://[::1]", 80),
    ],
)
def test_a_scheme_has_its_port_unless_another_is_named(endpoint: str, port: int) -> None:
    assert read_origin(endpoint).port == port


def test_one_host_is_one_origin_whatever_path_its_endpoint_has() -> None:
    assert read_origin(HOST + "/one") == read_origin(HOST + "/two")
    assert "canary" not in repr(read_origin(HOST + "/canary"))


@pytest.mark.parametrize(
    ("method", "body", "length"),
    [
        ("GET", b"", []),
        ("DELETE", b"", []),
        ("DELETE", b"{}", [b"Content-Length: 2"]),
        ("POST", b"", [b"Content-Length: 0"]),
        ("PUT", b"", [b"Content-Length: 0"]),
        ("POST", b"{}", [b"Content-Length: 2"]),
    ],
)
def test_a_request_says_how_long_its_body_is_where_it_may_have_one(
    method: str, body: bytes, length: list[bytes]
) -> None:
    request = HttpRequest(method=method, url=HOST + "/orders", body=body)

    head = request_bytes(read_origin(HOST), request).partition(b"\r\n\r\n")[0].split(b"\r\n")

    assert [line for line in head if line.startswith(b"Content-Length")] == length


@pytest.mark.parametrize(
    ("headers", "agent"),
    [({}, f"order-router/{__version__}"), ({"user-agent": "Kiteconnect"}, "Kiteconnect")],
)
def test_a_request_says_who_sends_it_once(headers: dict[str, str], agent: str) -> None:
    request = HttpRequest(method="GET", url=HOST, headers=headers)

    head = request_bytes(read_origin(HOST), request).decode().split("\r\n")

    assert [line for line in head if line.lower().startswith("user-agent")] == [f"User-Agent: {agent}"]


@pytest.mark.parametrize("rest", ["", "/orders", "?a=1"])
def test_what_follows_the_endpoint_is_told(rest: str) -> None:
    assert require_within(HOST, HOST + rest) == rest
