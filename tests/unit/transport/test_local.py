"""Brokers inside the process, and the choice of a transport by scheme."""

from datetime import timedelta

import pytest

from order_router.adapter.errors import DeadlinePassed, OutcomeUnknown, Rejected
from order_router.adapter.http import HttpRequest, HttpResponse
from order_router.ports import StoreUnavailable
from order_router.transport.clock import SystemClock
from order_router.transport.http_transport import HttpTransport
from order_router.transport.local import LocalTransport, RoutingTransport
from order_router.transport.wire import Unsendable
from tests.fakes.clock import FakeClock

ENDPOINT = "paper://exchange"
PLACE = HttpRequest(method="POST", url=f"{ENDPOINT}/orders", is_write=True)


def accept(request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=200, body=request.method.encode())


def raising(error: Exception) -> LocalTransport:
    def handler(_: HttpRequest) -> HttpResponse:
        raise error

    return LocalTransport(FakeClock(), {ENDPOINT: handler})


def test_a_request_reaches_the_handler_of_its_endpoint() -> None:
    send = LocalTransport(FakeClock(), {ENDPOINT: accept}).sender(ENDPOINT, not_after=None)

    assert send(PLACE).body == b"POST"


def test_a_late_write_does_not_reach_the_handler() -> None:
    clock = FakeClock()
    send = LocalTransport(clock, {ENDPOINT: accept}).sender(ENDPOINT, not_after=clock.now())
    assert send(PLACE).status == 200

    clock.advance(0.001)

    with pytest.raises(DeadlinePassed):
        send(PLACE)
    assert send(HttpRequest(method="GET", url=ENDPOINT)).status == 200


def test_a_handler_whose_store_fails_leaves_the_outcome_unknown() -> None:
    send = raising(StoreUnavailable("no answer")).sender(ENDPOINT, not_after=None)

    with pytest.raises(OutcomeUnknown):
        send(PLACE)


def test_a_handler_may_say_what_is_known() -> None:
    send = raising(Rejected("no")).sender(ENDPOINT, not_after=None)

    with pytest.raises(Rejected):
        send(PLACE)


def test_an_unknown_endpoint_or_a_url_outside_it_never_leaves() -> None:
    transport = LocalTransport(FakeClock(), {ENDPOINT: accept})

    with pytest.raises(Unsendable):
        transport.sender("paper://other", not_after=None)
    with pytest.raises(Unsendable):
        transport.sender(ENDPOINT, not_after=None)(HttpRequest(method="GET", url="paper://exchange2/orders"))


def test_the_scheme_chooses_the_transport() -> None:
    clock = FakeClock()
    http = HttpTransport(clock)
    transport = RoutingTransport(
        {"paper": LocalTransport(clock, {ENDPOINT: accept}), "https": http, "http": http}
    )

    assert transport.sender(ENDPOINT, not_after=None)(PLACE).status == 200
    assert callable(transport.sender("https://api.broker.example", not_after=None))
    with pytest.raises(Unsendable):
        transport.sender("ftp://api.broker.example", not_after=None)


def test_the_system_clock_tells_aware_utc() -> None:
    assert SystemClock().now().utcoffset() == timedelta(0)
