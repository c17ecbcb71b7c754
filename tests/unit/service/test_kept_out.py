"""A broker that keeps out whoever goes on is asked once: the order would be too old by the time that it listens."""

from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

import pytest

from order_router.adapter.errors import RateLimited
from order_router.brokers import paper
from order_router.domain.lifecycle import State
from order_router.domain.vocabulary import Source
from tests.fakes.world import World


@dataclass
class TooFast:
    """The paper broker, as one that refuses for want of pace."""

    keeps_out_s: float
    asked: list[object] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(paper, name)

    def place_order(self, _send: object, _session: object, intent: object) -> NoReturn:
        self.asked.append(intent)
        raise RateLimited("Too many requests", broker_code="429", keeps_out_s=self.keeps_out_s)


def placed_at(broker: TooFast, source: Source) -> Any:
    world, as_broker = World(), broker
    kind: Any = as_broker
    world.desk = replace(world.desk, broker_of=lambda _: kind)
    return world.place(source=source).order


@pytest.mark.parametrize("source", Source)
def test_an_order_that_would_be_too_old_is_asked_for_once_and_refused(source: Source) -> None:
    broker = TooFast(keeps_out_s=600)

    order = placed_at(broker, source)

    assert len(broker.asked) == 1
    assert (order.state, order.reason and order.reason.code) == (State.REFUSED, "BROKER_RATE_LIMITED")


def test_a_broker_that_listens_again_at_once_is_asked_again() -> None:
    broker = TooFast(keeps_out_s=0)

    placed_at(broker, Source.API)

    assert len(broker.asked) > 1


@pytest.mark.parametrize(("keeps_out_s", "is_asked_again"), [(10, True), (10.001, False)])
def test_a_broker_that_listens_again_at_the_order_s_last_moment_is_asked_again(
    keeps_out_s: float, *, is_asked_again: bool
) -> None:
    broker = TooFast(keeps_out_s)

    placed_at(broker, Source.API)

    assert (len(broker.asked) > 1) is is_asked_again
