"""What every order store promises: in memory it is asked here, of DynamoDB in `integration/`."""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from order_router.domain.errors import Reason, RouterError
from order_router.domain.gate import (
    SLOT_LIFE,
    Counter,
    CounterFull,
    EntryHeld,
    Gate,
    HoldChange,
    Pace,
    PaceExceeded,
    SwitchOn,
)
from order_router.domain.history import Event
from order_router.domain.lifecycle import EventKind
from order_router.domain.order import Order, apply
from order_router.ports import OrderStore, StoreConflict, StoreUnavailable
from tests.fakes.clock import MONDAY_MORNING, FakeClock
from tests.fakes.orders import a_submitting_order, an_order

MONDAY = date(2026, 11, 23)


@dataclass(frozen=True)
class World:
    """A store, and the means to play several workers and the operator.

    `empty` forgets everything where the time that a call takes grows with what is there.
    """

    clock: FakeClock
    new_worker: Callable[[], OrderStore]
    set_switch: Callable[[str, bool], None]
    stop_all_but_exits: Callable[[str], None]
    empty: Callable[[], None] = lambda: None


def counter(name: str = "paper#2026-11-23", limit: int = 2) -> Counter:
    return Counter(name, limit, MONDAY_MORNING + timedelta(days=2))


def pace(world: World, calls_per_second: int = 9) -> Gate:
    return Gate(pace=Pace("paper#NSE", calls_per_second, world.clock.now()))


def opened(order: Order) -> Order:
    return apply(order, Event(kind=EventKind.OPENED, at=order.updated_at, broker_order_id="2611230001"))


def ended(order: Order) -> Order:
    reason = Reason("ORDER_REFUSED", "quantity above the limit of 100")
    return apply(order, Event(kind=EventKind.REFUSED, at=order.updated_at, reason=reason))


HOLD = "hold#paper#demo#NSE:INFY#2026-11-23"


def hold(client_order_id: str, *, is_on: bool) -> Gate:
    expires_at = MONDAY_MORNING + timedelta(days=2)
    return Gate(
        hold_change=HoldChange(name=HOLD, client_order_id=client_order_id, is_on=is_on, expires_at=expires_at)
    )


BURST, TRICKLE, SILENCE = st.integers(0, 2_000), st.integers(50_000, 400_000), st.integers(900_000, 1_200_000)
ARRIVALS = st.lists(
    st.tuples((BURST | TRICKLE | SILENCE).map(lambda us: timedelta(microseconds=us)), st.integers(0, 1)),
    min_size=8,
    max_size=25,
)
PACES = count()


class Delayed(NamedTuple):
    """One call: how long after the last it is taken, by whom, for how long it is good, and when it is to leave."""

    gap: timedelta
    worker: int
    life: timedelta
    delay: timedelta


MOMENTS = st.integers(0, 450).map(lambda ms: timedelta(milliseconds=ms))
LIVES = st.sampled_from([SLOT_LIFE, 2 * SLOT_LIFE])
DELAYED = st.lists(st.builds(Delayed, MOMENTS, st.integers(0, 1), LIVES, MOMENTS), min_size=4, max_size=14)


def paced(world: World, name: str, calls: int) -> Gate:
    return Gate(pace=Pace(name, calls, world.clock.now()))


class OrderStoreContract:
    """What every order store promises: a test class inherits this and offers `world`."""

    @pytest.fixture
    def store(self, world: World) -> OrderStore:
        """Return one worker's store."""
        return world.new_worker()

    def test_an_order_comes_back_as_it_was_written(self, store: OrderStore) -> None:
        order = opened(a_submitting_order(order_type="SL", trigger_price="1499.5"))
        filled = replace(order, filled_quantity=3, average_price=Decimal("1500.0166666666666666666667"))

        store.write(filled, replacing=None)

        assert store.get(order.client_order_id) == filled

    def test_an_unknown_order_is_none(self, store: OrderStore) -> None:
        assert store.get("NEVERSEEN") is None

    def test_the_second_worker_to_write_an_order_is_told_of_the_first(
        self, world: World, store: OrderStore
    ) -> None:
        first, second = a_submitting_order(owner="w-1"), a_submitting_order(owner="w-2")
        store.write(first, replacing=None, gate=Gate())

        with pytest.raises(StoreConflict) as caught:
            world.new_worker().write(second, replacing=None, gate=Gate())

        assert caught.value.current == first
        assert store.get(first.client_order_id) == first

    @pytest.mark.parametrize("gate", [None, Gate()])
    def test_an_order_that_was_changed_meanwhile_is_not_overwritten(
        self, store: OrderStore, gate: Gate | None
    ) -> None:
        order = a_submitting_order()
        store.write(order, replacing=None)
        store.write(opened(order), replacing=order)

        lost = apply(order, Event(kind=EventKind.OUTCOME_LOST, at=order.updated_at))
        with pytest.raises(StoreConflict) as caught:
            store.write(lost, replacing=order, gate=gate)

        assert caught.value.current == opened(order)

    @pytest.mark.parametrize("gate", [None, Gate()])
    def test_an_order_that_was_never_stored_so_far_on_cannot_be_replaced(
        self, store: OrderStore, gate: Gate | None
    ) -> None:
        order = a_submitting_order()
        store.write(order, replacing=None)

        with pytest.raises(StoreConflict) as caught:
            store.write(opened(order), replacing=opened(order), gate=gate)
        assert caught.value.current == order

    @pytest.mark.parametrize("gate", [None, Gate()])
    def test_an_order_that_is_not_there_cannot_be_replaced(
        self, store: OrderStore, gate: Gate | None
    ) -> None:
        order = a_submitting_order()

        with pytest.raises(StoreConflict) as caught:
            store.write(opened(order), replacing=order, gate=gate)

        assert caught.value.current is None

    @pytest.mark.parametrize("gate", [None, Gate(counters=(counter(limit=1),))])
    def test_a_write_that_is_repeated_recognises_its_own_success(
        self, store: OrderStore, gate: Gate | None
    ) -> None:
        order = a_submitting_order()
        store.write(order, replacing=None, gate=gate)

        store.write(order, replacing=None, gate=gate)

        store.write(opened(order), replacing=order)
        store.write(opened(order), replacing=order)
        assert store.get(order.client_order_id) == opened(order)

    def test_a_repeated_write_does_not_pass_a_switch_that_came_on_behind_the_first(
        self, world: World, store: OrderStore
    ) -> None:
        gate, order = Gate(switches=("kill#global",)), a_submitting_order()
        store.write(order, replacing=None, gate=gate)
        world.set_switch("kill#global", True)  # noqa: FBT003

        with pytest.raises(StoreUnavailable):
            store.write(order, replacing=None, gate=gate)
        store.write(opened(order), replacing=order)

    @pytest.mark.parametrize("gate", [None, Gate()])
    def test_the_same_write_of_another_worker_is_not_ours(self, world: World, gate: Gate | None) -> None:
        order = a_submitting_order()
        world.new_worker().write(order, replacing=None)

        with pytest.raises(StoreConflict):
            world.new_worker().write(order, replacing=None, gate=gate)

    def test_a_hold_stops_a_write_until_the_last_order_that_keeps_it_is_gone(self, store: OrderStore) -> None:
        entry = a_submitting_order("entry")
        first, second = a_submitting_order("lost-1"), a_submitting_order("lost-2")
        store.write(first, replacing=None, gate=hold("LOST1", is_on=True))
        store.write(second, replacing=None, gate=hold("LOST2", is_on=True))

        store.write(opened(first), replacing=first, gate=hold("LOST1", is_on=False))
        with pytest.raises(EntryHeld):
            store.write(entry, replacing=None, gate=Gate(hold=HOLD, counters=(counter(),)))
        assert store.get(entry.client_order_id) is None

        store.write(opened(second), replacing=second, gate=hold("LOST2", is_on=False))
        store.write(entry, replacing=None, gate=Gate(hold=HOLD))
        assert store.get(entry.client_order_id) == entry

    def test_a_hold_is_not_put_on_by_a_write_that_fails(self, world: World, store: OrderStore) -> None:
        order = a_submitting_order()
        store.write(order, replacing=None)
        store.write(opened(order), replacing=order)

        with pytest.raises(StoreConflict):
            world.new_worker().write(ended(an_order()), replacing=order, gate=hold("LOST", is_on=True))

        store.write(a_submitting_order("k-2"), replacing=None, gate=Gate(hold=HOLD))

    def test_a_hold_does_not_use_up_a_counter_or_a_call(self, world: World, store: OrderStore) -> None:
        store.write(a_submitting_order("lost"), replacing=None, gate=hold("LOST", is_on=True))
        for _ in range(20):
            gate = replace(pace(world), hold=HOLD, counters=(counter(limit=1),))
            with pytest.raises(EntryHeld):
                store.write(a_submitting_order(), replacing=None, gate=gate)

        free = replace(pace(world), counters=(counter(limit=1),))
        store.write(a_submitting_order(), replacing=None, gate=free)

    def test_a_switch_that_is_on_stops_the_write(self, world: World, store: OrderStore) -> None:
        gate = Gate(switches=("kill#all", "breaker#paper"), counters=(counter(limit=1),))
        order = a_submitting_order()
        world.set_switch("breaker#paper", True)  # noqa: FBT003

        with pytest.raises(SwitchOn) as caught:
            store.write(order, replacing=None, gate=gate)
        assert (caught.value.name, caught.value.code) == ("breaker#paper", "BROKER_CIRCUIT_OPEN")
        assert store.get(order.client_order_id) is None

        world.set_switch("breaker#paper", False)  # noqa: FBT003
        store.write(order, replacing=None, gate=gate)
        assert store.get(order.client_order_id) == order

    def test_a_full_counter_stops_the_write_and_counts_nothing(self, store: OrderStore) -> None:
        day, strategy = counter(limit=5), counter("demo#2026-11-23", limit=1)
        store.write(a_submitting_order("k-1"), replacing=None, gate=Gate(counters=(day, strategy)))

        for turn in range(6):
            with pytest.raises(CounterFull) as caught:
                store.write(
                    a_submitting_order(f"n-{turn}"), replacing=None, gate=Gate(counters=(day, strategy))
                )
            assert caught.value.counter == strategy

        for turn in range(4):
            store.write(a_submitting_order(f"m-{turn}"), replacing=None, gate=Gate(counters=(day,)))
        with pytest.raises(CounterFull):
            store.write(a_submitting_order("o-1"), replacing=None, gate=Gate(counters=(day,)))

    def test_a_full_counter_that_begins_anew_says_when_and_counts_nothing(self, store: OrderStore) -> None:
        minute = Counter("calls#paper#2026-11-23T04:30", 2, MONDAY_MORNING, 17.5)
        for turn in range(2):
            store.write(a_submitting_order(f"k-{turn}"), replacing=None, gate=Gate(counters=(minute,)))

        with pytest.raises(PaceExceeded) as caught:
            store.write(a_submitting_order("k-2"), replacing=None, gate=Gate(counters=(minute,)))

        assert caught.value.retry_after_s == 17.5
        assert store.get(a_submitting_order("k-2").client_order_id) is None
        with pytest.raises(PaceExceeded):
            store.write(a_submitting_order("k-2"), replacing=None, gate=Gate(counters=(minute,)))
        leaving = Counter(minute.name, 3, minute.expires_at, 17.5)
        store.write(a_submitting_order("k-2"), replacing=None, gate=Gate(counters=(leaving,)))

    def test_a_second_has_nine_calls_whoever_makes_them(self, world: World) -> None:
        workers = [world.new_worker() for _ in range(3)]
        for turn in range(9):
            workers[turn % 3].write(a_submitting_order(f"k-{turn}"), replacing=None, gate=pace(world))

        late = a_submitting_order("late")
        for worker in workers:
            with pytest.raises(PaceExceeded) as caught:
                worker.write(late, replacing=None, gate=pace(world))
            assert 1 <= caught.value.retry_after_s - SLOT_LIFE.total_seconds() <= 1.1
        assert workers[0].get(late.client_order_id) is None

        world.clock.sleep(caught.value.retry_after_s)
        workers[0].write(late, replacing=None, gate=pace(world))

    def test_a_call_is_good_for_its_life_and_another_follows_a_second_after_that(
        self, world: World, store: OrderStore
    ) -> None:
        life, at = timedelta(seconds=2), world.clock.now()
        long = Gate(pace=Pace("paper#NSE", 1, at, life))

        assert store.write(a_submitting_order("k-1"), replacing=None, gate=long) == at + life
        world.clock.advance(3)
        with pytest.raises(PaceExceeded) as caught:
            store.write(a_submitting_order("k-2"), replacing=None, gate=pace(world, 1))
        assert 0 < caught.value.retry_after_s <= 0.1
        world.clock.advance(caught.value.retry_after_s)
        good_until = store.write(a_submitting_order("k-2"), replacing=None, gate=pace(world, 1))
        assert good_until == world.clock.now() + SLOT_LIFE

    def test_a_write_that_takes_no_call_says_so(self, store: OrderStore) -> None:
        assert store.write(a_submitting_order("k-1"), replacing=None) is None
        assert store.write(a_submitting_order("k-2"), replacing=None, gate=Gate()) is None

    def test_a_write_that_is_repeated_has_a_call_no_younger_than_its_gate(
        self, world: World, store: OrderStore
    ) -> None:
        order, gate = a_submitting_order("k-1"), pace(world)
        first = store.write(order, replacing=None, gate=gate)
        world.clock.advance(0.1)

        assert store.write(order, replacing=None, gate=gate) == first

    @settings(
        max_examples=25,
        deadline=None,
        # the world is kept: each example has a pace and orders of its own
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
    )
    @given(calls=st.integers(1, 3), turns=DELAYED)
    def test_calls_that_leave_while_they_are_good_never_exceed_the_pace_however_late_they_leave(
        self, world: World, calls: int, turns: list[Delayed]
    ) -> None:
        world.empty()
        name, workers = f"pace-{next(PACES)}", [world.new_worker() for _ in range(2)]
        left: list[datetime] = []
        for turn, one in enumerate(turns):
            world.clock.advance(one.gap.total_seconds())
            gate = Gate(pace=Pace(name, calls, world.clock.now(), one.life))
            order = a_submitting_order(f"{name}-{turn}")
            try:
                good_until = workers[one.worker].write(order, replacing=None, gate=gate)
            except PaceExceeded:
                continue
            leaves_at = world.clock.now() + one.delay
            assert good_until is not None
            if leaves_at <= good_until:
                left.append(leaves_at)

        left.sort()
        for first, too_soon in zip(left, left[calls:], strict=False):
            assert too_soon - first > timedelta(seconds=1)

    def test_paces_of_other_names_do_not_share(self, world: World, store: OrderStore) -> None:
        for name in ("paper#NSE", "paper#NFO", "live#NSE"):
            gate = Gate(pace=Pace(name, 1, world.clock.now()))
            store.write(a_submitting_order(name), replacing=None, gate=gate)

    @pytest.mark.parametrize("seed", range(3))
    def test_no_sliding_second_has_more_calls_than_allowed(self, world: World, seed: int) -> None:
        chance = random.Random(seed)  # noqa: S311 - chance, not secrecy
        workers = [world.new_worker() for _ in range(2)]
        passed: list[datetime] = []
        for turn in range(60):
            world.clock.advance(chance.choice([0, 0.01, 0.1, 0.3]))
            try:
                chance.choice(workers).write(
                    a_submitting_order(f"k-{turn}"), replacing=None, gate=pace(world, 3)
                )
            except PaceExceeded:
                continue
            passed.append(world.clock.now())

        assert len(passed) > 9
        for first, fourth in zip(passed, passed[3:], strict=False):
            assert fourth - first > timedelta(seconds=1)

    @settings(
        max_examples=10,
        deadline=None,
        # the world is kept: each example has a pace and orders of its own
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
    )
    @given(calls=st.integers(1, 3), arrivals=ARRIVALS)
    def test_arrivals_that_wait_as_told_pass_and_never_exceed_the_pace(
        self, world: World, calls: int, arrivals: list[tuple[timedelta, int]]
    ) -> None:
        world.empty()
        name, workers = f"pace-{next(PACES)}", [world.new_worker() for _ in range(2)]
        passed: list[datetime] = []
        for turn, (gap, worker) in enumerate(arrivals):
            world.clock.advance(gap.total_seconds())
            order = a_submitting_order(f"{name}-{turn}")
            try:
                workers[worker].write(order, replacing=None, gate=paced(world, name, calls))
            except PaceExceeded as full:
                world.clock.advance(full.retry_after_s)
                # nobody else came: the wait that was told is enough
                workers[worker].write(order, replacing=None, gate=paced(world, name, calls))
            passed.append(world.clock.now())

        for first, too_soon in zip(passed, passed[calls:], strict=False):
            assert too_soon - first > timedelta(seconds=1)

    @pytest.mark.parametrize("name", ["kill#global", "kill#account#paper", "kill#strategy#demo"])
    def test_a_kill_switch_that_lets_exits_stops_entries_alone(
        self, world: World, store: OrderStore, name: str
    ) -> None:
        world.stop_all_but_exits(name)

        with pytest.raises(SwitchOn):
            store.write(a_submitting_order("k-1"), replacing=None, gate=Gate(switches=(name,)))
        store.write(a_submitting_order("k-2"), replacing=None, gate=Gate(switches=(name,), is_exit=True))

        assert store.get(a_submitting_order("k-1").client_order_id) is None

    def test_a_kill_switch_that_lets_no_exit_stops_exits_too(self, world: World, store: OrderStore) -> None:
        world.stop_all_but_exits("kill#global")
        world.set_switch("kill#global", True)  # noqa: FBT003

        with pytest.raises(SwitchOn):
            store.write(
                a_submitting_order("k-1"), replacing=None, gate=Gate(switches=("kill#global",), is_exit=True)
            )

    def test_a_breaker_stops_exits_whatever_its_item_says(self, world: World, store: OrderStore) -> None:
        world.stop_all_but_exits("breaker#paper#paper")

        with pytest.raises(SwitchOn):
            store.write(
                a_submitting_order("k-1"),
                replacing=None,
                gate=Gate(switches=("breaker#paper#paper",), is_exit=True),
            )

    def test_one_switch_that_lets_exits_opens_no_other(self, world: World, store: OrderStore) -> None:
        world.stop_all_but_exits("kill#account#paper")
        world.set_switch("kill#global", True)  # noqa: FBT003
        gate = Gate(switches=("kill#account#paper", "kill#global"), is_exit=True)

        with pytest.raises(SwitchOn) as caught:
            store.write(a_submitting_order("k-1"), replacing=None, gate=gate)

        assert caught.value.name == "kill#global"

    @pytest.mark.parametrize("limit", [1, 3])
    def test_a_counter_counts_to_its_limit_and_not_past_it(self, world: World, limit: int) -> None:
        gate = Gate(counters=(counter(limit=limit),))
        workers = [world.new_worker() for _ in range(2)]
        for turn in range(limit):
            workers[turn % 2].write(a_submitting_order(f"k-{turn}"), replacing=None, gate=gate)

        for worker in workers:
            with pytest.raises(CounterFull):
                worker.write(a_submitting_order("one-more"), replacing=None, gate=gate)
        assert workers[0].get(a_submitting_order("one-more").client_order_id) is None

    def test_what_is_cancelled_takes_no_count_and_no_call(self, world: World, store: OrderStore) -> None:
        now = world.clock.now()
        gate = Gate(switches=("kill#global",), counters=(counter(limit=2),), pace=Pace("paper#NSE", 2, now))
        store.write(a_submitting_order("k-1", owner="w-1"), replacing=None, gate=gate)
        world.set_switch("kill#global", True)  # noqa: FBT003
        for _ in range(5):
            with pytest.raises(StoreConflict):
                world.new_worker().write(a_submitting_order("k-1", owner="w-2"), replacing=None, gate=gate)
            with pytest.raises(SwitchOn):
                store.write(a_submitting_order("k-2"), replacing=None, gate=gate)
        world.set_switch("kill#global", False)  # noqa: FBT003

        store.write(a_submitting_order("k-2"), replacing=None, gate=gate)

        assert store.get(a_submitting_order("k-2").client_order_id) is not None

    def test_a_full_second_counts_nothing(self, world: World, store: OrderStore) -> None:
        def gate() -> Gate:
            return Gate(counters=(counter(limit=2),), pace=Pace("paper#NSE", 1, world.clock.now()))

        store.write(a_submitting_order("k-1"), replacing=None, gate=gate())
        for _ in range(3):
            with pytest.raises(PaceExceeded):
                store.write(a_submitting_order("k-2"), replacing=None, gate=gate())
        world.clock.advance(1.3)

        store.write(a_submitting_order("k-2"), replacing=None, gate=gate())

    def test_each_refusal_speaks_before_those_behind_it(self, world: World, store: OrderStore) -> None:
        gate = Gate(
            switches=("kill#global",),
            counters=(counter(limit=1),),
            pace=Pace("paper#NSE", 1, world.clock.now()),
        )
        store.write(a_submitting_order("k-1", owner="w-1"), replacing=None, gate=gate)
        world.set_switch("kill#global", True)  # noqa: FBT003
        others = [store, world.new_worker()]

        for worker in others:
            with pytest.raises(StoreConflict):
                worker.write(a_submitting_order("k-1", owner="w-2"), replacing=None, gate=gate)
            with pytest.raises(SwitchOn):
                worker.write(a_submitting_order("k-2"), replacing=None, gate=gate)
        world.set_switch("kill#global", False)  # noqa: FBT003
        for worker in others:
            with pytest.raises(CounterFull):
                worker.write(a_submitting_order("k-2"), replacing=None, gate=gate)
            with pytest.raises(PaceExceeded):
                worker.write(a_submitting_order("k-2"), replacing=None, gate=replace(gate, counters=()))

    def test_a_write_that_is_repeated_in_a_full_second_still_recognises_itself(self, world: World) -> None:
        workers = [world.new_worker() for _ in range(2)]
        orders = [a_submitting_order(f"k-{turn}") for turn in range(9)]
        for order in orders:
            workers[0].write(order, replacing=None, gate=pace(world))

        workers[0].write(orders[4], replacing=None, gate=pace(world))

    def test_a_day_is_listed_newest_first_page_by_page(self, store: OrderStore) -> None:
        orders = [
            an_order(f"k-{turn}", at=MONDAY_MORNING + timedelta(milliseconds=turn)) for turn in range(7)
        ]
        for order in random.Random(1).sample(orders, 7):  # noqa: S311 - chance, not secrecy
            store.write(order, replacing=None)
        store.write(an_order("k-x", account="other"), replacing=None)

        listed: list[Order] = []
        cursor = None
        while True:
            page = store.list_day("paper", MONDAY, limit=3, cursor=cursor)
            listed += page.orders
            cursor = page.next_cursor
            if cursor is None:
                break
        assert listed == orders[::-1]

    def test_a_list_goes_on_behind_any_order_of_its_day(self, store: OrderStore) -> None:
        orders = [an_order(f"k-{turn}", at=MONDAY_MORNING + timedelta(seconds=turn)) for turn in range(4)]
        for order in orders:
            store.write(order, replacing=None)

        for turn, order in enumerate(orders):
            cursor = store.cursor_after(order)
            assert store.list_day("paper", MONDAY, limit=9, cursor=cursor).orders == tuple(
                orders[:turn][::-1]
            )

    def test_a_day_begins_and_ends_at_midnight_in_kolkata(self, store: OrderStore) -> None:
        first = an_order("k-1", at=datetime(2026, 11, 22, 18, 30, tzinfo=UTC))
        last = an_order("k-2", at=datetime(2026, 11, 23, 18, 29, 59, 999999, tzinfo=UTC))
        next_day = an_order("k-3", at=datetime(2026, 11, 23, 18, 30, tzinfo=UTC))
        for order in (first, last, next_day):
            store.write(order, replacing=None)

        assert store.list_day("paper", MONDAY, limit=10).orders == (last, first)

    @pytest.mark.parametrize("cursor", ["nonsense", "e30=", "W10=", "bnVsbA==", "₹", "", "[" * 10])
    def test_a_cursor_that_no_page_gave_is_refused(self, store: OrderStore, cursor: str) -> None:
        with pytest.raises(RouterError) as caught:
            store.list_day("paper", MONDAY, limit=3, cursor=cursor)
        assert caught.value.code == "INVALID_CURSOR"

    def test_a_cursor_of_another_account_is_refused(self, store: OrderStore) -> None:
        for turn in range(3):
            store.write(an_order(f"k-{turn}", account="other"), replacing=None)
        cursor = store.list_day("other", MONDAY, limit=1).next_cursor

        with pytest.raises(RouterError) as caught:
            store.list_day("paper", MONDAY, limit=1, cursor=cursor)
        assert caught.value.code == "INVALID_CURSOR"

    def test_only_orders_that_have_not_ended_are_unsettled(self, store: OrderStore) -> None:
        waiting = an_order("k-1")
        submitting = a_submitting_order("k-2", at=MONDAY_MORNING + timedelta(seconds=1))
        store.write(submitting, replacing=None)
        store.write(waiting, replacing=None)
        store.write(an_order("k-3", account="other"), replacing=None)
        store.write(ended(an_order("k-4")), replacing=None)
        assert store.list_unsettled("paper") == (waiting, submitting)

        store.write(ended(waiting), replacing=waiting)

        assert store.list_unsettled("paper") == (submitting,)
