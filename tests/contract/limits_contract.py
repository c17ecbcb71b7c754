"""What counting and kept prices promise: in memory it is asked here, of DynamoDB in `integration/`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from order_router.domain.gate import BaseStale, Gate, KeptPrice, LimitReached, Pace, PriceCheck, PriceUnfit
from order_router.domain.instrument import parse_instrument
from order_router.domain.meter import (
    BASED_AT,
    GROSS,
    LOSS,
    MOVES,
    NET_IF_SOLD,
    OPEN,
    ORDERS,
    RESERVED,
    Meter,
    breach_of,
)
from order_router.ports import Meters, OrderStore, Prices
from tests.fakes.clock import MONDAY_MORNING
from tests.fakes.orders import a_submitting_order

NAME = "meter#account#paper#2026-11-23"
INFY = parse_instrument("NSE:INFY")
ONE = Decimal(1)
AMOUNTS = st.decimals(-1000, 1000, allow_nan=False, places=2)
BOUNDS = st.dictionaries(
    st.sampled_from([GROSS, NET_IF_SOLD, OPEN, LOSS, f"{GROSS}@{INFY}"]), AMOUNTS, max_size=4
)
NAMES = count()
PACE = Pace("paper#NSE", 9, MONDAY_MORNING)


@dataclass(frozen=True)
class Limits:
    """One table, as three ports see it; `new_worker` is another worker's store over it.

    `empty` forgets everything where the time that a call takes grows with what is there.
    """

    new_worker: Callable[[], OrderStore]
    meters: Meters
    prices: Prices
    empty: Callable[[], None] = lambda: None


def meter(adds: Mapping[str, Decimal], name: str = NAME, **bounds: Mapping[str, Decimal]) -> Meter:
    end = MONDAY_MORNING + timedelta(days=2)
    return Meter(name=name, whose="account paper", expires_at=end, adds=adds, **bounds)


class LimitsContract:
    """What is promised: a test class inherits this and offers `limits`."""

    def test_what_an_order_adds_is_counted_with_it(self, limits: Limits) -> None:
        store = limits.new_worker()
        gate = Gate(meters=(meter({OPEN: ONE, NET_IF_SOLD: Decimal("-7502.50")}),))

        store.write(a_submitting_order("k-1"), replacing=None, gate=gate)
        store.write(a_submitting_order("k-2"), replacing=None, gate=gate)

        assert limits.meters.read(NAME) == {
            OPEN: 2,
            NET_IF_SOLD: Decimal(-15005),
            MOVES: 2,
            **_expiry(limits),
        }

    def test_a_write_whose_answer_was_lost_counts_once(self, limits: Limits) -> None:
        store, order = limits.new_worker(), a_submitting_order()
        gate = Gate(meters=(meter({OPEN: ONE}, at_most={OPEN: Decimal(0)}),))

        store.write(order, replacing=None, gate=gate)
        store.write(order, replacing=None, gate=gate)

        assert limits.meters.read(NAME)[OPEN] == 1

    @pytest.mark.parametrize("is_first", [True, False])
    def test_an_order_without_room_is_not_written_and_nothing_is_counted(
        self, limits: Limits, *, is_first: bool
    ) -> None:
        store = limits.new_worker()
        full = meter({ORDERS: ONE}, at_most={ORDERS: Decimal(0)})
        other = meter({ORDERS: ONE}, name="meter#strategy#demo#2026-11-23")
        store.write(a_submitting_order("k-1"), replacing=None, gate=Gate(meters=(full,)))

        meters = (full, other) if is_first else (other, full)
        with pytest.raises(LimitReached) as caught:
            store.write(a_submitting_order("k-2"), replacing=None, gate=Gate(meters=meters))

        assert caught.value.code == "DAILY_LIMIT_REACHED"
        assert caught.value.message == "max_orders_per_day of account paper is 1, found 1 before 1 more"
        assert limits.meters.read(other.name) == {}
        assert store.get(a_submitting_order("k-2").client_order_id) is None

    def test_positions_that_were_not_read_lately_stop_an_order_that_needs_them(self, limits: Limits) -> None:
        store = limits.new_worker()
        since = Decimal(int(MONDAY_MORNING.timestamp()))
        needing = Gate(meters=(meter({OPEN: ONE}, at_least={BASED_AT: since}),))

        with pytest.raises(BaseStale):
            store.write(a_submitting_order("k-1"), replacing=None, gate=needing)
        assert limits.meters.rebase(NAME, {GROSS: ONE}, seen=limits.meters.read(NAME), at=MONDAY_MORNING)

        store.write(a_submitting_order("k-1"), replacing=None, gate=needing)
        late = meter({OPEN: ONE}, at_least={BASED_AT: since + 1})
        with pytest.raises(BaseStale):
            store.write(a_submitting_order("k-2"), replacing=None, gate=Gate(meters=(late,)))

    def test_a_base_is_not_set_over_what_was_added_meanwhile(self, limits: Limits) -> None:
        store, seen = limits.new_worker(), limits.meters.read(NAME)
        store.write(a_submitting_order("k-1"), replacing=None, gate=Gate(meters=(meter({GROSS: ONE}),)))

        assert not limits.meters.rebase(NAME, {GROSS: Decimal(5)}, seen=seen, at=MONDAY_MORNING)
        assert limits.meters.read(NAME)[GROSS] == 1

        again = limits.meters.read(NAME)
        assert limits.meters.rebase(NAME, {GROSS: Decimal(6), LOSS: ONE}, seen=again, at=MONDAY_MORNING)
        store.write(a_submitting_order("k-2"), replacing=None, gate=Gate(meters=(meter({GROSS: ONE}),)))
        found = limits.meters.read(NAME)
        assert [found[name] for name in (GROSS, LOSS, MOVES)] == [7, 1, 2]
        assert not limits.meters.rebase(NAME, {GROSS: ONE}, seen=again, at=MONDAY_MORNING), "k-2 came between"
        assert limits.meters.read(NAME)[GROSS] == 7

    def test_a_base_leaves_alone_what_it_does_not_set(self, limits: Limits) -> None:
        store, adds = limits.new_worker(), {ORDERS: ONE, OPEN: ONE, RESERVED: Decimal("7502.50"), GROSS: ONE}
        store.write(a_submitting_order(), replacing=None, gate=Gate(meters=(meter(adds),)))

        seen = limits.meters.read(NAME)
        assert limits.meters.rebase(NAME, {GROSS: Decimal(5)}, seen=seen, at=MONDAY_MORNING)

        based = {GROSS: Decimal(5), MOVES: ONE, BASED_AT: Decimal(int(MONDAY_MORNING.timestamp()))}
        assert limits.meters.read(NAME) == {**adds, **based, **_expiry(limits)}

    @settings(
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
        deadline=None,
    )
    @given(
        found=st.dictionaries(st.sampled_from([GROSS, NET_IF_SOLD, OPEN, LOSS, f"{GROSS}@{INFY}"]), AMOUNTS),
        at_most=BOUNDS,
        at_least=BOUNDS,
    )
    def test_room_is_what_the_bounds_say_an_absent_amount_being_zero(
        self,
        limits: Limits,
        found: dict[str, Decimal],
        at_most: dict[str, Decimal],
        at_least: dict[str, Decimal],
    ) -> None:
        limits.empty()
        store, name = limits.new_worker(), f"meter#account#a{next(NAMES)}#2026-11-23"
        store.write(a_submitting_order(f"{name}-1"), replacing=None, gate=Gate(meters=(meter(found, name),)))
        asked = meter({}, name, at_most=at_most, at_least=at_least)
        order = a_submitting_order(f"{name}-2")

        breach = breach_of(asked, found)
        if breach is None:
            store.write(order, replacing=None, gate=Gate(meters=(asked,)))
            return
        with pytest.raises(LimitReached) as caught:
            store.write(order, replacing=None, gate=Gate(meters=(asked,)))
        assert caught.value.attribute == breach

    def test_a_price_that_is_kept_is_fresh_for_its_time_and_then_read_again(self, limits: Limits) -> None:
        assert limits.prices.recent("paper", INFY, oldest=MONDAY_MORNING) is None

        limits.prices.keep("paper", {INFY: Decimal("1500.05")}, MONDAY_MORNING)

        kept = KeptPrice(Decimal("1500.05"), MONDAY_MORNING)
        assert limits.prices.recent("paper", INFY, oldest=MONDAY_MORNING) == kept
        assert limits.prices.recent("paper", INFY, oldest=MONDAY_MORNING + timedelta(seconds=1)) is None
        assert limits.prices.recent("zerodha", INFY, oldest=MONDAY_MORNING) is None

    @pytest.mark.parametrize(
        ("least", "most", "passes"),
        [
            (None, None, True),
            ("1500.05", "1500.05", True),
            ("1500.06", None, False),
            (None, "1500.04", False),
        ],
    )
    def test_an_order_passes_by_the_price_that_is_kept(
        self, limits: Limits, least: str | None, most: str | None, passes: bool
    ) -> None:
        limits.prices.keep("paper", {INFY: Decimal("1500.05")}, MONDAY_MORNING)
        check = PriceCheck(
            name=limits.prices.name("paper", INFY),
            oldest=MONDAY_MORNING,
            at_least=None if least is None else Decimal(least),
            at_most=None if most is None else Decimal(most),
        )
        store, order = limits.new_worker(), a_submitting_order()

        if passes:
            store.write(order, replacing=None, gate=Gate(price=check))
            return
        with pytest.raises(PriceUnfit) as caught:
            store.write(order, replacing=None, gate=Gate(price=check))
        assert caught.value.found == KeptPrice(Decimal("1500.05"), MONDAY_MORNING)

    def test_a_price_that_is_missing_or_old_stops_an_order_that_is_judged_by_it(self, limits: Limits) -> None:
        store, order = limits.new_worker(), a_submitting_order()
        check = PriceCheck(name=limits.prices.name("paper", INFY), oldest=MONDAY_MORNING)
        with pytest.raises(PriceUnfit) as missing:
            store.write(order, replacing=None, gate=Gate(price=check, pace=PACE))

        limits.prices.keep("paper", {INFY: ONE}, MONDAY_MORNING)
        old = replace(check, oldest=MONDAY_MORNING + timedelta(seconds=1))
        with pytest.raises(PriceUnfit) as stale:
            store.write(order, replacing=None, gate=Gate(price=old))

        assert missing.value.found is None
        assert stale.value.found == KeptPrice(ONE, MONDAY_MORNING)
        assert store.get(order.client_order_id) is None


def _expiry(limits: Limits) -> dict[str, Decimal]:
    """Return what the table keeps beside the amounts: when the item goes."""
    return {name: value for name, value in limits.meters.read(NAME).items() if name == "expires_at"}
