"""An order that has not left is cancelled here: it ends, and no worker sends it any more."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from order_router.domain.account import Account
from order_router.domain.gate import Gate
from order_router.domain.kill_switch import KillSwitch, StopScope
from order_router.domain.kill_work import GIVE_UP, Phase
from order_router.domain.lifecycle import State
from order_router.domain.limits import STARTING
from order_router.domain.meter import GROSS, OPEN, RESERVED, Counted
from order_router.domain.order import Order
from order_router.domain.vocabulary import Source
from order_router.ports import PlaceOrder
from order_router.service.change import cancel_all, cancel_order, modify_order
from order_router.service.changeable import OrderEnded, OrderUnsettled
from order_router.service.kill_switch import Engage, engage
from order_router.service.place import StillUnsent, order_of, place_order, resume_order
from order_router.service.reconcile import reconcile_account
from tests.fakes.kill import KillWorld
from tests.fakes.transport import Fault
from tests.fakes.world import World

CODE = "CANCELLED_BEFORE_SENDING"


@pytest.fixture
def world() -> World:
    return World()


def alert(world: World, key: str, **changes: Any) -> Order:
    return world.place(key, source=Source.ALERT, **({"strategy": "demo"} | changes)).order


def held(world: World) -> Order:
    """Return an entry that is held behind one of its strategy that never reached the broker."""
    world.transport.writes = [Fault.REQUEST_LOST]
    alert(world, "lost")
    order = alert(world, "entry")
    assert order.is_held
    return order


def unsent(world: World) -> PlaceOrder:
    """Return the command of an alert that could not leave, and whose message will come again."""
    command = world.command("unsent", source=Source.ALERT, limit_price="1400")
    world.transport.writes = [Fault.REFUSED] * 99
    with pytest.raises(StillUnsent):
        place_order(world.desk, command)
    world.transport.writes = []
    return command


def before_the_next_write(world: World, what: Callable[[], object]) -> None:
    write, waiting = world.store.write, [what]

    def interrupted(order: Order, *, replacing: Order | None, gate: Gate | None = None) -> datetime | None:
        while waiting:
            waiting.pop()()
        return write(order, replacing=replacing, gate=gate)

    world.store.write = interrupted  # type: ignore[method-assign]


def end_of(order: Order) -> tuple[State, str | None]:
    return order.state, None if order.reason is None else order.reason.code


def test_a_held_order_that_is_cancelled_ends_and_is_not_sent_when_the_hold_ends(world: World) -> None:
    entry = held(world)

    cancelled = cancel_order(world.desk, entry.client_order_id)
    world.store.tables.holds.clear()
    resumed = resume_order(world.desk, entry.client_order_id)

    assert cancelled.is_settled
    assert end_of(cancelled.order) == (State.REFUSED, CODE)
    assert resumed == cancelled.order == world.stored(entry)
    assert world.at_broker() == []
    told = [
        notice.kind for notice in world.notifier.notices if notice.client_order_id == entry.client_order_id
    ]
    assert told == ["held", "refused"]


def test_a_cancelled_order_is_released_by_no_look(world: World) -> None:
    entry = held(world)
    cancel_order(world.desk, entry.client_order_id)
    world.store.tables.holds.clear()

    reconcile_account(world.desk, "paper")

    assert world.order_queue.resumed == []


def test_an_order_whose_message_comes_again_after_its_cancel_is_not_sent(world: World) -> None:
    command = unsent(world)
    [outcome] = cancel_all(world.desk, "paper")

    again = place_order(world.desk, command)

    assert (outcome.outcome, outcome.error) == ("refused", None)
    assert (again.order, again.is_replay) == (outcome.order, True)
    assert world.at_broker() == []


def test_what_a_cancelled_order_was_counted_with_is_given_back(world: World) -> None:
    world.settings.put_account(Account(name="paper", broker="paper", limits=STARTING))
    unsent(world)
    counted = Counted("account", "paper").item_of(world.clock.now().date())
    before = dict(world.desk.meters.read(counted))

    cancel_all(world.desk, "paper")

    after = dict(world.desk.meters.read(counted))
    assert [before[OPEN], before[GROSS], before[RESERVED]] == [1, 7000, 7000]
    assert [after[OPEN], after[GROSS], after[RESERVED]] == [0, 0, 0]


def test_an_order_that_a_worker_has_begun_to_send_is_not_ended_by_a_cancel(world: World) -> None:
    entry = held(world)
    world.store.tables.holds.clear()
    before_the_next_write(world, lambda: resume_order(world.desk, entry.client_order_id))

    with pytest.raises(OrderEnded, match="is filled"):
        cancel_order(world.desk, entry.client_order_id)

    assert world.stored(entry).state is State.FILLED
    assert len(world.at_broker()) == 1


def test_an_order_that_is_refused_as_it_is_cancelled_was_not_cancelled(world: World) -> None:
    command = unsent(world)

    def refused() -> None:
        world.store.set_switch("kill#global", engaged=True)
        place_order(world.desk, command)

    before_the_next_write(world, refused)

    with pytest.raises(OrderEnded, match="is refused"):
        cancel_order(world.desk, order_of(command, world.desk.account("paper")).client_order_id)


def test_an_order_that_is_on_its_way_as_it_is_cancelled_is_told_as_such(world: World) -> None:
    entry = held(world)
    world.store.tables.holds.clear()
    world.transport.writes = [Fault.REQUEST_LOST]
    before_the_next_write(world, lambda: resume_order(world.desk, entry.client_order_id))

    with pytest.raises(OrderUnsettled, match="is unknown"):
        cancel_order(world.desk, entry.client_order_id)


def test_a_worker_that_is_about_to_send_finds_the_order_cancelled(world: World) -> None:
    entry = held(world)
    world.store.tables.holds.clear()
    before_the_next_write(world, lambda: cancel_order(world.desk, entry.client_order_id))

    resumed = resume_order(world.desk, entry.client_order_id)

    assert resumed is not None
    assert end_of(resumed) == (State.REFUSED, CODE)
    assert world.at_broker() == []


def test_an_order_that_was_cancelled_before_it_was_sent_has_ended(world: World) -> None:
    entry = held(world)
    cancel_order(world.desk, entry.client_order_id)

    with pytest.raises(OrderEnded, match="is refused"):
        modify_order(world.desk, entry.client_order_id, {"quantity": 7})
    with pytest.raises(OrderEnded, match="is refused"):
        cancel_order(world.desk, entry.client_order_id)


def test_an_order_that_has_not_left_cannot_be_modified(world: World) -> None:
    with pytest.raises(OrderUnsettled):
        modify_order(world.desk, held(world).client_order_id, {"quantity": 7})


def test_a_kill_switch_that_cancels_ends_what_has_not_left_and_waits_for_none_of_it() -> None:
    kill = KillWorld()
    unsent(kill.world)
    paper, began = KillSwitch(StopScope.ACCOUNT, "paper"), kill.world.clock.now()
    engage(kill.desk, Engage(switch=paper, by="k-admin", cancels_open=True))

    kill.run_passes()

    assert kill.work().phase is Phase.DONE
    assert kill.world.clock.now() - began < min(GIVE_UP, timedelta(seconds=10))
    assert [line.outcome for line in kill.work().cancels] == ["refused"]
    assert kill.told("kill_outcome")[-1].endswith("done; 1 of 1 open orders cancelled")
