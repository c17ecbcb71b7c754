"""Exits of a kill switch: only of what is still there, within the limits of one order, and what is left is said."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from order_router.adapter.errors import OutcomeUnknown
from order_router.adapter.http import HttpResponse
from order_router.brokers import paper
from order_router.domain.account import Account
from order_router.domain.breaker import LONGEST_PAUSE, PROBE_LEASE, Breaker
from order_router.domain.errors import Reason
from order_router.domain.kill_switch import EVERYTHING
from order_router.domain.kill_work import CIRCUIT_WAIT, GIVE_UP, REST, KillWork, Phase
from order_router.domain.lifecycle import State
from order_router.ports import StoreUnavailable
from order_router.service.breaker import BreakerDesk, open_breaker, reset_breaker
from order_router.service.change import cancel_order
from order_router.service.kill_switch import WorkNotBegun
from order_router.service.reconcile import reconcile_account
from tests.fakes.kill import KillWorld, let_go
from tests.fakes.listed import a_pair, a_share
from tests.fakes.orders import an_order
from tests.fakes.stopping import PAPER, closing, hold, limit, pass_at, positions, rest, stop
from tests.fakes.transport import Fault
from tests.fakes.world import ENDPOINT

PAPER_ACCOUNT = Account(name="paper", broker="paper")


@pytest.fixture
def kill() -> KillWorld:
    return KillWorld()


def close_elsewhere(kill: KillWorld, quantity: int = 5) -> None:
    """Let somebody else sell what is held, as the stop lets exits through."""
    hold(kill, "elsewhere", side="SELL", quantity=quantity, position_effect="CLOSE")


# ---------------------------------------------------------------- what is still there
@pytest.mark.parametrize(("sold", "left"), [(5, {}), (2, {"NSE:INFY MIS": 3}), (8, {"NSE:INFY MIS": -3})])
def test_an_exit_of_what_somebody_else_closed_meanwhile_does_not_leave_and_is_told(
    kill: KillWorld, sold: int, left: dict[str, int]
) -> None:
    closing(kill)
    close_elsewhere(kill, sold)
    before = len(kill.world.at_broker())

    kill.run_passes()

    (line,) = kill.work().exits
    assert positions(kill) == left
    assert len(kill.world.at_broker()) == before
    assert (line.state, line.code) == (None, "POSITION_CHANGED")
    assert "closing SELL 5 NSE:INFY MIS: not placed (POSITION_CHANGED" in kill.told("kill_outcome")[0]
    assert kill.work().problems == (
        f"not closed: SELL 5 NSE:INFY MIS not placed (POSITION_CHANGED: {line.message})",
    )


def test_an_exit_waits_while_somebody_else_s_order_may_close_the_position(kill: KillWorld) -> None:
    closing(kill)
    theirs = rest(kill, "elsewhere", side="SELL", limit_price="1600", position_effect="CLOSE")

    work = pass_at(kill, 10)

    assert [(line.state, line.code) for line in work.exits] == [(None, "POSITION_UNCLEAR")]
    cancel_order(kill.world.desk, theirs.client_order_id)
    kill.run_passes()
    assert positions(kill) == {}


def test_an_exit_waits_for_positions_that_an_order_cannot_have_ended_behind(kill: KillWorld) -> None:
    closing(kill)
    rest(kill, "elsewhere", side="SELL", limit_price="1600", position_effect="CLOSE")
    handle = kill.world.handlers[ENDPOINT]

    def filling(request: Any) -> HttpResponse:
        answer = handle(request)
        if request.url.endswith("/positions"):
            # it fills, and that is written down, while the positions are on their way
            kill.world.handlers[ENDPOINT] = handle
            kill.world.set_price("NSE:INFY", "1600")
            reconcile_account(kill.world.desk, "paper")
        return answer

    kill.world.handlers[ENDPOINT] = filling

    kill.run_passes()

    assert positions(kill) == {}
    assert [line.code for line in kill.work().exits] == ["POSITION_CHANGED"]


@pytest.mark.parametrize("is_planned", [False, True])
def test_no_exit_leaves_beside_a_combination_that_may_still_trade_the_same_instrument(
    kill: KillWorld, *, is_planned: bool
) -> None:
    kill.world.listings["paper"].put(a_pair())
    if is_planned:
        closing(kill)
    else:
        hold(kill, "k-1")
    pair = replace(an_order("pair", instrument="COMBO:PAIR", product="NRML"), state=State.UNKNOWN)
    kill.world.store.write(pair, replacing=None)
    if not is_planned:
        stop(kill, closes_positions=True)

    kill.run_passes()

    assert positions(kill) == {"NSE:INFY MIS": 5}
    left = (
        "exits have not ended"
        if is_planned
        else "the position in NSE:INFY was left: an order in it may still fill"
    )
    assert left in kill.work().problems[-1]


def test_parts_take_no_more_than_the_position_whatever_the_broker_s_list_lags_behind(kill: KillWorld) -> None:
    hold(kill, "k-1", quantity=9)
    limit(kill, max_quantity=5)
    stop(kill, closes_positions=True)
    pass_at(kill, 3)
    kill.world.transport.writes = [Fault.ANSWER_LOST]

    work = pass_at(kill, 4)

    assert [(line.quantity, line.state) for line in work.exits] == [(5, "unknown"), (4, "filled")]
    kill.world.clock.advance(30)
    kill.run_passes()
    assert positions(kill) == {}


def test_positions_that_cannot_be_read_keep_an_exit_waiting_and_that_is_told(kill: KillWorld) -> None:
    closing(kill)
    kill.world.sessions.log_out("paper")

    kill.run_passes()

    (line,) = kill.work().exits
    assert positions_after_login(kill) == {"NSE:INFY MIS": 5}
    assert (line.state, line.code) == (None, "POSITION_UNCLEAR")
    assert "BROKER_SESSION_EXPIRED" in (line.message or "")
    assert kill.work().problems == (f"these exits have not ended: {line.client_order_id}",)


def test_an_exit_that_waits_is_given_up_however_its_broker_words_what_it_waits_for(kill: KillWorld) -> None:
    closing(kill)
    reads = counted(kill, "/positions")
    handle, began = kill.world.handlers["paper://exchange"], kill.world.clock.now()

    def wordy(request: Any) -> Any:
        if not request.url.endswith("/positions"):
            return handle(request)
        handle(request)
        return HttpResponse(status=200, headers={}, body=b"busy" * len(reads))

    kill.world.handlers["paper://exchange"] = wordy

    kill.run_passes()

    assert kill.work().phase is Phase.DONE
    assert GIVE_UP <= kill.world.clock.now() - began < 2 * GIVE_UP
    (line,) = kill.work().exits
    assert kill.work().problems == (f"these exits have not ended: {line.client_order_id}",)


def positions_after_login(kill: KillWorld) -> dict[str, int]:
    kill.world.sessions.log_in("paper", {})
    return positions(kill)


def test_a_pass_reads_the_positions_once_and_one_that_only_follows_never(kill: KillWorld) -> None:
    hold(kill, "k-1")
    # ten fill at one price, and the price does not move: of the exit a part rests
    for key, quantity in (("k-2", 8), ("k-3", 7)):
        hold(kill, key, instrument="NSE:RELIANCE", quantity=quantity)
    stop(kill, closes_positions=True)
    pass_at(kill, 3)
    reads = counted(kill, "/positions")

    work = pass_at(kill, 4)
    assert len(reads) == 1
    assert all(line.state is not None for line in work.exits)
    pass_at(kill, 6)

    assert len(reads) == 1


def test_positions_that_cannot_be_read_are_asked_for_once_a_pass_whatever_waits_for_them(
    kill: KillWorld,
) -> None:
    hold(kill, "k-1")
    hold(kill, "k-2", instrument="NSE:RELIANCE")
    stop(kill, closes_positions=True)
    pass_at(kill, 3)
    silent(kill, "/positions")
    reads = counted(kill, "/positions")

    work = pass_at(kill, 4)

    assert [line.code for line in work.exits] == ["POSITION_UNCLEAR"] * 2
    assert len(reads) == 1


def counted(kill: KillWorld, path: str) -> list[str]:
    seen: list[str] = []
    handle = kill.world.handlers["paper://exchange"]

    def counting(request: Any) -> Any:
        if request.url.endswith(path):
            seen.append(request.url)
        return handle(request)

    kill.world.handlers["paper://exchange"] = counting
    return seen


# ---------------------------------------------------------------- the limits of one order
def test_a_position_is_closed_in_parts_that_the_limits_of_one_order_let_through(kill: KillWorld) -> None:
    hold(kill, "k-1", quantity=24)
    limit(kill, max_quantity=10)
    stop(kill, closes_positions=True)

    kill.run_passes()

    assert [line.quantity for line in kill.work().exits] == [10, 10, 4]
    assert positions(kill) == {}


def test_what_the_limits_refuse_is_left_and_said_so(kill: KillWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    hold(kill, "k-1", quantity=8)
    # one lot is more than the limit
    kill.world.listings["paper"].put(replace(a_share("NSE:INFY"), lot_size=4, tick_size=Decimal("0.05")))
    monkeypatch.setattr(paper, "profile", replace(paper.profile, has_master=True))
    limit(kill, max_quantity=3)
    stop(kill, closes_positions=True)

    kill.run_passes()

    problem = " ".join(kill.work().problems)
    assert problem.startswith("not closed: SELL 4 NSE:INFY MIS refused (QUANTITY_LIMIT: ")
    assert problem in kill.told("kill_outcome")[-1]
    assert kill.told("kill_outcome")[-1].count("QUANTITY_LIMIT") == 2


def test_parts_are_whole_lots_by_the_limits_too(kill: KillWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    hold(kill, "k-1", quantity=24)
    kill.world.listings["paper"].put(replace(a_share("NSE:INFY"), lot_size=4, tick_size=Decimal("0.05")))
    monkeypatch.setattr(paper, "profile", replace(paper.profile, has_master=True))
    limit(kill, max_quantity=11)
    stop(kill, closes_positions=True)

    kill.run_passes()

    assert [line.quantity for line in kill.work().exits] == [8, 8, 8]
    assert positions(kill) == {}


@pytest.mark.parametrize(("quantity", "is_left"), [(100, False), (101, True)])
def test_a_position_that_takes_too_many_orders_is_left_and_told(
    kill: KillWorld, quantity: int, *, is_left: bool
) -> None:
    hold(kill, "k-1", quantity=quantity)
    hold(kill, "k-2", instrument="NSE:RELIANCE", product="CNC", quantity=1)
    limit(kill, max_quantity=1)
    stop(kill, closes_positions=True)

    work = pass_at(kill, 3)

    names = [str(line.instrument) for line in work.exits]
    if is_left:
        assert names == ["NSE:RELIANCE"]
        assert work.problems == (f"the position in NSE:INFY was left: it takes {quantity} orders",)
    else:
        assert names == ["NSE:INFY"] * quantity
        assert work.problems == ("the position in NSE:RELIANCE was left: it takes 1 orders",)


# ---------------------------------------------------------------- an open circuit
def open_circuit(kill: KillWorld) -> None:
    open_breaker(circuits(kill), PAPER_ACCOUNT, by="an alarm", reason=Reason("ALARM", "errors"))


def close_circuit(kill: KillWorld) -> None:
    reset_breaker(circuits(kill), PAPER_ACCOUNT, by="a person")


def circuits(kill: KillWorld) -> BreakerDesk:
    world = kill.world
    return BreakerDesk(
        settings=world.settings,
        breakers=world.breakers,
        clock=world.clock,
        notifier=world.notifier,
        reconcile=world.reconcile,
    )


def test_an_exit_waits_for_an_open_circuit_and_leaves_once_it_is_closed(kill: KillWorld) -> None:
    closing(kill)
    open_circuit(kill)
    reads = counted(kill, "/positions")

    work = pass_at(kill, 10)

    (line,) = work.exits
    assert (line.state, line.is_final, line.code) == (None, False, "BROKER_CIRCUIT_OPEN")
    assert line.message == "switch breaker#paper#paper is on"
    assert kill.world.store.get(line.client_order_id) is None
    assert reads == []
    close_circuit(kill)
    kill.run_passes()
    assert positions(kill) == {}
    assert kill.work().problems == ()


def test_an_exit_whose_circuit_has_just_closed_is_not_given_up_for_positions_that_cannot_be_read_twice(
    kill: KillWorld,
) -> None:
    closing(kill)
    open_circuit(kill)
    pass_at(kill, 10)
    pass_at(kill, GIVE_UP.total_seconds() + 30)
    close_circuit(kill)
    handle, left = kill.world.handlers[ENDPOINT], ["once", "and again"]

    def flaky(request: Any) -> Any:
        if request.url.endswith("/positions") and left:
            left.pop()
            return HttpResponse(status=200, headers={}, body=b"busy")
        return handle(request)

    kill.world.handlers[ENDPOINT] = flaky
    kill.run_passes()

    assert left == []
    assert positions(kill) == {}
    assert kill.work().problems == ()


def close_one_of_two(kill: KillWorld) -> KillWork:
    """Let a circuit open between two exits; return the work after that pass."""
    hold(kill, "k-1")
    hold(kill, "k-2", instrument="NSE:RELIANCE")
    stop(kill, closes_positions=True)
    pass_at(kill, 3)
    handle = kill.world.handlers["paper://exchange"]

    def opening(request: Any) -> Any:
        answer = handle(request)
        if request.is_write:
            open_circuit(kill)
        return answer

    kill.world.handlers["paper://exchange"] = opening
    return pass_at(kill, 4)


def test_an_exit_that_a_circuit_opens_before_waits_and_the_one_before_it_is_followed(kill: KillWorld) -> None:
    work = close_one_of_two(kill)

    assert [(line.state, line.code) for line in work.exits] == [
        ("filled", None),
        (None, "BROKER_CIRCUIT_OPEN"),
    ]


def test_an_exit_that_a_circuit_keeps_is_waited_for_though_another_one_has_ended(kill: KillWorld) -> None:
    close_one_of_two(kill)
    began = kill.world.clock.now()

    kill.run_passes()

    assert kill.world.clock.now() - began >= CIRCUIT_WAIT
    assert [line.state for line in kill.work().exits] == ["filled", None]


def test_a_circuit_that_stays_open_is_waited_for_longer_than_it_ever_rests(kill: KillWorld) -> None:
    closing(kill)
    open_circuit(kill)
    began = kill.world.clock.now()

    kill.run_passes()

    (line,) = kill.work().exits
    assert CIRCUIT_WAIT <= kill.world.clock.now() - began < CIRCUIT_WAIT + GIVE_UP
    assert CIRCUIT_WAIT - GIVE_UP >= LONGEST_PAUSE + PROBE_LEASE
    assert kill.work().problems == (f"these exits have not ended: {line.client_order_id}",)
    assert "not placed (BROKER_CIRCUIT_OPEN: " in kill.told("kill_outcome")[0]


def test_an_exit_waits_where_nobody_knows_how_its_circuit_stands(
    kill: KillWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    closing(kill)

    def fail(_broker: str, _account: str) -> Breaker:
        raise StoreUnavailable("reading a breaker: Throttled")

    monkeypatch.setattr(kill.world.breakers, "get", fail)
    (line,) = pass_at(kill, 10).exits
    monkeypatch.undo()
    kill.run_passes()

    assert (line.state, line.is_final, line.code) == (None, False, "STORE_UNAVAILABLE")
    assert positions(kill) == {}


# ---------------------------------------------------------------- two stops
def test_a_close_goes_on_under_a_later_stop_that_only_cancels(kill: KillWorld) -> None:
    work = closing(kill)

    answered = stop(kill, EVERYTHING, cancels_open=True, lets_exits=True)
    kill.run_passes()

    assert answered.work_id == work.work_id
    assert positions(kill) == {}
    assert kill.work().phase is Phase.DONE


def test_a_close_that_still_cancels_goes_on_under_a_later_stop_that_only_cancels(kill: KillWorld) -> None:
    hold(kill, "k-1")
    first = stop(kill, EVERYTHING, closes_positions=True)

    assert stop(kill, PAPER, cancels_open=True, lets_exits=True).work_id == first.work_id
    kill.run_passes()

    assert positions(kill) == {}


def test_a_close_asked_for_again_after_the_stop_was_let_go_says_when_it_can_begin(kill: KillWorld) -> None:
    closing(kill)
    let_go(kill, PAPER, by="k-2", reason="a mistake")
    kill.world.clock.advance(1)

    with pytest.raises(WorkNotBegun, match="ask again in 60 s"):
        stop(kill, closes_positions=True)
    kill.run_passes()
    assert positions(kill) == {"NSE:INFY MIS": 5}

    kill.world.clock.advance(REST.total_seconds())
    stop(kill, closes_positions=True)
    kill.run_passes()
    assert positions(kill) == {}


def test_work_that_cannot_begin_in_one_account_begins_in_the_next(kill: KillWorld) -> None:
    closing(kill)
    let_go(kill, PAPER, by="k-2", reason="a mistake")
    kill.world.settings.put_account(Account(name="second", broker="paper"))

    with pytest.raises(WorkNotBegun):
        stop(kill, EVERYTHING, closes_positions=True)

    assert kill.work("second").closes_positions


# ---------------------------------------------------------------- cancels in turn
def test_a_cancel_that_is_not_answered_keeps_no_other_waiting(kill: KillWorld) -> None:
    orders = [rest(kill, f"k-{number}") for number in range(4)]
    stop(kill, cancels_open=True)
    silent(kill, orders[0].broker_order_id or "", method="DELETE", seconds=10)

    for _ in range(2):
        kill.run_passes(limit=1)

    assert [kill.world.store.get(one.client_order_id).state for one in orders[1:]] == [State.CANCELLED] * 3  # type: ignore[union-attr]


def silent(kill: KillWorld, path: str, *, method: str = "GET", seconds: float = 0) -> None:
    """Let the exchange say nothing, for so long, to requests of such an address."""
    failing(kill, path, OutcomeUnknown("no answer in time"), method=method, seconds=seconds)


def failing(kill: KillWorld, path: str, error: Exception, *, method: str = "GET", seconds: float = 0) -> None:
    """Let requests of such an address end like this, after so long."""
    handle = kill.world.handlers["paper://exchange"]

    def without(request: Any) -> Any:
        if request.method == method and path in request.url:
            kill.world.clock.advance(seconds)
            raise error
        return handle(request)

    kill.world.handlers["paper://exchange"] = without
