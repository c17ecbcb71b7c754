"""A reading of many requests goes no faster than its broker lets one user ask; a defect in it has a code."""

from dataclasses import replace
from typing import Any

import pytest

from order_router.adapter.errors import AdapterDefect
from order_router.adapter.http import HttpRequest, HttpResponse
from order_router.brokers import paper
from order_router.domain.account import Account
from order_router.service.asking import ask
from order_router.service.desk import ReadingDesk
from tests.fakes.world import World

PAPER = Account(name="paper", broker="paper")
REQUEST = HttpRequest(method="GET", url="paper://exchange/funds")


class Metered:
    """The paper broker, that lets one user ask so often."""

    def __init__(self, reads_per_second: int | None) -> None:
        self.profile = replace(paper.profile, reads_per_second=reads_per_second)


class Sending:
    """Notes when each request left; one takes as long as it is told."""

    def __init__(self, world: World, takes_s: float) -> None:
        self.world, self.takes_s = world, takes_s
        self.left_at: list[float] = []

    def sender(self, *_: Any, **__: Any) -> Any:
        began = self.world.clock.now()

        def send(_: HttpRequest) -> HttpResponse:
            self.left_at.append((self.world.clock.now() - began).total_seconds())
            self.world.clock.advance(self.takes_s)
            return HttpResponse(status=200)

        return send


def left_at(rate: int | None, takes_s: float, count: int = 4) -> list[float]:
    world = World()
    sending, broker = Sending(world, takes_s), Metered(rate)
    as_broker: Any = broker
    as_transport: Any = sending
    desk = ReadingDesk(
        sessions=world.sessions, broker_of=lambda _: as_broker, transport=as_transport, clock=world.clock
    )
    ask(desk, PAPER, lambda _, send, __: [send(REQUEST) for _ in range(count)])
    return sending.left_at


@pytest.mark.parametrize(
    ("rate", "takes_s", "times"),
    [
        (None, 0, [0, 0, 0, 0]),
        (5, 0, [0, 0.2, 0.4, 0.6]),
        (5, 0.15, [0, 0.2, 0.4, 0.6]),
        (5, 0.5, [0, 0.5, 1.0, 1.5]),
    ],
)
def test_requests_of_one_reading_leave_at_the_brokers_pace_and_no_slower(
    rate: int | None, takes_s: float, times: list[float]
) -> None:
    assert left_at(rate, takes_s) == pytest.approx(times)


def test_what_an_adapter_trips_over_has_a_code_and_tells_nothing_of_the_answer() -> None:
    world = World()
    desk = ReadingDesk(
        sessions=world.sessions,
        broker_of=world.desk.broker_of,
        transport=world.desk.transport,
        clock=world.clock,
    )

    with pytest.raises(AdapterDefect, match=r"^the broker adapter failed with KeyError$"):
        ask(desk, PAPER, lambda *_: {"status": "ok"}["what the vendor sent"])


def test_the_first_request_of_each_reading_leaves_at_once() -> None:
    assert left_at(1, 0, count=1) == [0]
