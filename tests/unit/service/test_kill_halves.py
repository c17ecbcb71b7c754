"""An exit that is rejected where nobody knows the most that one order may ask for is asked for again in halves."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from order_router.adapter.errors import Rejected
from order_router.brokers import paper
from order_router.domain.kill_work import Phase
from order_router.ports import StoreUnavailable
from order_router.service.kill_exits import MAX_EXITS
from tests.fakes.kill import KillWorld
from tests.fakes.listed import a_share
from tests.fakes.stopping import hold, limit, pass_at, positions, stop
from tests.fakes.transport import Fault

FROZEN = "quantity is more than the freeze quantity"


@pytest.fixture
def kill() -> KillWorld:
    return KillWorld()


def freeze(kill: KillWorld, most: int) -> list[int]:
    """Let the exchange reject every order for more; return the quantities that it is asked for from now on."""
    asked: list[int] = []
    handle = kill.world.handlers["paper://exchange"]

    def freezing(request: Any) -> Any:
        if request.method == "POST":
            asked.append(int(json.loads(request.body)["quantity"]))
            if asked[-1] > most:
                raise Rejected(FROZEN)
        return handle(request)

    kill.world.handlers["paper://exchange"] = freezing
    return asked


def list_infy(kill: KillWorld, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    listing = replace(a_share("NSE:INFY"), tick_size=Decimal("0.05"), **changes)
    kill.world.listings["paper"].put(listing)
    monkeypatch.setattr(paper, "profile", replace(paper.profile, has_master=True))


def sizes(kill: KillWorld) -> list[tuple[int, str | None]]:
    return [(line.quantity, line.state) for line in kill.work().exits]


@pytest.mark.parametrize(("held", "sold"), [("BUY", "SELL"), ("SELL", "BUY")])
def test_an_exit_beyond_an_unknown_freeze_quantity_is_closed_in_halves_and_each_is_told(
    kill: KillWorld, held: str, sold: str
) -> None:
    hold(kill, "k-1", side=held, quantity=25)
    asked = freeze(kill, 10)
    stop(kill, closes_positions=True)

    kill.run_passes()

    assert positions(kill) == {}
    assert asked == [25, 13, 12, 7, 6, 6, 6]
    assert sizes(kill) == [(7, "filled"), (6, "filled"), (6, "filled"), (6, "filled")]
    assert kill.work().problems == ()
    first, *others = kill.told("kill_outcome")
    assert first == (
        f"kill switch, closing {sold} 25 NSE:INFY MIS: rejected (ORDER_REJECTED: {FROZEN}); "
        "asked for again in parts of 13 and 12"
    )
    assert len(others) == 2 + 4 + 1
    assert others[-1].endswith("4 of 4 exits filled")


def test_halves_leave_in_the_pass_after_they_were_written_down(kill: KillWorld) -> None:
    hold(kill, "k-1", quantity=20)
    asked = freeze(kill, 10)
    stop(kill, closes_positions=True)
    pass_at(kill, 3)

    work = pass_at(kill, 4)

    assert (work.phase, asked) == (Phase.CLOSING, [20])
    assert [(line.quantity, line.state, line.is_final) for line in work.exits] == [(10, None, False)] * 2
    assert len({line.client_order_id for line in work.exits}) == 2


def test_halves_are_the_same_orders_when_their_pass_comes_again(kill: KillWorld) -> None:
    hold(kill, "k-1", quantity=20)
    asked = freeze(kill, 10)
    stop(kill, closes_positions=True)
    planned = pass_at(kill, 3)
    name, work_id, delay_s = kill.queue.asked[0]
    once = pass_at(kill, 4)

    # the worker died before it wrote the halves down
    kill.works._works["paper"] = planned
    kill.queue.asked = [(name, work_id, delay_s)]
    kill.run_passes()

    assert {line.client_order_id for line in kill.work().exits} == {one.client_order_id for one in once.exits}
    assert positions(kill) == {}
    assert asked == [20, 10, 10]


def test_what_is_rejected_whatever_its_size_is_halved_three_times_and_left(kill: KillWorld) -> None:
    hold(kill, "k-1", quantity=80)
    asked = freeze(kill, 0)
    stop(kill, closes_positions=True)

    kill.run_passes()

    assert asked == [80] + [40] * 2 + [20] * 4 + [10] * 8
    assert positions(kill) == {"NSE:INFY MIS": 80}
    assert kill.work().problems[0].count("SELL 10 NSE:INFY MIS rejected") == 8


@pytest.mark.parametrize(("quantity", "lot", "asked"), [(1, 1, [1]), (4, 4, [4]), (12, 4, [12, 8, 4, 4, 4])])
def test_no_half_is_below_a_lot(
    kill: KillWorld, monkeypatch: pytest.MonkeyPatch, quantity: int, lot: int, asked: list[int]
) -> None:
    hold(kill, "k-1", quantity=quantity)
    list_infy(kill, monkeypatch, lot_size=lot)
    seen = freeze(kill, 0)
    stop(kill, closes_positions=True)

    kill.run_passes()

    assert seen == asked


def test_where_the_freeze_quantity_is_known_a_rejection_is_the_end(
    kill: KillWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold(kill, "k-1", quantity=8)
    list_infy(kill, monkeypatch, freeze_quantity=10)
    asked = freeze(kill, 0)
    stop(kill, closes_positions=True)

    kill.run_passes()

    assert asked == [8]
    assert len(kill.work().problems) == 1


def test_only_what_was_rejected_is_halved(kill: KillWorld) -> None:
    hold(kill, "k-1", quantity=8)
    stop(kill, closes_positions=True)
    pass_at(kill, 3)
    kill.world.transport.writes = [Fault.REQUEST_LOST]

    kill.run_passes()

    assert [line.quantity for line in kill.work().exits] == [8]


@pytest.mark.parametrize("planned", [MAX_EXITS, MAX_EXITS - 1, MAX_EXITS - 2])
def test_halves_find_room_in_the_record_or_are_not_made(kill: KillWorld, planned: int) -> None:
    hold(kill, "k-1", quantity=2 * planned - 1)
    limit(kill, max_quantity=2)
    freeze(kill, 1)
    stop(kill, closes_positions=True)

    kill.run_passes()

    assert max(len(work.exits) for work in kill.works.written) == MAX_EXITS
    # the odd one fills, and both halves of each one that found room
    assert [line.state for line in kill.work().exits].count("filled") == 1 + 2 * (MAX_EXITS - planned)


def test_a_lot_that_nobody_can_look_up_leaves_the_exit_rejected(
    kill: KillWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold(kill, "k-1", quantity=8)
    list_infy(kill, monkeypatch)
    asked = freeze(kill, 0)
    stop(kill, closes_positions=True)
    pass_at(kill, 3)
    get, seen = kill.world.store.get, []

    def fails_at_the_end(order_id: str) -> Any:
        found = get(order_id)
        if found is not None and found.state.is_final:
            seen.append(order_id)
            raise StoreUnavailable("reading an order: Throttled")
        return found

    monkeypatch.setattr(kill.world.store, "get", fails_at_the_end)

    work = pass_at(kill, 4)

    assert asked == [8]
    assert (len(seen), work.phase) == (1, Phase.DONE)
    assert "rejected" in work.problems[0]


@pytest.mark.parametrize(("freeze_quantity", "max_quantity"), [(10, 7), (7, 10)])
def test_a_part_is_within_the_freeze_quantity_and_the_account_s_limit(
    kill: KillWorld, monkeypatch: pytest.MonkeyPatch, freeze_quantity: int, max_quantity: int
) -> None:
    hold(kill, "k-1", quantity=25)
    list_infy(kill, monkeypatch, freeze_quantity=freeze_quantity)
    limit(kill, max_quantity=max_quantity)
    stop(kill, closes_positions=True)

    work = pass_at(kill, 3)

    quantities = [line.quantity for line in work.exits]
    assert (sum(quantities), max(quantities)) == (25, 7)


def test_what_is_listed_no_more_is_closed_in_parts_of_the_account_s_limit(
    kill: KillWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold(kill, "k-1", quantity=25)
    monkeypatch.setattr(paper, "profile", replace(paper.profile, has_master=True))
    limit(kill, max_quantity=7)
    stop(kill, closes_positions=True)

    work = pass_at(kill, 3)

    quantities = [line.quantity for line in work.exits]
    assert (sum(quantities), max(quantities)) == (25, 7)
