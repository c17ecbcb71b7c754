"""The order of a transport's first steps: what is too late is found out before anything is tried."""

from datetime import timedelta

import pytest

from order_router.adapter.errors import DeadlinePassed, NotSent
from order_router.adapter.http import HttpRequest
from order_router.transport.http_transport import HttpTransport
from tests.fakes.clock import FakeClock

NOBODY = "http://127.0.0.1:1"
"""A port where nothing listens."""


@pytest.mark.parametrize(("late_by_us", "error"), [(0, NotSent), (1, DeadlinePassed)])
def test_a_write_that_is_too_late_does_not_even_look_for_its_broker(
    late_by_us: int, error: type[NotSent]
) -> None:
    clock = FakeClock()
    send = HttpTransport(clock).sender(NOBODY, not_after=clock.now() - timedelta(microseconds=late_by_us))

    with pytest.raises(NotSent) as raised:
        send(HttpRequest(method="POST", url=NOBODY + "/orders", is_write=True))

    assert type(raised.value) is error
