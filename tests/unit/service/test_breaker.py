"""Failures on the wire stop an account's orders, one answered read lets them go again, and the trader hears of both."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest

from order_router.adapter.errors import (
    AdapterDefect,
    BrokerError,
    DeadlinePassed,
    InsufficientFunds,
    NotSent,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    SessionExpired,
    SlotLapsed,
    Unsupported,
)
from order_router.domain.account import Account, Strategy
from order_router.domain.breaker import FAILURES_TO_OPEN, PROBE_LEASE, Breaker, BreakerState, opened
from order_router.domain.errors import Reason
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.vocabulary import OrderType, Product, Source
from order_router.ports import BreakerConflict, OrderPage, RenewalPending, StoreUnavailable
from order_router.service.breaker import (
    BreakerDesk,
    breakers_of,
    end_probe,
    is_transport_failure,
    open_breaker,
    reset_breaker,
    take_probe,
)
from order_router.service.change import ChangeRefused, cancel_order, modify_order
from order_router.service.reconcile import reconcile_account, reconcile_all
from tests.fakes.transport import Fault
from tests.fakes.world import World

PAPER = Account(name="paper", broker="paper")
DOWN = Reason("BROKER_UNREACHABLE", "no connection")
ANSWER_LOST = [Fault.ANSWER_LOST]


@pytest.fixture
def world() -> World:
    return World()


def breaker(world: World) -> Breaker:
    return world.breakers.get("paper", "paper")


def kinds(world: World) -> list[str]:
    return [notice.kind for notice in world.notifier.notices if notice.kind.startswith("breaker")]


def lose(world: World, count: int = FAILURES_TO_OPEN, *, start: int = 0) -> None:
    for number in range(start, start + count):
        world.transport.writes.append(Fault.ANSWER_LOST)
        assert world.place(f"lost-{number}").order.state is State.UNKNOWN


def desk_of(world: World) -> BreakerDesk:
    return BreakerDesk(
        settings=world.settings,
        breakers=world.breakers,
        clock=world.clock,
        notifier=world.notifier,
        reconcile=world.reconcile,
    )


def rest(world: World) -> None:
    world.clock.advance(breaker(world).pause.total_seconds())


@pytest.mark.parametrize(
    ("error", "counts"),
    [
        (NotSent("no connection"), True),
        (OutcomeUnknown("no answer in time"), True),
        (DeadlinePassed("too old"), False),
        (SlotLapsed("too slow"), False),
        (SessionExpired("log in"), False),
        (RateLimited("wait"), False),
        (RenewalPending("a login is under way"), False),
        (Rejected("no"), False),
        (InsufficientFunds("no money"), False),
        (Unsupported("no such type"), False),
        (AdapterDefect("KeyError"), False),
        (NotSent("the secret is not readable", code="SECRET_UNAVAILABLE"), False),
        (None, False),
    ],
)
def test_only_what_happens_on_the_wire_counts(error: BrokerError | None, counts: bool) -> None:
    assert is_transport_failure(error) is counts


def test_orders_that_come_to_nothing_in_a_row_open_it_and_the_next_is_refused(world: World) -> None:
    lose(world, FAILURES_TO_OPEN - 1)
    assert not breaker(world).is_engaged
    lose(world, 1, start=FAILURES_TO_OPEN)
    sent = world.transport.writes_sent()

    refused = world.place("next", position_effect="CLOSE").order

    assert breaker(world).state is BreakerState.OPEN
    assert (refused.state, refused.reason and refused.reason.code) == (State.REFUSED, "BROKER_CIRCUIT_OPEN")
    assert world.transport.writes_sent() == sent
    assert kinds(world) == ["breaker_open"]
    assert breaker(world).is_told
    assert world.reconcile.asked[-1] == ("paper", 16)


def test_a_refused_connection_counts_once_however_often_it_was_tried(world: World) -> None:
    for number in range(FAILURES_TO_OPEN):
        world.transport.writes = [Fault.REFUSED] * 50
        assert world.place(f"k-{number}").order.state is State.REFUSED
        assert len(breaker(world).failures) == number + 1

    assert breaker(world).is_engaged


def test_an_order_that_left_in_the_end_counts_nothing(world: World) -> None:
    world.transport.writes = [Fault.REFUSED, Fault.REFUSED]

    assert world.place().order.state is State.FILLED
    assert world.breakers.calls == 0


def test_an_order_that_is_answered_asks_the_breaker_nothing(world: World) -> None:
    world.place("k-1")
    world.place("k-2", quantity=900_000)

    assert world.breakers.calls == 0


def test_refusals_of_business_never_open_it(world: World) -> None:
    for number in range(2 * FAILURES_TO_OPEN):
        assert world.place(f"k-{number}", quantity=900_000).order.state is State.REJECTED

    assert breaker(world) == Breaker(broker="paper", account="paper")


def test_an_answered_order_between_ends_the_row_whichever_worker_sent_it(world: World) -> None:
    for number in range(2 * FAILURES_TO_OPEN):
        lose(world, 1, start=number)
        world.clock.advance(1)
        world.place(f"answered-{number}")
        world.clock.advance(1)

    assert not breaker(world).is_engaged


def test_an_answer_before_midnight_ends_a_row_that_goes_on_after_it(world: World) -> None:
    # 23:58 in Kolkata
    world.clock.advance((13 * 60 + 58) * 60)
    lose(world, 1)
    world.clock.advance(30)
    world.place("answered")
    world.clock.advance(120)

    lose(world, FAILURES_TO_OPEN - 1, start=1)
    assert not breaker(world).is_engaged

    lose(world, 1, start=FAILURES_TO_OPEN)
    assert breaker(world).is_engaged


@pytest.mark.parametrize(("between", "opens"), [(48, False), (49, True)])
def test_an_answer_is_looked_for_among_the_last_fifty_orders(world: World, between: int, opens: bool) -> None:
    lose(world, FAILURES_TO_OPEN - 1)
    world.clock.advance(1)
    world.place("answered")
    world.clock.advance(1)
    world.store.set_switch("kill#global", engaged=True)
    for number in range(between):
        assert world.place(f"refused-{number}").order.state is State.REFUSED
    world.store.set_switch("kill#global", engaged=False)

    lose(world, 1, start=FAILURES_TO_OPEN)

    assert breaker(world).is_engaged is opens


def test_orders_are_looked_through_only_where_a_row_would_open_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks, list_day = list[int](), world.store.list_day

    def counted(account: str, day: date, *, limit: int) -> OrderPage:
        looks.append(limit)
        return list_day(account, day, limit=limit)

    monkeypatch.setattr(world.store, "list_day", counted)
    lose(world, FAILURES_TO_OPEN - 1)
    assert looks == []

    lose(world, 1, start=FAILURES_TO_OPEN)

    assert len(looks) == 1


def test_an_order_that_the_book_settled_is_no_answered_call(world: World) -> None:
    for number in range(FAILURES_TO_OPEN):
        lose(world, 1, start=number)
        world.clock.advance(5)
        reconcile_account(world.desk, "paper")

    assert breaker(world).is_engaged


def test_modifies_and_cancels_count_too_and_a_cancel_still_goes(world: World) -> None:
    resting = world.place("rest", limit_price="1400").order
    world.clock.advance(1)
    world.transport.writes = [Fault.ANSWER_LOST, Fault.REFUSED, Fault.ANSWER_LOST]
    modify_order(world.desk, resting.client_order_id, {"limit_price": "1401"})
    with pytest.raises(ChangeRefused):
        cancel_order(world.desk, resting.client_order_id)
    modify_order(world.desk, resting.client_order_id, {"limit_price": "1402"})
    assert breaker(world).is_engaged

    assert cancel_order(world.desk, resting.client_order_id).order.state is State.CANCELLED


def test_a_change_that_is_answered_between_ends_the_row_too(world: World) -> None:
    resting = world.place("rest", limit_price="1400").order
    for number in range(2 * FAILURES_TO_OPEN):
        world.clock.advance(1)
        lose(world, 1, start=number)
        world.clock.advance(1)
        modify_order(world.desk, resting.client_order_id, {"limit_price": f"{1401 + number}"})

    assert not breaker(world).is_engaged


def test_a_change_that_nobody_answered_ends_no_row_though_it_was_made(world: World) -> None:
    resting = world.place("rest", limit_price="1400").order
    for _ in range(FAILURES_TO_OPEN):
        world.clock.advance(2)
        world.transport.writes.append(Fault.ANSWER_LOST)
        # the price that it has: what nobody answered is known to be made
        changed = modify_order(world.desk, resting.client_order_id, {"limit_price": "1400"}).order
        assert changed.last is EventKind.MODIFIED

    assert breaker(world).is_engaged


def test_a_store_that_fails_while_counting_hurts_no_order(world: World) -> None:
    world.breakers.is_down = True

    lose(world, 1)

    world.breakers.is_down = False
    assert breaker(world).failures == ()


def test_a_read_that_is_answered_closes_it_after_the_pause(world: World) -> None:
    lose(world)
    reconcile_account(world.desk, "paper")
    assert breaker(world).state is BreakerState.OPEN
    rest(world)

    reconcile_account(world.desk, "paper")

    assert breaker(world).state is BreakerState.CLOSED
    assert kinds(world) == ["breaker_open", "breaker_closed"]
    assert world.place("after").order.state is State.FILLED


def test_the_probe_is_a_read_and_no_order(world: World) -> None:
    open_breaker(desk_of(world), PAPER, by="alarm", reason=DOWN)
    rest(world)

    reconcile_all(world.desk)

    assert [request.is_write for request in world.transport.sent] == [False]
    assert not breaker(world).is_engaged


def test_a_read_that_fails_lets_it_rest_longer_and_asks_for_the_next(world: World) -> None:
    open_breaker(desk_of(world), PAPER, by="alarm", reason=DOWN)
    rest(world)
    world.transport.reads = [Fault.REFUSED]

    reconcile_account(world.desk, "paper")

    assert breaker(world).state is BreakerState.OPEN
    assert world.reconcile.asked[-1] == ("paper", 31)
    assert kinds(world) == ["breaker_open"]
    reconcile_account(world.desk, "paper")
    assert len(world.reconcile.asked) == 2


def test_the_schedule_asks_for_no_look(world: World) -> None:
    open_breaker(desk_of(world), PAPER, by="alarm", reason=DOWN)
    rest(world)
    world.transport.reads = [Fault.REFUSED]

    reconcile_all(world.desk)

    assert len(world.reconcile.asked) == 1


def test_one_worker_probes_at_a_time(world: World) -> None:
    open_breaker(desk_of(world), PAPER, by="alarm", reason=DOWN)
    rest(world)

    first, second = take_probe(world.desk, PAPER), take_probe(world.desk, PAPER)

    assert first is not None
    assert second is None
    world.clock.advance(PROBE_LEASE.total_seconds())
    third = take_probe(world.desk, PAPER)
    assert third is not None
    assert end_probe(world.desk, PAPER, first, None).is_engaged
    assert not end_probe(world.desk, PAPER, third, None).is_engaged


@pytest.mark.parametrize(
    ("failure", "closes"),
    [
        (None, True),
        (Rejected("no such user"), True),
        (NotSent("no connection"), False),
        (OutcomeUnknown("no answer"), False),
        (SessionExpired("log in"), False),
        (RateLimited("wait"), False),
        (AdapterDefect("KeyError"), False),
    ],
)
def test_only_an_answer_closes_it(world: World, failure: BrokerError | None, closes: bool) -> None:
    open_breaker(desk_of(world), PAPER, by="alarm", reason=DOWN)
    rest(world)
    probe = take_probe(world.desk, PAPER)
    assert probe is not None

    after = end_probe(world.desk, PAPER, probe, failure)

    assert after.is_engaged is not closes


def test_a_look_without_a_breaker_to_close_reads_nothing(world: World) -> None:
    reconcile_account(world.desk, "paper")

    assert world.transport.sent == []


def test_a_store_of_breakers_that_fails_does_not_stop_a_look(world: World) -> None:
    world.transport.writes = ANSWER_LOST[:]
    lost = world.place().order
    world.clock.advance(5)
    world.breakers.is_down = True

    settled = reconcile_account(world.desk, "paper")

    assert settled.changed == 1
    assert (world.store.get(lost.client_order_id) or lost).state is State.FILLED


def test_a_worker_that_died_before_telling_is_made_up_for(world: World) -> None:
    untold = replace(breaker(world), state=BreakerState.OPEN, is_told=False, since=world.clock.now())
    world.breakers.write(
        replace(untold, probe_at=world.clock.now() + timedelta(hours=1)), replacing=breaker(world)
    )
    reconcile_account(world.desk, "paper")
    assert kinds(world) == []
    world.clock.advance(10)
    reconcile_account(world.desk, "paper")
    assert kinds(world) == []
    world.clock.advance(0.001)

    reconcile_account(world.desk, "paper")
    reconcile_account(world.desk, "paper")

    assert kinds(world) == ["breaker_open"]


def test_whoever_opens_it_first_is_the_one_who_tells(world: World) -> None:
    for by in ("alarm one", "alarm two"):
        opened = open_breaker(desk_of(world), PAPER, by=by, reason=DOWN)

    assert opened.by == "alarm one"
    assert kinds(world) == ["breaker_open"]


def test_a_person_closes_it_and_is_told_of(world: World) -> None:
    desk = desk_of(world)
    reset_breaker(desk, PAPER, by="key-1")
    open_breaker(desk, PAPER, by="alarm", reason=DOWN)

    reset_breaker(desk, PAPER, by="key-1")

    assert [one.state for one in breakers_of(desk, (PAPER,))] == [BreakerState.CLOSED]
    assert kinds(world) == ["breaker_open", "breaker_closed"]
    assert "key-1" in world.notifier.notices[-1].message
    assert world.place().order.state is State.FILLED


@pytest.mark.parametrize("act", [open_breaker, reset_breaker])
def test_whoever_acts_by_hand_hears_of_a_store_that_fails(world: World, act: Callable[..., object]) -> None:
    world.breakers.is_down = True
    more = {"reason": DOWN} if act is open_breaker else {}

    with pytest.raises(StoreUnavailable):
        act(desk_of(world), PAPER, by="key-1", **more)


def test_a_strategy_s_fallback_is_named_and_nothing_is_switched(world: World) -> None:
    usual = Strategy(
        name="swing",
        accounts=("paper",),
        order_type=OrderType.MARKET,
        product=Product.MIS,
        max_quantity=100,
    )
    world.settings.put_strategy(usual)
    world.settings.put_strategy(usual.model_copy(update={"name": "demo", "fallback_account": "second"}))
    world.settings.put_strategy(
        usual.model_copy(update={"name": "other", "accounts": ("x",), "fallback_account": "third"})
    )

    open_breaker(desk_of(world), PAPER, by="alarm", reason=DOWN)

    words = world.notifier.notices[-1].message
    assert "Strategy demo names account second" in words
    assert "swing" not in words
    assert "third" not in words


def test_an_alert_that_meets_an_open_breaker_is_refused_and_told(world: World) -> None:
    open_breaker(desk_of(world), PAPER, by="alarm", reason=DOWN)

    order = world.place("a-1", source=Source.ALERT).order

    assert (order.state, order.reason and order.reason.code) == (State.REFUSED, "BROKER_CIRCUIT_OPEN")


def test_after_a_read_has_closed_it_one_failed_order_opens_it_again(world: World) -> None:
    lose(world)
    rest(world)
    reconcile_account(world.desk, "paper")
    assert not breaker(world).is_engaged

    lose(world, 1, start=10)

    assert breaker(world).is_engaged
    assert world.reconcile.asked[-1] == ("paper", 31)


# ---------------------------------------------------------------- what is told
def test_the_trader_is_told_why_it_opened_when_and_what_goes_on(world: World) -> None:
    lose(world)

    (notice,) = world.notifier.notices[-1:]
    reason = breaker(world).reason
    assert reason is not None
    assert notice.message == (
        "no order goes to paper from account paper: its circuit was opened after order calls that came to nothing"
        f" ({reason.code}: {reason.message}). Cancels still go; a read is tried every 15 s or later"
        " and closes it when it is answered."
    )
    assert (notice.kind, notice.account, notice.subject) == (
        "breaker_open",
        "paper",
        world.clock.now().isoformat(),
    )


def test_one_that_was_opened_by_somebody_says_by_whom_even_where_no_strategy_can_be_read(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unread() -> None:
        raise StoreUnavailable("the settings did not answer")

    monkeypatch.setattr(world.settings, "strategies", unread)

    open_breaker(desk_of(world), PAPER, by="alarm", reason=DOWN)

    assert world.notifier.notices[-1].message == (
        "no order goes to paper from account paper: its circuit was opened by alarm"
        " (BROKER_UNREACHABLE: no connection). Cancels still go; a read is tried every 15 s or later"
        " and closes it when it is answered."
    )


def test_each_opening_and_closing_is_news_of_its_own(world: World) -> None:
    desk = desk_of(world)
    for _ in range(2):
        open_breaker(desk, PAPER, by="alarm", reason=DOWN)
        world.clock.advance(1)
        reset_breaker(desk, PAPER, by="key-1")
        world.clock.advance(1)

    assert len({(notice.kind, notice.subject) for notice in world.notifier.notices}) == 4


# ---------------------------------------------------------------- others write meanwhile
class Met:
    """Another worker's write comes first, so many times."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch, *, times: int) -> None:
        self.times = times
        self._write = world.breakers.write
        monkeypatch.setattr(world.breakers, "write", self.write)

    def write(self, breaker: Breaker, *, replacing: Breaker) -> Breaker:
        if self.times:
            self.times -= 1
            self._write(replace(replacing, failures=()), replacing=replacing)
        return self._write(breaker, replacing=replacing)


def test_an_opening_goes_through_against_seven_writers_and_says_so_where_it_does_not(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    Met(world, monkeypatch, times=8)
    with pytest.raises(StoreUnavailable, match="the breaker of paper: too many conflicts"):
        open_breaker(desk_of(world), PAPER, by="alarm", reason=DOWN)
    assert kinds(world) == []

    Met(world, monkeypatch, times=7)
    assert open_breaker(desk_of(world), PAPER, by="alarm", reason=DOWN).is_engaged
    assert kinds(world) == ["breaker_open"]


def test_who_makes_up_for_a_lost_notice_and_is_met_by_another_leaves_the_read_to_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    untold = opened_untold(world)
    world.clock.advance(20)
    Met(world, monkeypatch, times=1)

    assert take_probe(world.desk, PAPER) is None

    assert kinds(world) == ["breaker_open"]
    assert breaker(world).state is untold.state is BreakerState.OPEN


def test_an_opening_that_cannot_be_queued_is_told_by_the_next_look(world: World) -> None:
    world.notifier.fails = 1
    open_breaker(desk_of(world), PAPER, by="alarm", reason=DOWN)
    assert (kinds(world), breaker(world).is_told) == ([], False)
    world.clock.advance(11)

    take_probe(world.desk, PAPER)
    take_probe(world.desk, PAPER)

    assert kinds(world) == ["breaker_open"]
    assert breaker(world).is_told


def test_a_closing_says_what_was_stopped_in_case_nobody_heard_of_that(world: World) -> None:
    world.notifier.fails = 1
    open_breaker(desk_of(world), PAPER, by="alarm", reason=DOWN)

    reset_breaker(desk_of(world), PAPER, by="k-admin")

    assert kinds(world) == ["breaker_closed"]
    assert f"{DOWN.code}: {DOWN.message}" in world.notifier.notices[-1].message


def opened_untold(world: World) -> Breaker:
    """Open the breaker as a worker does that dies before it tells of it."""
    return world.breakers.write(
        opened(breaker(world), world.clock.now(), by="alarm", reason=DOWN), replacing=breaker(world)
    )


def test_a_read_whose_end_cannot_be_written_leaves_it_as_it_was(world: World) -> None:
    open_breaker(desk_of(world), PAPER, by="alarm", reason=DOWN)
    rest(world)
    probe = take_probe(world.desk, PAPER)
    assert probe is not None
    world.breakers.is_down = True

    assert end_probe(world.desk, PAPER, probe, None) == probe
    assert kinds(world) == ["breaker_open"]


def test_a_probe_whose_end_cannot_be_written_is_made_again_once_nobody_has_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_breaker(desk_of(world), PAPER, by="alarm", reason=DOWN)
    rest(world)
    write = world.breakers.write

    def no_end(after: Breaker, *, replacing: Breaker) -> Breaker:
        if after.state is not BreakerState.HALF_OPEN:
            raise StoreUnavailable("the gate: Throttled")
        return write(after, replacing=replacing)

    monkeypatch.setattr(world.breakers, "write", no_end)
    reconcile_account(world.desk, "paper")
    monkeypatch.undo()
    _, delay_s = world.reconcile.asked[-1]
    world.clock.advance(delay_s)

    reconcile_account(world.desk, "paper")

    assert delay_s == PROBE_LEASE.total_seconds() + 1
    assert not breaker(world).is_engaged


def test_a_closing_that_cannot_be_told_closes_all_the_same(world: World) -> None:
    open_breaker(desk_of(world), PAPER, by="alarm", reason=DOWN)
    rest(world)
    probe = take_probe(world.desk, PAPER)
    assert probe is not None
    world.notifier.fails = 1

    after = end_probe(world.desk, PAPER, probe, None)

    assert (after.state, after.is_told) == (BreakerState.CLOSED, False)


def test_a_closing_that_was_told_is_told_even_where_nobody_could_note_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_breaker(desk_of(world), PAPER, by="alarm", reason=DOWN)
    rest(world)
    probe = take_probe(world.desk, PAPER)
    assert probe is not None
    write = world.breakers.write

    def first_alone(breaker: Breaker, *, replacing: Breaker) -> Breaker:
        if breaker.is_told:
            raise BreakerConflict(breaker)
        return write(breaker, replacing=replacing)

    monkeypatch.setattr(world.breakers, "write", first_alone)

    after = end_probe(world.desk, PAPER, probe, None)

    assert (after.state, after.is_told) == (BreakerState.CLOSED, True)
    assert kinds(world) == ["breaker_open", "breaker_closed"]
