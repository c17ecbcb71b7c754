"""What the stores of the kill switch promise: in memory it is asked here, of DynamoDB in `integration/`."""

from datetime import timedelta

import pytest

from order_router.domain.instrument import parse_instrument
from order_router.domain.kill_switch import (
    EVERYTHING,
    KillSwitch,
    KillTicket,
    StopScope,
    SwitchConflict,
    SwitchState,
    Turn,
)
from order_router.domain.kill_work import Cancel, Exit, KillWork, Phase, WorkConflict
from order_router.domain.vocabulary import Product, Side
from order_router.ports import StoreUnavailable
from order_router.service.kill_desk import KillSwitches, KillTickets, KillWorks
from tests.fakes.clock import MONDAY_MORNING as NOW

PAPER = KillSwitch(StopScope.ACCOUNT, "paper")
TURN = Turn(at=NOW, by="k-admin", reason="it buys too much, 100 %")
TICKET = KillTicket(digest="d" * 64, switch=PAPER, expires_at=NOW + timedelta(hours=24))
WORK = KillWork(
    work_id="w-1",
    account="paper",
    switch=PAPER.key,
    since=NOW,
    requested_at=NOW,
    by="k-admin",
    closes_positions=True,
    phase=Phase.CLOSING,
    cancels=(Cancel(client_order_id="A" * 20, outcome="failed", code="RATE_LIMITED", message="full"),),
    exits=(
        Exit(
            instrument=parse_instrument("NSE:INFY"),
            product=Product.MIS,
            side=Side.SELL,
            quantity=5,
            key="kill:w-1:NSE:INFY:MIS:0",
            client_order_id="B" * 20,
            state="filled",
            is_final=True,
        ),
    ),
    problems=("left",),
    updated_at=NOW + timedelta(seconds=4, microseconds=7),
)


def turn_on(switches: KillSwitches, switch: KillSwitch = PAPER, *, lets_exits: bool = False) -> SwitchState:
    before = switches.get(switch)
    after = before.turned_on(TURN, lets_exits=lets_exits)
    switches.turn(after, before=before)
    return after


class KillSwitchesContract:
    """Inherit this and offer `switches`."""

    def test_a_switch_that_was_never_turned_is_off(self, switches: KillSwitches) -> None:
        assert switches.get(PAPER) == SwitchState(switch=PAPER)
        assert switches.known() == ()
        assert switches.history(PAPER, last=5) == ()

    @pytest.mark.parametrize("lets_exits", [True, False])
    def test_how_it_was_turned_is_read_back_whole(self, switches: KillSwitches, lets_exits: bool) -> None:
        on = turn_on(switches, lets_exits=lets_exits)

        assert switches.get(PAPER) == on
        assert (on.is_on, on.lets_exits, on.since, on.version) == (True, lets_exits, NOW, 1)

    def test_each_turn_is_kept_newest_first(self, switches: KillSwitches) -> None:
        on = turn_on(switches)
        off = on.turned_off(Turn(at=NOW + timedelta(minutes=1), by="k-2", reason="mended"))
        switches.turn(off, before=on)
        again = turn_on(switches)

        assert switches.history(PAPER, last=5) == (again, off, on)
        assert switches.history(PAPER, last=2) == (again, off)
        assert switches.get(PAPER) == again

    def test_each_turn_is_found_by_its_number_with_all_that_was_asked_for(
        self, switches: KillSwitches
    ) -> None:
        wide = Turn(at=NOW, by="k-2", reason="all", cancels_open=True, closes_positions=False)
        on = turn_on(switches)
        again = on.turned_on(wide, lets_exits=True)
        switches.turn(again, before=on)

        assert [switches.turned(PAPER, number) for number in (1, 2)] == [on, again]
        assert (on.cancels_open, again.cancels_open, again.closes_positions) == (None, True, False)
        for number in (0, 3):
            with pytest.raises(StoreUnavailable):
                switches.turned(PAPER, number)

    def test_who_saw_another_state_turns_nothing(self, switches: KillSwitches) -> None:
        seen, first, on = switches.get(PAPER), turn_on(switches), turn_on(switches)

        for before in (seen, first, on.turned_off(TURN)):
            with pytest.raises(SwitchConflict) as caught:
                switches.turn(before.turned_off(TURN), before=before)
            assert caught.value.current == on
        assert switches.get(PAPER) == on
        assert switches.history(PAPER, last=5) == (on, first)

    def test_every_switch_that_was_turned_is_known(self, switches: KillSwitches) -> None:
        all_of = [EVERYTHING, PAPER, KillSwitch(StopScope.STRATEGY, "paper")]
        for switch in all_of:
            turn_on(switches, switch)
        on = turn_on(switches, KillSwitch(StopScope.ACCOUNT, "b"))
        switches.turn(on.turned_off(TURN), before=on)

        known = {state.switch: state.is_on for state in switches.known()}

        assert known == {**dict.fromkeys(all_of, True), KillSwitch(StopScope.ACCOUNT, "b"): False}


class KillWorksContract:
    """Inherit this and offer `works`."""

    def test_what_was_written_is_read_back_whole(self, works: KillWorks) -> None:
        assert works.get("paper") is None

        stored = works.write(WORK, replacing=None)

        assert stored == WORK.model_copy(update={"version": 1})
        assert works.get("paper") == stored

    def test_whether_its_end_was_told_is_read_back(self, works: KillWorks) -> None:
        begun = works.write(WORK, replacing=works.get("paper"))
        over = works.write(begun.ended(NOW, Phase.DONE), replacing=begun)

        assert works.get("paper") == over
        assert (begun.is_told, over.is_told) == (True, False)

    def test_of_two_writers_one_wins(self, works: KillWorks) -> None:
        first = works.write(WORK, replacing=None)
        second = works.write(first.after(NOW, phase=Phase.DONE), replacing=first)

        for replacing in (None, first):
            with pytest.raises(WorkConflict):
                works.write(first.after(NOW, phase=Phase.STOPPED), replacing=replacing)
        assert works.get("paper") == second

    def test_a_strategy_s_work_in_an_account_is_another(self, works: KillWorks) -> None:
        of_account = works.write(WORK, replacing=None)
        of_strategy = works.write(WORK.model_copy(update={"strategy": "demo"}), replacing=None)

        assert works.get("paper") == of_account
        assert works.get("paper#demo") == of_strategy
        assert works.known() == (of_account, of_strategy)


class KillTicketsContract:
    """Inherit this and offer `tickets`."""

    def test_a_ticket_is_found_until_it_is_used_and_used_once(self, tickets: KillTickets) -> None:
        assert tickets.find(TICKET.digest, NOW) is None
        assert tickets.use(TICKET, NOW) is False
        tickets.issue(TICKET)

        assert tickets.find(TICKET.digest, NOW) == TICKET
        assert tickets.find("e" * 64, NOW) is None
        assert [tickets.use(TICKET, NOW) for _ in range(3)] == [True, False, False]
        assert tickets.find(TICKET.digest, NOW) is None

    def test_a_ticket_expires(self, tickets: KillTickets) -> None:
        tickets.issue(TICKET)

        assert tickets.find(TICKET.digest, TICKET.expires_at - timedelta(microseconds=1)) == TICKET
        assert tickets.find(TICKET.digest, TICKET.expires_at) is None
        assert tickets.use(TICKET, TICKET.expires_at) is False

    def test_a_ticket_is_for_its_switch_alone(self, tickets: KillTickets) -> None:
        tickets.issue(TICKET)
        other = KillTicket(digest=TICKET.digest, switch=EVERYTHING, expires_at=TICKET.expires_at)

        assert tickets.use(other, NOW) is False
