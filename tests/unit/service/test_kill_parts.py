"""Parts of a close and what they leave each other: none takes what is not there, none waits for what it need not."""

from typing import Any

import pytest

from order_router.adapter.errors import OutcomeUnknown
from order_router.service.reconcile import reconcile_account
from order_router.service.timing import PASS_TIME
from tests.fakes.kill import KillWorld
from tests.fakes.relisted import relist
from tests.fakes.stopping import hold, limit, pass_at, positions, stop


@pytest.fixture
def kill() -> KillWorld:
    return KillWorld()


@pytest.mark.parametrize("is_listed", [True, False])
@pytest.mark.parametrize(("held", "elsewhere"), [("BUY", "SELL"), ("SELL", "BUY")])
def test_a_single_unit_that_somebody_else_closed_is_not_opened_the_other_way(
    kill: KillWorld, held: str, elsewhere: str, *, is_listed: bool
) -> None:
    hold(kill, "k-1", side=held, quantity=1)
    stop(kill, closes_positions=True, lets_exits=True)
    pass_at(kill, 3)
    hold(kill, "elsewhere", side=elsewhere, quantity=1, position_effect="CLOSE")
    if not is_listed:
        list_only_what_is_held(kill)

    kill.run_passes()

    assert [(line.state, line.code) for line in kill.work().exits] == [(None, "POSITION_CHANGED")]
    assert positions(kill) == {}


def list_only_what_is_held(kill: KillWorld) -> None:
    """Let the exchange leave out positions that were closed."""
    relist(kill.world, lambda rows: [row for row in rows if int(row["quantity"]) != 0])


def lose_by_hand(kill: KillWorld, quantity: int) -> None:
    """Let the exchange show so many units less, as somebody sold them in its own app."""
    relist(kill.world, lambda rows: [{**row, "quantity": int(row["quantity"]) - quantity} for row in rows])


@pytest.mark.parametrize(("elsewhere", "state"), [(0, "filled"), (1, None)])
def test_a_part_has_room_beside_what_is_left_of_one_that_rests(
    kill: KillWorld, elsewhere: int, state: str | None
) -> None:
    # ten fill at one price, and the price does not move: of the first part one unit rests, and five are held
    for key, quantity in (("k-1", 8), ("k-2", 7)):
        hold(kill, key, instrument="NSE:RELIANCE", quantity=quantity)
    limit(kill, max_quantity=11)
    stop(kill, closes_positions=True, lets_exits=True)
    pass_at(kill, 3)
    answered_too_late(kill)
    pass_at(kill, 4)
    reconcile_account(kill.world.desk, "paper")
    lose_by_hand(kill, elsewhere)

    work = pass_at(kill, 40)

    assert [(line.quantity, line.state) for line in work.exits] == [(11, "partially_filled"), (4, state)]


def test_a_part_leaves_only_if_the_parts_before_it_leave_it_room(kill: KillWorld) -> None:
    hold(kill, "k-1", quantity=9)
    limit(kill, max_quantity=5)
    stop(kill, closes_positions=True, lets_exits=True)
    pass_at(kill, 3)
    hold(kill, "elsewhere", side="SELL", quantity=2, position_effect="CLOSE")

    kill.run_passes()

    assert [(line.quantity, line.state, line.code) for line in kill.work().exits] == [
        (5, "filled", None),
        (4, None, "POSITION_CHANGED"),
    ]
    assert positions(kill) == {"NSE:INFY MIS": 2}


def test_a_part_waits_for_one_that_is_not_settled_and_may_have_taken_the_position(kill: KillWorld) -> None:
    hold(kill, "k-1", quantity=9)
    limit(kill, max_quantity=5)
    stop(kill, closes_positions=True)
    pass_at(kill, 3)
    answered_too_late(kill)
    pass_at(kill, 4)

    work = pass_at(kill, 5)

    waiting = work.exits[1]
    assert [(line.quantity, line.state) for line in work.exits] == [(5, "unknown"), (4, None)]
    assert (waiting.code, waiting.message) == (
        "POSITION_UNCLEAR",
        f"other exits in {waiting.instrument} are under way",
    )
    kill.world.clock.advance(30)
    reconcile_account(kill.world.desk, "paper")
    kill.run_passes()
    assert positions(kill) == {}


def answered_too_late(kill: KillWorld) -> None:
    """Let the exchange take the next order, and say so after the time of a pass."""
    handle = kill.world.handlers["paper://exchange"]

    def late(request: Any) -> Any:
        answer = handle(request)
        if request.method == "POST":
            kill.world.handlers["paper://exchange"] = handle
            kill.world.clock.advance(PASS_TIME.total_seconds() + 1)
            raise OutcomeUnknown("no answer in time")
        return answer

    kill.world.handlers["paper://exchange"] = late
