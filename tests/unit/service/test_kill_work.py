"""What a kill switch was asked to do besides: open orders cancelled, positions closed once, each outcome told."""

from dataclasses import replace
from decimal import Decimal
from typing import Any
from unittest.mock import patch

import pytest

from order_router.adapter.errors import Rejected
from order_router.brokers import paper
from order_router.domain.account import Account, Strategy
from order_router.domain.kill_switch import EVERYTHING, KillSwitch, StopScope, Turn
from order_router.domain.kill_work import GIVE_UP, REST, Phase
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.vocabulary import OrderType, Product
from order_router.ports import StoreUnavailable
from order_router.service.kill_switch import Engage, engage
from order_router.service.kill_work import make_pass
from order_router.service.reading_books import TooEarly
from order_router.service.reconcile import reconcile_account
from order_router.service.timing import LEASE
from tests.fakes.kill import KillWorld, let_go
from tests.fakes.listed import a_share
from tests.fakes.orders import a_submitting_order
from tests.fakes.stopping import PAPER, closing, hold, pass_at, positions, rest, slow, state_of, stop
from tests.fakes.transport import Fault

BIT_S = 0.001


@pytest.fixture
def kill() -> KillWorld:
    return KillWorld()


# ---------------------------------------------------------------- open orders
def test_every_open_order_of_the_account_is_cancelled_and_told(kill: KillWorld) -> None:
    orders = [rest(kill, f"k-{number}") for number in range(3)]
    stop(kill, cancels_open=True)

    kill.run_passes()

    work = kill.work()
    assert work.phase is Phase.DONE
    assert {state_of(kill, order) for order in orders} == {State.CANCELLED}
    assert {line.client_order_id: line.outcome for line in work.cancels} == {
        order.client_order_id: "cancelled" for order in orders
    }
    assert kill.told("kill_outcome") == [
        "kill switch of account paper, account paper: done; 3 of 3 open orders cancelled"
    ]


def test_a_strategy_s_stop_cancels_its_own_orders_alone(kill: KillWorld) -> None:
    own, other, none = (
        rest(kill, "k-1", strategy="demo"),
        rest(kill, "k-2", strategy="swing"),
        rest(kill, "k-3"),
    )
    kill.world.settings.put_strategy(a_strategy())
    stop(kill, KillSwitch(StopScope.STRATEGY, "demo"), cancels_open=True)

    kill.run_passes()

    assert [state_of(kill, order) for order in (own, other, none)] == [
        State.CANCELLED,
        State.OPEN,
        State.OPEN,
    ]


def a_strategy() -> Any:
    return Strategy(
        name="demo", accounts=("paper",), order_type=OrderType.MARKET, product=Product.MIS, max_quantity=9
    )


def test_exits_that_a_stop_let_through_are_not_cancelled_by_it(kill: KillWorld) -> None:
    rest(kill, "k-1")
    stop(kill, cancels_open=True, lets_exits=True)
    kill.world.clock.advance(2)
    leaving = rest(kill, "k-2", position_effect="CLOSE")

    kill.run_passes()

    assert state_of(kill, leaving) is State.OPEN
    assert len(kill.work().cancels) == 1


def test_the_work_ends_with_its_stop(kill: KillWorld) -> None:
    stop(kill, cancels_open=True)
    kill.run_passes(limit=1)
    let_go(kill, PAPER, by="k-2", reason="mended")
    later = rest(kill, "k-1")

    kill.run_passes()

    assert kill.work().phase is Phase.STOPPED
    assert state_of(kill, later) is State.OPEN


def test_the_work_of_an_earlier_stop_is_not_done_under_a_later_one(kill: KillWorld) -> None:
    stop(kill, closes_positions=True)
    message = kill.queue.asked[0]
    let_go(kill, PAPER, by="k-2", reason="mended")
    hold(kill, "k-1")
    engage(kill.desk, Engage(switch=PAPER, by="k-admin", lets_exits=True))

    make_pass(kill.work_desk, message[0], message[1])

    assert kill.work().phase is Phase.STOPPED
    assert positions(kill) == {"NSE:INFY MIS": 5}


def test_an_order_that_was_on_its_way_is_cancelled_when_it_comes_to_light(kill: KillWorld) -> None:
    stop(kill, cancels_open=True)
    kill.run_passes(limit=1)
    let_go(kill, PAPER, by="x", reason="to place one")
    late = rest(kill, "k-1")
    # as if its intent had been written just before the stop, and the index had lagged behind
    state = kill.switches.get(PAPER)
    kill.switches.turn(state.turned_on(_turn(kill), lets_exits=False), before=state)
    current = kill.work()
    kill.works.write(
        current.after(
            kill.world.clock.now(), since=kill.switches.get(PAPER).since, requested_at=late.received_at
        ),
        replacing=current,
    )

    kill.run_passes()

    assert state_of(kill, late) is State.CANCELLED


def _turn(kill: KillWorld) -> Any:
    return Turn(at=kill.world.clock.now(), by="x", reason="again")


def test_a_cancel_that_fails_is_tried_again_and_what_is_left_is_told(kill: KillWorld) -> None:
    order = rest(kill, "k-1")
    kill.world.sessions.log_out("paper")
    began = kill.world.clock.now()
    stop(kill, cancels_open=True)

    kill.run_passes()

    work = kill.work()
    assert work.phase is Phase.DONE
    assert kill.world.clock.now() - began >= GIVE_UP
    assert [(line.outcome, line.code) for line in work.cancels] == [("failed", "BROKER_SESSION_EXPIRED")]
    assert order.client_order_id in work.problems[0]
    assert order.client_order_id in kill.told("kill_outcome")[-1]


def test_a_cancel_that_failed_once_succeeds_in_a_later_pass(kill: KillWorld) -> None:
    order = rest(kill, "k-1")
    kill.world.sessions.log_out("paper")
    stop(kill, cancels_open=True)
    kill.run_passes(limit=2)
    kill.world.sessions.log_in("paper", {})

    kill.run_passes()

    assert state_of(kill, order) is State.CANCELLED
    assert kill.work().problems == ()


# ---------------------------------------------------------------- positions
def test_open_orders_go_first_and_then_every_position_is_closed_and_told(kill: KillWorld) -> None:
    hold(kill, "k-1", quantity=5)
    hold(kill, "k-2", instrument="NSE:RELIANCE", side="SELL", quantity=3)
    hold(kill, "k-3", product="CNC", quantity=2)
    resting = rest(kill, "k-4")
    stop(kill, closes_positions=True)

    kill.run_passes()

    work = kill.work()
    assert positions(kill) == {}
    assert state_of(kill, resting) is State.CANCELLED
    assert work.phase is Phase.DONE
    assert {
        (str(line.instrument), line.product, line.side, line.quantity, line.state) for line in work.exits
    } == {
        ("NSE:INFY", "MIS", "SELL", 5, "filled"),
        ("NSE:RELIANCE", "MIS", "BUY", 3, "filled"),
        ("NSE:INFY", "CNC", "SELL", 2, "filled"),
    }
    told = kill.told("kill_outcome")
    assert "kill switch, closing SELL 5 NSE:INFY MIS: filled" in told
    assert told[-1].endswith("done; 1 of 1 open orders cancelled; 3 of 3 exits filled")


def test_the_exits_are_written_down_before_the_first_leaves(kill: KillWorld) -> None:
    hold(kill, "k-1")
    before = len(kill.world.at_broker())
    stop(kill, closes_positions=True)
    seen: list[bool] = []
    handle = kill.world.handlers["paper://exchange"]

    def watching(request: Any) -> Any:
        if request.is_write:
            seen.append(bool(kill.work().exits))
        return handle(request)

    kill.world.handlers["paper://exchange"] = watching
    kill.run_passes()

    assert seen == [True]
    assert len(kill.world.at_broker()) == before + 1


def test_an_exit_is_one_order_however_often_its_pass_comes(kill: KillWorld) -> None:
    hold(kill, "k-1")
    stop(kill, closes_positions=True)
    while kill.work().phase is not Phase.CLOSING:
        kill.run_passes(limit=1)
    planned, message = kill.work(), kill.queue.asked[0]
    # the broker's positions lag behind its fills
    stale_positions(kill, quantity=5)

    for _ in range(3):
        # the worker died after the exit left, before it wrote that down
        kill.works._works["paper"] = planned
        kill.world.clock.advance(3)
        make_pass(kill.work_desk, message[0], message[1])

    assert [order.request.quantity for order in kill.world.at_broker()] == [5, 5]


def test_two_passes_at_once_are_one(kill: KillWorld) -> None:
    hold(kill, "k-1")
    stop(kill, closes_positions=True)
    kill.queue.asked *= 2

    kill.run_passes()

    assert positions(kill) == {}
    assert [order.request.quantity for order in kill.world.at_broker()] == [5, 5]


def test_positions_are_not_closed_twice_by_two_commands(kill: KillWorld) -> None:
    hold(kill, "k-1")
    stop(kill, closes_positions=True)
    kill.run_passes()
    # the broker's positions lag behind its fills
    stale_positions(kill, quantity=5)

    again = stop(kill, EVERYTHING, closes_positions=True)
    kill.run_passes()

    assert again.is_over
    assert len(kill.world.at_broker()) == 2

    kill.world.clock.advance(REST.total_seconds())
    assert not stop(kill, EVERYTHING, closes_positions=True).is_over


def stale_positions(kill: KillWorld, *, quantity: int) -> None:
    """Let the exchange tell of this position in INFY, whatever was filled."""
    handle = kill.world.handlers["paper://exchange"]

    def stale(request: Any) -> Any:
        answer = handle(request)
        if request.url.endswith("/positions"):
            body = answer.body.replace(b'"quantity":0', b'"quantity":%d' % quantity)
            body = body.replace(b'"quantity": 0', b'"quantity": %d' % quantity)
            return type(answer)(status=answer.status, headers=answer.headers, body=body)
        return answer

    kill.world.handlers["paper://exchange"] = stale


def test_a_position_with_an_order_that_may_still_fill_is_left_and_told(kill: KillWorld) -> None:
    hold(kill, "k-1")
    hold(kill, "k-2", instrument="NSE:RELIANCE", quantity=3)
    resting = rest(kill, "k-3")
    stop(kill, closes_positions=True)
    refuse_cancels(kill)

    kill.run_passes()

    assert state_of(kill, resting) is State.OPEN
    assert positions(kill) == {"NSE:INFY MIS": 5}
    assert "the position in NSE:INFY was left" in kill.told("kill_outcome")[-1]


def test_where_no_position_can_be_closed_that_is_told_as_the_end(kill: KillWorld) -> None:
    hold(kill, "k-1")
    rest(kill, "k-2")
    stop(kill, closes_positions=True)
    refuse_cancels(kill)

    kill.run_passes()

    work = kill.work()
    assert (work.phase, work.exits, work.is_told) == (Phase.DONE, (), True)
    assert "the position in NSE:INFY was left" in kill.told("kill_outcome")[-1]


def test_where_there_is_no_position_to_close_the_end_is_told(kill: KillWorld) -> None:
    stop(kill, closes_positions=True)

    kill.run_passes()

    assert kill.told("kill_outcome") == [
        "kill switch of account paper, account paper: done; 0 of 0 open orders cancelled; 0 of 0 exits filled"
    ]


def test_an_order_that_the_book_does_not_show_keeps_no_other_position_waiting(kill: KillWorld) -> None:
    hold(kill, "k-1")
    hold(kill, "k-2", instrument="NSE:RELIANCE", quantity=3)
    kill.world.transport.writes = [Fault.REQUEST_LOST]
    lost = kill.world.place("k-3", instrument="NSE:RELIANCE", limit_price="1400").order
    kill.world.clock.advance(30)
    reconcile_account(kill.world.desk, "paper")
    began = kill.world.clock.now()
    stop(kill, closes_positions=True)

    kill.run_passes()

    assert state_of(kill, lost) is State.UNKNOWN
    assert positions(kill) == {"NSE:RELIANCE MIS": 3}
    assert kill.world.clock.now() - began < GIVE_UP / 2
    assert lost.client_order_id in kill.told("kill_outcome")[-1]
    assert "the position in NSE:RELIANCE was left" in kill.told("kill_outcome")[-1]


def look_in_vain(kill: KillWorld, read: list[Fault] | TooEarly) -> None:
    """Make a look that does not get to see the broker's book: it fails, or is not its turn."""
    kill.world.clock.advance(LEASE.total_seconds() + 1)
    if isinstance(read, list):
        kill.world.transport.reads = read
        reconcile_account(kill.world.desk, "paper")
        return
    with patch("order_router.service.reconcile.read_in_turn", side_effect=read):
        reconcile_account(kill.world.desk, "paper")


@pytest.mark.parametrize("read", [None, [Fault.REFUSED], TooEarly("read a moment ago")])
def test_an_order_that_nobody_has_looked_for_yet_is_waited_for(
    kill: KillWorld, read: list[Fault] | TooEarly | None
) -> None:
    hold(kill, "k-1")
    kill.world.transport.writes = [Fault.ANSWER_LOST]
    found = kill.world.place("k-2", order_type="LIMIT", limit_price="1400").order
    if read is not None:
        look_in_vain(kill, read)
        assert kill.world.store.get(found.client_order_id).has(EventKind.PERSON_TOLD)  # type: ignore[union-attr]
    stop(kill, closes_positions=True)
    kill.run_passes(limit=3)
    assert positions(kill) == {"NSE:INFY MIS": 5}

    kill.world.clock.advance(30)
    reconcile_account(kill.world.desk, "paper")
    kill.run_passes()

    assert state_of(kill, found) is State.CANCELLED
    assert positions(kill) == {}


def refuse_cancels(kill: KillWorld) -> None:
    handle = kill.world.handlers["paper://exchange"]

    def without(request: Any) -> Any:
        if request.method == "DELETE":
            raise Rejected("the exchange takes no cancels now")
        return handle(request)

    kill.world.handlers["paper://exchange"] = without


def test_no_exit_leaves_once_the_switch_is_off(kill: KillWorld) -> None:
    hold(kill, "k-1")
    stop(kill, closes_positions=True)
    while kill.work().phase is not Phase.CLOSING:
        kill.run_passes(limit=1)
    let_go(kill, PAPER, by="k-2", reason="mended")

    kill.run_passes()

    assert positions(kill) == {"NSE:INFY MIS": 5}
    assert kill.work().phase is Phase.STOPPED


def test_a_switch_turned_off_between_two_exits_stops_the_second(kill: KillWorld) -> None:
    hold(kill, "k-1")
    hold(kill, "k-2", instrument="NSE:RELIANCE", quantity=3)
    stop(kill, closes_positions=True)
    while kill.work().phase is not Phase.CLOSING:
        kill.run_passes(limit=1)
    handle = kill.world.handlers["paper://exchange"]

    def released_at_the_first(request: Any) -> Any:
        if request.is_write and kill.switches.get(PAPER).is_on:
            let_go(kill, PAPER, by="k-2", reason="mended")
        return handle(request)

    kill.world.handlers["paper://exchange"] = released_at_the_first
    kill.run_passes()

    assert len(positions(kill)) == 1
    assert kill.work().phase is Phase.STOPPED


def test_another_switch_that_lets_no_exit_stops_the_closing_and_that_is_told(kill: KillWorld) -> None:
    hold(kill, "k-1")
    engage(kill.desk, Engage(switch=EVERYTHING, by="k-admin"))
    stop(kill, closes_positions=True)

    kill.run_passes()

    assert positions(kill) == {"NSE:INFY MIS": 5}
    assert [(line.state, line.code) for line in kill.work().exits] == [("refused", "KILL_SWITCH_ON")]
    assert any("refused (KILL_SWITCH_ON" in words for words in kill.told("kill_outcome"))


def test_a_disabled_account_s_positions_are_left_and_that_is_told(kill: KillWorld) -> None:
    hold(kill, "k-1")
    kill.world.settings.put_account(Account(name="paper", broker="paper", is_enabled=False))
    stop(kill, closes_positions=True)

    kill.run_passes()

    assert kill.work().exits == ()
    assert positions(kill) == {"NSE:INFY MIS": 5}
    assert "ACCOUNT_DISABLED" in kill.told("kill_outcome")[-1]


def test_positions_that_cannot_be_read_are_told(kill: KillWorld) -> None:
    hold(kill, "k-1")
    stop(kill, closes_positions=True)
    kill.world.handlers["paper://exchange"] = broken

    kill.run_passes()

    assert kill.work().phase is Phase.DONE
    assert "positions not closed" in kill.work().problems[0]


def broken(_request: Any) -> Any:
    raise RuntimeError("a defect")


def test_an_exit_that_rests_is_told_and_not_waited_for_for_ever(kill: KillWorld) -> None:
    # ten fill at one price, and the price does not move
    for key, quantity in (("k-1", 8), ("k-2", 7)):
        hold(kill, key, instrument="NSE:RELIANCE", quantity=quantity)
    began = kill.world.clock.now()
    stop(kill, closes_positions=True)

    kill.run_passes()

    (line,) = kill.work().exits
    assert (line.state, line.is_final) == ("partially_filled", False)
    assert kill.work().phase is Phase.DONE
    assert kill.work().problems == (f"these exits have not ended: {line.client_order_id}",)
    assert "kill switch, closing SELL 15 NSE:RELIANCE MIS: partially_filled" in kill.told("kill_outcome")
    assert kill.world.clock.now() - began < 2 * GIVE_UP


def test_a_store_that_fails_while_an_exit_is_placed_makes_it_one_order(kill: KillWorld) -> None:
    hold(kill, "k-1")
    stop(kill, closes_positions=True)
    while kill.work().phase is not Phase.CLOSING:
        kill.run_passes(limit=1)
    kill.world.store.fail_next = ["before", "before"]

    kill.run_passes()

    assert positions(kill) == {}
    assert len(kill.world.at_broker()) == 2


def test_a_pass_that_cannot_ask_for_the_next_comes_again(kill: KillWorld) -> None:
    rest(kill, "k-1")
    stop(kill, cancels_open=True)
    name, work_id, _ = kill.queue.asked.pop()
    kill.queue.is_down = True

    with pytest.raises(StoreUnavailable):
        make_pass(kill.work_desk, name, work_id)
    kill.queue.is_down = False
    kill.queue.asked.append((name, work_id, 2))
    kill.run_passes()

    assert kill.work().phase is Phase.DONE


def test_a_message_of_work_that_was_replaced_or_is_over_does_nothing(kill: KillWorld) -> None:
    stop(kill, cancels_open=True)
    kill.run_passes()
    over, told = kill.work(), len(kill.told("kill_outcome"))

    for name, work_id in (("paper", over.work_id), ("paper", "another"), ("nobody", "w")):
        make_pass(kill.work_desk, name, work_id)

    assert kill.work() == over
    assert len(kill.told("kill_outcome")) == told
    assert kill.queue.asked == []


def test_a_position_beyond_the_freeze_quantity_is_closed_in_parts(
    kill: KillWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold(kill, "k-1", quantity=25)
    kill.world.listings["paper"].put(
        replace(a_share("NSE:INFY"), freeze_quantity=10, tick_size=Decimal("0.05"))
    )
    monkeypatch.setattr(paper, "profile", replace(paper.profile, has_master=True))
    stop(kill, closes_positions=True)

    kill.run_passes()

    assert positions(kill) == {}
    assert [line.quantity for line in kill.work().exits] == [10, 10, 5]


# ---------------------------------------------------------------- how long
def test_three_seconds_are_left_for_orders_that_were_on_their_way(kill: KillWorld) -> None:
    stop(kill, cancels_open=True)

    assert pass_at(kill, 3 - BIT_S).phase is Phase.CANCELLING
    assert pass_at(kill, 3).phase is Phase.DONE


def test_the_next_pass_comes_in_two_seconds_and_at_once_where_closing_begins(kill: KillWorld) -> None:
    hold(kill, "k-1")
    work_id = stop(kill, closes_positions=True).work_id

    pass_at(kill, 0)
    assert kill.queue.asked == [("paper", work_id, 2)]

    assert pass_at(kill, 3).phase is Phase.CLOSING
    assert kill.queue.asked == [("paper", work_id, 0)]


def test_open_orders_are_cancelled_for_ninety_seconds(kill: KillWorld) -> None:
    order = rest(kill, "k-1")
    kill.world.sessions.log_out("paper")
    stop(kill, cancels_open=True)

    assert pass_at(kill, 90 - BIT_S).phase is Phase.CANCELLING
    work = pass_at(kill, 90)

    assert work.phase is Phase.DONE
    assert work.problems == (f"these orders may still be open: {order.client_order_id}",)


def test_positions_are_asked_for_until_three_minutes_after_the_command(kill: KillWorld) -> None:
    hold(kill, "k-1")
    kill.world.sessions.log_out("paper")
    stop(kill, closes_positions=True)

    assert pass_at(kill, 100).phase is Phase.CANCELLING
    assert pass_at(kill, 180 - BIT_S).phase is Phase.CANCELLING
    work = pass_at(kill, 180)

    assert work.phase is Phase.DONE
    assert work.problems[0].startswith("positions not closed: BROKER_SESSION_EXPIRED: ")


def test_positions_that_can_be_read_again_are_closed(kill: KillWorld) -> None:
    hold(kill, "k-1")
    kill.world.sessions.log_out("paper")
    stop(kill, closes_positions=True)
    pass_at(kill, 100)
    kill.world.sessions.log_in("paper", {})

    kill.run_passes()

    assert positions(kill) == {}
    assert kill.work().problems == ()


def test_an_exit_that_rests_is_followed_for_ninety_seconds_and_told_once(kill: KillWorld) -> None:
    for key, quantity in (("k-1", 8), ("k-2", 7)):
        hold(kill, key, instrument="NSE:RELIANCE", quantity=quantity)
    stop(kill, closes_positions=True)
    pass_at(kill, 3)
    pass_at(kill, 4)

    assert pass_at(kill, 94 - BIT_S).phase is Phase.CLOSING
    assert pass_at(kill, 94).phase is Phase.DONE

    assert kill.told("kill_outcome") == [
        "kill switch, closing SELL 15 NSE:RELIANCE MIS: partially_filled",
        (
            "kill switch of account paper, account paper: done; 0 of 0 open orders cancelled; 0 of 1 exits filled;"
            f" these exits have not ended: {kill.work().exits[0].client_order_id}"
        ),
    ]


@pytest.mark.parametrize(("each_s", "begun"), [(4, 3), (4 + BIT_S, 2)])
def test_a_pass_begins_no_cancel_after_eight_seconds_and_the_next_goes_on(
    kill: KillWorld, each_s: float, begun: int
) -> None:
    for number in range(5):
        rest(kill, f"k-{number}")
    stop(kill, cancels_open=True)
    slow(kill, "DELETE", each_s)

    assert len(pass_at(kill, 0).cancels) == begun
    kill.run_passes()

    assert [line.outcome for line in kill.work().cancels] == ["cancelled"] * 5


@pytest.mark.parametrize(("each_s", "begun"), [(4, 3), (4 + BIT_S, 2)])
def test_a_pass_begins_no_exit_after_eight_seconds_and_the_next_goes_on(
    kill: KillWorld, each_s: float, begun: int
) -> None:
    for number, (name, product) in enumerate(
        (name, product) for name in ("NSE:INFY", "NSE:RELIANCE") for product in ("MIS", "CNC")
    ):
        hold(kill, f"k-{number}", instrument=name, product=product)
    stop(kill, closes_positions=True)
    pass_at(kill, 3)
    slow(kill, "POST", each_s)

    work = pass_at(kill, 3)
    assert [line.state for line in work.exits] == ["filled"] * begun + [None] * (4 - begun)
    kill.run_passes()

    assert positions(kill) == {}
    told = kill.told("kill_outcome")
    assert (len(told), len(set(told))) == (5, 5)


# ---------------------------------------------------------------- what is written down and told
def test_why_a_cancel_failed_is_kept_in_words(kill: KillWorld) -> None:
    rest(kill, "k-1")
    stop(kill, cancels_open=True)
    refuse_cancels(kill)

    (line,) = pass_at(kill, 0).cancels

    assert (line.outcome, line.message) == ("failed", "the exchange takes no cancels now")


def test_each_exit_is_told_as_its_order_and_the_end_as_the_work_s(kill: KillWorld) -> None:
    hold(kill, "k-1")
    stop(kill, closes_positions=True)

    kill.run_passes()

    exit_told, end_told = kill.world.notifier.notices[-2:]
    assert (exit_told.client_order_id, exit_told.subject) == (kill.work().exits[0].client_order_id, None)
    assert (end_told.client_order_id, end_told.subject) == (None, kill.work().work_id)
    assert {(notice.kind, notice.account) for notice in (exit_told, end_told)} == {("kill_outcome", "paper")}


@pytest.mark.parametrize(("side", "back"), [("BUY", "SELL"), ("SELL", "BUY")])
def test_a_position_of_one_is_closed(kill: KillWorld, side: str, back: str) -> None:
    hold(kill, "k-1", side=side, quantity=1)
    stop(kill, closes_positions=True)

    kill.run_passes()

    assert positions(kill) == {}
    assert [(line.side, line.quantity) for line in kill.work().exits] == [(back, 1)]


def test_an_exit_that_may_not_be_written_down_says_why_and_is_asked_for_again(kill: KillWorld) -> None:
    closing(kill)
    kill.world.store.fail_next = ["before"]

    (line,) = pass_at(kill, 4).exits
    assert (line.state, line.is_final, line.code) == (None, False, "STORE_UNAVAILABLE")
    assert line.message

    kill.run_passes()
    assert positions(kill) == {}
    assert [(line.state, line.code, line.message) for line in kill.work().exits] == [("filled", None, None)]


def test_an_exit_that_cannot_be_an_order_at_all_is_told_and_not_waited_for(kill: KillWorld) -> None:
    closing(kill)
    handle = kill.world.handlers["paper://exchange"]

    def moved_after(request: Any) -> Any:
        kill.world.settings.put_account(Account(name="paper", broker="acme"))
        return handle(request)

    kill.world.handlers["paper://exchange"] = moved_after

    work = pass_at(kill, 4)

    (line,) = work.exits
    assert (work.phase, line.state, line.is_final) == (Phase.DONE, None, True)
    assert kill.told("kill_outcome")[0] == (
        f"kill switch, closing SELL 5 NSE:INFY MIS: not placed ({line.code}: {line.message})"
    )
    assert "acme" in (line.message or "")


def test_an_exit_that_a_worker_died_over_is_followed_and_not_waited_for(kill: KillWorld) -> None:
    (line,) = closing(kill).exits
    sent = a_submitting_order(line.key, at=kill.world.clock.now(), order_type="MARKET", limit_price=None)
    assert sent.client_order_id == line.client_order_id
    kill.world.store.write(sent, replacing=None)

    work = pass_at(kill, 4)

    assert [(line.state, line.code) for line in work.exits] == [("submitting", None)]
    assert kill.world.clock.slept == []


@pytest.mark.parametrize(
    ("listing", "parts"),
    [
        (None, [24]),
        ({"freeze_quantity": None}, [24]),
        ({"freeze_quantity": 10, "lot_size": 4}, [8, 8, 8]),
        ({"freeze_quantity": 3, "lot_size": 12}, [12, 12]),
    ],
)
def test_the_parts_of_an_exit_are_whole_lots_within_the_freeze_quantity(
    kill: KillWorld, monkeypatch: pytest.MonkeyPatch, listing: dict[str, Any] | None, parts: list[int]
) -> None:
    hold(kill, "k-1", quantity=24)
    if listing is not None:
        kill.world.listings["paper"].put(replace(a_share("NSE:INFY"), **listing))
    monkeypatch.setattr(paper, "profile", replace(paper.profile, has_master=True))
    stop(kill, closes_positions=True)

    assert [line.quantity for line in pass_at(kill, 3).exits] == parts
