"""Which address a function's calls come from."""

import pytest

from order_router.adapter.http import HttpRequest, HttpResponse
from order_router.service.egress import AddressUnreadable, seen_address
from order_router.transport.local import LocalTransport
from tests.fakes.clock import FakeClock

ECHO = "https://echo.example"


def seen(answer: HttpResponse) -> str:
    asked: list[HttpRequest] = []

    def handle(request: HttpRequest) -> HttpResponse:
        asked.append(request)
        return answer

    found = seen_address(LocalTransport(FakeClock(), {ECHO: handle}), ECHO)
    assert [(one.method, one.url, one.is_write, one.body) for one in asked] == [
        ("GET", f"{ECHO}/", False, b"")
    ]
    return found


@pytest.mark.parametrize(
    ("body", "address"),
    [(b"13.200.1.2\n", "13.200.1.2"), (b"2406:da1a::1", "2406:da1a::1")],
)
def test_the_address_is_what_the_echo_saw(body: bytes, address: str) -> None:
    assert seen(HttpResponse(status=200, body=body)) == address


@pytest.mark.parametrize(
    "answer",
    [
        HttpResponse(status=200, body=b"<html>13.200.1.2</html>"),
        HttpResponse(status=200, body=b""),
        HttpResponse(status=200, body=b"13.200.1.2, 10.0.0.1"),
        HttpResponse(status=200, body=b"\xff" * 500),
        HttpResponse(status=302, body=b"13.200.1.2"),
        HttpResponse(status=503, body=b"13.200.1.2"),
    ],
)
def test_what_is_no_address_is_never_taken_for_one(answer: HttpResponse) -> None:
    with pytest.raises(AddressUnreadable):
        seen(answer)
