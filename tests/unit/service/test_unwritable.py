"""One order whose record cannot be written: the others of its account are settled all the same."""

from collections.abc import Callable
from datetime import datetime

import pytest

from order_router.domain.gate import Gate
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.order import Order, Ownership, take_ownership
from order_router.domain.vocabulary import Source
from order_router.ports import StoreUnavailable
from order_router.service.place import order_of
from order_router.service.reconcile import reconcile_account
from order_router.service.recording import TRIES
from order_router.service.timing import RECONCILE_AGAIN_FOR
from tests.fakes.transport import Fault
from tests.fakes.world import World


@pytest.fixture
def world() -> World:
    return World()


def refuse(world: World, stuck: Order, error: Exception) -> None:
    """Let no record of this order be written any more."""
    write = world.store.write

    def refusing(order: Order, *, replacing: Order | None, gate: Gate | None = None) -> datetime | None:
        if order.client_order_id == stuck.client_order_id:
            raise error
        return write(order, replacing=replacing, gate=gate)

    world.store.write = refusing  # type: ignore[method-assign]


def resting(world: World) -> Order:
    """Return an order that has filled at the broker since it was last looked at."""
    order = world.place("resting", limit_price="1400").order
    world.set_price("NSE:INFY", "1399.95")
    world.clock.advance(1)
    return order


def abandoned(world: World) -> Order:
    """Return an order whose worker died while it was sending."""
    born = order_of(world.command("abandoned"), world.desk.account("paper"))
    order = take_ownership(born, Ownership("dead", world.clock.now()), world.clock.now())
    world.store.write(order, replacing=None)
    return order


def never_sent(world: World) -> Order:
    """Return an order that waits in its queue and becomes too old there."""
    order = order_of(world.command("never sent", source=Source.ALERT), world.desk.account("paper"))
    world.store.write(order, replacing=None)
    return order


STUCK: dict[str, Callable[[World], Order]] = {
    "resting": resting,
    "abandoned": abandoned,
    "never sent": never_sent,
}
ERRORS = [StoreUnavailable("writing an order: ValidationException"), ValueError("a record of no release")]


@pytest.mark.parametrize("error", ERRORS, ids=["store", "defect"])
@pytest.mark.parametrize("stuck", STUCK)
def test_an_order_that_cannot_be_written_does_not_keep_the_others_waiting(
    world: World, stuck: str, error: Exception
) -> None:
    refuse(world, STUCK[stuck](world), error)
    world.transport.writes = [Fault.REQUEST_LOST]
    lost = world.place("lost").order
    world.clock.advance(11)

    settled = reconcile_account(world.desk, "paper")

    assert world.stored(lost).has(EventKind.PERSON_TOLD)
    assert (settled.unknown, settled.failed) == (1, 1)
    assert world.metrics.of("unsettled_orders")[-1] == 1


def test_an_order_that_could_not_be_settled_is_looked_at_again_while_it_is_young(world: World) -> None:
    refuse(world, resting(world), ERRORS[0])
    world.reconcile.asked.clear()

    reconcile_account(world.desk, "paper")
    asked = len(world.reconcile.asked)
    world.clock.advance(RECONCILE_AGAIN_FOR.total_seconds())
    reconcile_account(world.desk, "paper")

    assert (asked, len(world.reconcile.asked)) == (1, 1)


def test_an_order_whose_loss_cannot_be_written_is_not_settled_as_if_it_were(world: World) -> None:
    order = abandoned(world)
    world.clock.advance(25 * 3600)
    world.store.fail_next = ["before"] * TRIES

    reconcile_account(world.desk, "paper")

    assert world.stored(order).state is State.SUBMITTING
