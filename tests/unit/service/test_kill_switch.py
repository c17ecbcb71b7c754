"""Stop means stop: who turns a switch, what is told, what a link does, and what a stop leaves alone."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from order_router.domain.account import Account, Strategy
from order_router.domain.kill_switch import (
    EVERYTHING,
    KillSwitch,
    StopScope,
    SwitchConflict,
    SwitchState,
    Turn,
)
from order_router.domain.kill_work import KillWork, WorkConflict
from order_router.domain.lifecycle import State
from order_router.domain.order import Order
from order_router.domain.vocabulary import OrderType, Product
from order_router.ports import Notice, StoreUnavailable
from order_router.service.desk import AccountUnknown
from order_router.service.kill_links import (
    KillLinkInvalid,
    KillLinks,
    engage_by_link,
    require_link,
)
from order_router.service.kill_switch import Engage, StrategyUnknown, WorkNotBegun, engage
from tests.fakes.kill import KillWorld, let_go

PAPER = KillSwitch(StopScope.ACCOUNT, "paper")
DEMO = KillSwitch(StopScope.STRATEGY, "demo")


@pytest.fixture
def kill() -> KillWorld:
    made = KillWorld()
    made.world.settings.put_strategy(
        Strategy(
            name="demo",
            accounts=("paper",),
            order_type=OrderType.MARKET,
            product=Product.MIS,
            max_quantity=100,
        )
    )
    return made


def stop(kill: KillWorld, switch: KillSwitch = PAPER, **options: bool | str | None) -> None:
    engage(kill.desk, Engage(switch=switch, **{"by": "k-admin", **options}))  # type: ignore[arg-type]


def place(kill: KillWorld, key: str, **changes: Any) -> Order:
    return kill.world.place(key, **changes).order


@pytest.mark.parametrize("switch", [EVERYTHING, PAPER, DEMO])
def test_once_a_stop_has_answered_no_order_leaves(kill: KillWorld, switch: KillSwitch) -> None:
    stop(kill, switch)

    order = place(kill, "k-1", strategy="demo")

    assert (order.state, order.reason and order.reason.code) == (State.REFUSED, "KILL_SWITCH_ON")
    assert kill.world.at_broker() == []


def test_a_stop_of_one_strategy_leaves_others_alone(kill: KillWorld) -> None:
    stop(kill, DEMO)

    assert place(kill, "k-1", strategy="swing").state is not State.REFUSED
    assert place(kill, "k-2").state is not State.REFUSED


@pytest.mark.parametrize(
    ("asked", "as_set", "state"),
    [
        (None, False, State.REFUSED),
        (None, True, State.OPEN),
        (True, False, State.OPEN),
        (False, True, State.REFUSED),
    ],
)
def test_whether_exits_pass_is_asked_for_or_as_the_stack_is_set(
    kill: KillWorld, asked: bool | None, as_set: bool, state: State
) -> None:
    kill.lets_exits = as_set
    stop(kill, lets_exits=asked)

    leaving = place(kill, "k-1", order_type="LIMIT", limit_price="1400", position_effect="CLOSE")

    assert leaving.state is state
    assert place(kill, "k-2").state is State.REFUSED


def test_stopping_again_changes_the_word_on_exits_only_if_asked(kill: KillWorld) -> None:
    stop(kill, lets_exits=True)
    stop(kill)
    assert kill.switches.get(PAPER).lets_exits is True

    stop(kill, lets_exits=False)

    assert kill.switches.get(PAPER).lets_exits is False


def test_exits_are_let_through_to_close_positions(kill: KillWorld) -> None:
    stop(kill, lets_exits=None, closes_positions=True)

    assert kill.switches.get(PAPER).lets_exits is True


def test_who_mistypes_a_name_is_told_that_nothing_was_stopped(kill: KillWorld) -> None:
    with pytest.raises(AccountUnknown, match="nothing was stopped"):
        stop(kill, KillSwitch(StopScope.ACCOUNT, "papr"))
    with pytest.raises(StrategyUnknown, match="nothing was stopped"):
        stop(kill, KillSwitch(StopScope.STRATEGY, "paper"))
    assert kill.switches.known() == ()


def test_a_stop_that_is_not_known_to_stand_is_no_success(kill: KillWorld) -> None:
    kill.switches.fails = 1

    with pytest.raises(StoreUnavailable):
        stop(kill)
    assert kill.told("kill_on") == []


def test_a_stop_meets_another_one_and_both_are_kept(kill: KillWorld) -> None:
    turn = kill.switches.turn

    def turned_meanwhile(after, *, before) -> None:  # type: ignore[no-untyped-def]
        kill.switches.turn = turn  # type: ignore[method-assign]
        stop(kill, by="k-other")
        turn(after, before=before)

    kill.switches.turn = turned_meanwhile  # type: ignore[method-assign]
    stop(kill)

    assert [turn.by for turn in kill.switches.history(PAPER, last=9)] == ["k-admin", "k-other"]
    assert kill.switches.get(PAPER).is_on


@pytest.mark.parametrize(("others", "stands"), [(9, True), (10, False)])
def test_a_stop_is_tried_against_ten_others_and_then_says_that_it_failed(
    kill: KillWorld, monkeypatch: pytest.MonkeyPatch, others: int, stands: bool
) -> None:
    left, turn = [others], kill.switches.turn

    def turned_meanwhile(after: SwitchState, *, before: SwitchState) -> None:
        if left[0]:
            left[0] -= 1
            turn(before.turned_off(Turn(at=kill.world.clock.now(), by="other", reason="")), before=before)
        turn(after, before=before)

    monkeypatch.setattr(kill.switches, "turn", turned_meanwhile)

    if stands:
        stop(kill)
    else:
        with pytest.raises(
            StoreUnavailable, match="turning on the kill switch of account paper: too many conflicts"
        ):
            stop(kill)

    assert kill.switches.get(PAPER).is_on is stands
    assert len(kill.told("kill_on")) == stands


def test_work_that_others_write_again_and_again_is_not_said_to_have_begun(
    kill: KillWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def written_meanwhile(work: KillWork, *, replacing: KillWork | None) -> KillWork:
        raise WorkConflict(f"the work of {work.name} was changed meanwhile")

    monkeypatch.setattr(kill.works, "write", written_meanwhile)

    with pytest.raises(WorkNotBegun, match="beginning the work of paper: too many conflicts"):
        stop(kill, cancels_open=True)
    assert kill.switches.get(PAPER).is_on
    assert kill.queue.asked == []


def test_letting_go_is_kept_with_its_reason_and_orders_leave_again(kill: KillWorld) -> None:
    stop(kill, reason="it buys too much")
    kill.world.clock.advance(60)

    state = let_go(kill, PAPER, by="k-2", reason="mended")

    assert (state.is_on, state.by, state.reason, state.since) == (
        False,
        "k-2",
        "mended",
        kill.world.clock.now(),
    )
    assert [turn.reason for turn in kill.switches.history(PAPER, last=9)] == ["mended", "it buys too much"]
    assert place(kill, "k-1").state is not State.REFUSED


def test_letting_go_of_what_is_off_changes_nothing(kill: KillWorld) -> None:
    assert let_go(kill, PAPER, by="k-2", reason="mended").version == 0
    assert kill.told("kill_off") == []


def test_letting_go_does_not_undo_a_stop_that_it_has_not_seen(kill: KillWorld) -> None:
    stop(kill)
    turn = kill.switches.turn

    def turned_meanwhile(after, *, before) -> None:  # type: ignore[no-untyped-def]
        again = before.turned_on(Turn(at=kill.world.clock.now(), by="alarm", reason="more"), lets_exits=False)
        turn(again, before=before)
        turn(after, before=before)

    kill.switches.turn = turned_meanwhile  # type: ignore[method-assign]

    with pytest.raises(SwitchConflict):
        let_go(kill, PAPER, by="k-2", reason="mended")
    assert kill.switches.get(PAPER).is_on


def test_letting_go_that_comes_late_does_not_undo_a_later_stop(kill: KillWorld) -> None:
    stop(kill)
    asked_at = kill.world.clock.now()
    kill.world.clock.advance(0.001)
    stop(kill, by="alarm", reason="more")

    with pytest.raises(SwitchConflict):
        let_go(kill, PAPER, by="k-2", reason="mended", asked_at=asked_at)
    assert kill.switches.get(PAPER).is_on


def test_each_turn_is_told(kill: KillWorld) -> None:
    stop(kill, EVERYTHING, reason="crash", lets_exits=True)
    let_go(kill, EVERYTHING, by="k-2", reason="over")

    assert kill.told("kill_on") == ["kill switch of everything turned on by k-admin, exits pass: crash"]
    assert kill.told("kill_off") == ["kill switch of everything turned off by k-2: over"]
    subjects = {notice.subject for notice in kill.world.notifier.notices}
    assert len(subjects) == 2


@pytest.mark.parametrize(("switch", "account"), [(EVERYTHING, ""), (PAPER, "paper"), (DEMO, "")])
def test_a_turn_is_told_to_the_account_that_it_is_of(
    kill: KillWorld, switch: KillSwitch, account: str
) -> None:
    stop(kill, switch)

    assert [notice.account for notice in kill.world.notifier.notices] == [account]


def test_work_is_begun_in_every_account_that_the_switch_stops(kill: KillWorld) -> None:
    kill.world.settings.put_account(Account(name="second", broker="paper"))

    stop(kill, EVERYTHING, cancels_open=True)
    stop(kill, DEMO, cancels_open=True)

    assert [work.name for work in kill.works.known()] == ["paper", "paper#demo", "second"]
    assert [name for name, _, delay_s in kill.queue.asked if delay_s == 0] == [
        "paper",
        "second",
        "paper#demo",
    ]


def test_a_stop_alone_begins_no_work(kill: KillWorld) -> None:
    stop(kill)

    assert kill.works.known() == ()
    assert kill.queue.asked == []


def test_a_stop_whose_work_could_not_be_begun_says_that_it_stands(kill: KillWorld) -> None:
    kill.queue.is_down = True

    with pytest.raises(WorkNotBegun, match="is on; ask again"):
        stop(kill, cancels_open=True)
    assert kill.switches.get(PAPER).is_on

    kill.queue.is_down = False
    stop(kill, cancels_open=True)

    assert kill.queue.asked == [("paper", kill.work().work_id, 0)]
    assert len(kill.works.written) == 1


class HeldUp:
    """A notifier behind which the stop is let go before the stopping worker gets on."""

    def __init__(self, kill: KillWorld) -> None:
        self._kill = kill

    def tell(self, notice: Notice) -> bool:
        let_go(self._kill, PAPER, by="k-other", reason="all is well")
        return self._kill.world.notifier.tell(notice)


def test_a_stop_that_was_let_go_while_its_worker_was_held_up_begins_no_work(kill: KillWorld) -> None:
    stop(kill, cancels_open=True)
    going_on = kill.work()
    kill.world.clock.advance(1)

    late = replace(kill.desk, notifier=HeldUp(kill))
    engage(late, Engage(switch=PAPER, by="k-admin", closes_positions=True))

    assert kill.work() == going_on
    assert kill.queue.asked == [("paper", going_on.work_id, 0)]


def test_asking_twice_is_one_work(kill: KillWorld) -> None:
    stop(kill, closes_positions=True)
    first = kill.work()
    kill.world.clock.advance(1)

    stop(kill, closes_positions=True)

    assert kill.work() == first


# ---------------------------------------------------------------- one-tap links
def links(kill: KillWorld, address: str | None = "https://api.example/") -> KillLinks:
    return KillLinks(
        tickets=kill.tickets, clock=kill.world.clock, nonce=lambda: "canary-token/+", address=lambda: address
    )


def token_of(url: str | None) -> str:
    assert url is not None
    parts = urlsplit(url)
    assert (parts.scheme, parts.netloc, parts.path) == ("https", "api.example", "/v1/kill-switch/link")
    return parse_qs(parts.query)["token"][0]


def test_a_link_turns_its_switch_on_once(kill: KillWorld) -> None:
    token = token_of(links(kill).issue(PAPER))

    engage_by_link(kill.desk, token)

    state = kill.switches.get(PAPER)
    assert (state.is_on, state.by, state.reason) == (True, "link", "one-tap link")
    let_go(kill, PAPER, by="k-2", reason="mended")
    with pytest.raises(KillLinkInvalid):
        engage_by_link(kill.desk, token)
    assert not kill.switches.get(PAPER).is_on


def test_looking_at_a_link_does_nothing(kill: KillWorld) -> None:
    token = token_of(links(kill).issue(PAPER))

    for _ in range(3):
        assert require_link(kill.desk, token).switch == PAPER
    assert kill.switches.known() == ()


def test_a_link_is_good_for_a_day(kill: KillWorld) -> None:
    token = token_of(links(kill).issue(EVERYTHING))
    kill.world.clock.advance((timedelta(hours=24) - timedelta(seconds=1)).total_seconds())
    require_link(kill.desk, token)

    kill.world.clock.advance(1)

    with pytest.raises(KillLinkInvalid):
        engage_by_link(kill.desk, token)


def test_a_stop_that_failed_can_be_tried_again_with_its_link(kill: KillWorld) -> None:
    token = token_of(links(kill).issue(PAPER))
    kill.switches.fails = 1
    with pytest.raises(StoreUnavailable):
        engage_by_link(kill.desk, token)

    engage_by_link(kill.desk, token)

    assert kill.switches.get(PAPER).is_on


def test_no_link_is_made_that_leads_nowhere_and_no_token_is_stored(kill: KillWorld) -> None:
    assert links(kill, address=None).issue(PAPER) is None
    links(kill).issue(PAPER)

    assert "canary" not in repr(kill.tickets.__dict__)


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({}, (False, False)),
        ({"cancels_open": True}, (True, False)),
        # closing positions cancels first
        ({"closes_positions": True}, (True, True)),
    ],
)
def test_a_turn_keeps_what_else_was_asked_for(
    kill: KillWorld, options: dict[str, Any], kept: tuple[bool, bool]
) -> None:
    stop(kill, **options)
    let_go(kill, PAPER, by="k-admin", reason="mended")

    off, on = kill.switches.history(PAPER, last=2)

    assert (on.cancels_open, on.closes_positions) == kept
    assert (off.cancels_open, off.closes_positions) == (None, None)
