"""Many orders of one account at the same instant, at a limit of ten: who passed, and what is counted then.

Each order has a thread and a store of its own, and all of them start together. No pace holds them here: what bounds
them is the limit alone.
"""

from collections import Counter as Tally
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from threading import Barrier

from order_router.domain.exchange_time import exchange_day
from order_router.domain.gate import Gate
from order_router.domain.history import Event
from order_router.domain.lifecycle import EventKind
from order_router.domain.limits import Limits
from order_router.domain.meter import GROSS, OPEN, ORDERS, RESERVED, Counted, entry_meter
from order_router.domain.order import Order, Ownership, apply, take_ownership
from order_router.ports import Clock, Meters, OrderStore
from order_router.service.gates import after_gate
from tests.fakes.orders import an_order
from tests.system.claim_race import Claim, claim

ORDERS_AT_ONCE = 100
LIMIT = 10
PRICE = Decimal("1500.05")
VALUE = 5 * PRICE
WAIT_S = 60

LIMITS = {
    "DAILY_LIMIT_REACHED": Limits(max_orders_per_day=LIMIT),
    "OPEN_ORDERS_LIMIT": Limits(max_open_orders=LIMIT),
    "GROSS_EXPOSURE_LIMIT": Limits(max_gross_exposure=LIMIT * VALUE),
}
"""What is raced for, by the code of who comes too late: room for ten orders of 5 at 1500.05 in each."""


@dataclass(frozen=True)
class LimitRace:
    """The field: how a worker opens its store, what is counted, the clock, and the account with its limits."""

    new_worker: Callable[[], OrderStore]
    meters: Meters
    clock: Clock
    account: str
    limits: Limits

    @property
    def counted(self) -> Counted:
        """Return whose item is raced for."""
        return Counted("account", self.account)

    def found(self) -> Mapping[str, Decimal]:
        """Return what is counted now."""
        return self.meters.read(self.counted.item_of(exchange_day(self.clock.now())))

    def run(self) -> list[Claim]:
        """Place all of them at once, and return what came of each."""
        return self._together(self._place)

    def churn(self) -> list[Decimal]:
        """Have each worker place three orders in turn and end each that passed; return how many it saw open then."""
        return [seen for of_worker in self._together(self._place_and_end) for seen in of_worker]

    def _together[T](self, work: Callable[[int, Barrier], T]) -> list[T]:
        barrier = Barrier(ORDERS_AT_ONCE)
        with ThreadPoolExecutor(ORDERS_AT_ONCE) as pool:
            return list(pool.map(lambda worker: work(worker, barrier), range(ORDERS_AT_ONCE)))

    def _place(self, worker: int, barrier: Barrier) -> Claim:
        store, order = self.new_worker(), self._owned(f"k-{worker}")
        gate = self._gate(order)
        barrier.wait(WAIT_S)
        return claim(store, order, gate)

    def _place_and_end(self, worker: int, barrier: Barrier) -> list[Decimal]:
        store, seen = self.new_worker(), []
        barrier.wait(WAIT_S)
        for turn in range(3):
            order = self._owned(f"k-{worker}-{turn}")
            if claim(store, order, self._gate(order)).is_won:
                seen.append(self.found()[OPEN])
                ended = apply(order, Event(kind=EventKind.REJECTED, at=self.clock.now()))
                store.write(ended, replacing=order, gate=after_gate(order, ended))
        return seen

    def _owned(self, key: str) -> Order:
        now = self.clock.now()
        order = replace(
            an_order(key, at=now, account=self.account),
            deadline=now + timedelta(minutes=1),
            counted_price=PRICE,
        )
        return take_ownership(order, Ownership(key, now + timedelta(seconds=35)), now)

    def _gate(self, order: Order) -> Gate:
        meter = entry_meter(self.counted, self.limits, order.request, PRICE, order.day)
        return Gate(meters=(meter,))


def outcomes(claims: list[Claim]) -> dict[str, int]:
    """Return how many passed, and how many were refused by each code."""
    return Tally("won" if one.is_won else str(one.refusal) for one in claims)


def is_exactly_at_limit(found: Mapping[str, Decimal]) -> bool:
    """Return whether ten orders and no more are counted."""
    of_orders, of_money = found[ORDERS] == found[OPEN] == LIMIT, found[GROSS] == found[RESERVED]
    return of_orders and of_money and found[GROSS] == LIMIT * VALUE
