"""Orders in memory, with the gate: what `aws.orders_table` does, without a table."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from threading import RLock

from order_router.domain.errors import CursorInvalid
from order_router.domain.exchange_time import IST
from order_router.domain.gate import (
    BaseStale,
    Counter,
    EntryHeld,
    Gate,
    HoldChange,
    KeptPrice,
    LimitReached,
    Pace,
    PaceExceeded,
    PriceCheck,
    PriceUnfit,
    SwitchOn,
    counter_full,
)
from order_router.domain.meter import BASED_AT, MOVES, Meter, breach_of
from order_router.domain.order import Order
from order_router.ports import Clock, OrderPage, StoreConflict, StoreUnavailable

SLOT_BUSY = timedelta(milliseconds=1050)


@dataclass
class Tables:
    """What workers share: hand one to several stores to play several workers."""

    orders: dict[str, tuple[Order, object]] = field(default_factory=dict)
    switches: set[str] = field(default_factory=set)
    lets_exits: set[str] = field(default_factory=set)
    holds: dict[str, set[str]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    slots: dict[str, list[datetime]] = field(default_factory=dict)
    meters: dict[str, dict[str, Decimal]] = field(default_factory=dict)
    prices: dict[str, KeptPrice] = field(default_factory=dict)
    lock: RLock = field(default_factory=RLock)


class MemoryOrderStore:
    """Implements `ports.OrderStore`; stores that share `Tables` are several workers.

    `fail_next` makes writes fail, one an entry: "before" (nothing written) or "after" (written, answer lost).
    """

    def __init__(self, clock: Clock, tables: Tables | None = None) -> None:
        self._clock = clock
        self.tables = Tables() if tables is None else tables
        self.writes: list[Order] = []
        self.fail_next: list[str] = []

    def write(self, order: Order, *, replacing: Order | None, gate: Gate | None = None) -> datetime | None:
        """Store the order and pass the gate, all or nothing."""
        failing = self.fail_next.pop(0) if self.fail_next else None
        if failing == "before":
            raise StoreUnavailable("the store did not answer")
        with self.tables.lock:
            self._write(order, replacing=replacing, gate=gate)
        if failing == "after":
            raise StoreUnavailable("the store did not answer")
        return None if gate is None or gate.pace is None else gate.pace.good_until

    def get(self, client_order_id: str) -> Order | None:
        """Return the order as last written."""
        with self.tables.lock:
            stored = self.tables.orders.get(client_order_id)
        return None if stored is None else stored[0]

    def list_day(self, account: str, day: date, *, limit: int, cursor: str | None = None) -> OrderPage:
        """Return the account's orders received on this exchange day, newest first."""
        of_day = [
            order for order in self._orders_of(account) if order.received_at.astimezone(IST).date() == day
        ]
        if cursor is not None and cursor not in map(_key, of_day):
            raise CursorInvalid
        found = sorted(
            (order for order in of_day if cursor is None or _key(order) < cursor), key=_key, reverse=True
        )
        page = tuple(found[:limit])
        return OrderPage(page, _key(page[-1]) if len(found) > limit else None)

    def cursor_after(self, order: Order) -> str:
        """Return where the list of a stored order's day goes on behind it."""
        return _key(order)

    def list_unsettled(self, account: str) -> tuple[Order, ...]:
        """Return the account's orders that have not ended, oldest first."""
        unsettled = (order for order in self._orders_of(account) if not order.state.is_final)
        return tuple(sorted(unsettled, key=_key))

    def set_switch(self, name: str, *, engaged: bool, lets_exits: bool = False) -> None:
        """Turn a switch of the gate on or off."""
        with self.tables.lock:
            (self.tables.switches.add if engaged else self.tables.switches.discard)(name)
            (self.tables.lets_exits.add if lets_exits else self.tables.lets_exits.discard)(name)

    def is_engaged(self, name: str) -> bool:
        """Return whether the switch is on."""
        with self.tables.lock:
            return name in self.tables.switches

    def _orders_of(self, account: str) -> tuple[Order, ...]:
        with self.tables.lock:
            return tuple(
                order for order, _ in self.tables.orders.values() if order.request.account == account
            )

    def _write(self, order: Order, *, replacing: Order | None, gate: Gate | None) -> None:
        current, writer = self.tables.orders.get(order.client_order_id, (None, None))
        if current == order and writer is self:
            self._require_no_stop_since(gate)
            return
        expected = None if replacing is None else replacing.version
        if (None if current is None else current.version) != expected:
            raise StoreConflict(current)
        if gate is not None:
            self._pass_gate(gate)
        self.tables.orders[order.client_order_id] = (order, self)
        self.writes.append(order)

    def _require_no_stop_since(self, gate: Gate | None) -> None:
        if gate is not None and any(self._stops(name, gate) for name in gate.switches):
            raise StoreUnavailable("the write's answer was lost, and a switch is on since")

    def _stops(self, name: str, gate: Gate) -> bool:
        lets_pass = gate.is_exit and name.startswith("kill#") and name in self.tables.lets_exits
        return name in self.tables.switches and not lets_pass

    def _pass_gate(self, gate: Gate) -> None:
        for name in gate.switches:
            if self._stops(name, gate):
                raise SwitchOn(name)
        if gate.hold is not None and self.tables.holds.get(gate.hold):
            raise EntryHeld
        self._require_room(gate.counters)
        self._require_limits(gate)
        if gate.pace is not None:
            self._take_slot(gate.pace)
        for counter in gate.counters:
            self.tables.counts[counter.name] = self.tables.counts.get(counter.name, 0) + 1
        for meter in gate.meters:
            self._add(meter)
        if gate.hold_change is not None:
            self._change_hold(gate.hold_change)

    def _change_hold(self, change: HoldChange) -> None:
        holding = self.tables.holds.setdefault(change.name, set())
        (holding.add if change.is_on else holding.discard)(change.client_order_id)

    def _require_room(self, counters: Iterable[Counter]) -> None:
        for counter in counters:
            if self.tables.counts.get(counter.name, 0) >= counter.limit:
                raise counter_full(counter)

    def _require_limits(self, gate: Gate) -> None:
        for meter in gate.meters:
            found = self.tables.meters.get(meter.name, {})
            breach = breach_of(meter, found)
            if breach == BASED_AT:
                raise BaseStale(f"the positions of {meter.whose} are not known")
            if breach is not None:
                raise LimitReached(meter, breach, found.get(breach, Decimal(0)))
        if gate.price is not None:
            self._require_price(gate.price)

    def _require_price(self, check: PriceCheck) -> None:
        kept = self.tables.prices.get(check.name)
        if (
            kept is None
            or kept.at < check.oldest
            or (check.at_least is not None and kept.last < check.at_least)
            or (check.at_most is not None and kept.last > check.at_most)
        ):
            raise PriceUnfit(kept)

    def _add(self, meter: Meter) -> None:
        item = self.tables.meters.setdefault(meter.name, {})
        for attribute, amount in {**meter.adds, MOVES: Decimal(1)}.items():
            item[attribute] = item.get(attribute, Decimal(0)) + amount

    def _take_slot(self, pace: Pace) -> None:
        used = self.tables.slots.setdefault(pace.name, [])
        busy = sorted(at for at in used if at > pace.at - SLOT_BUSY)
        if len(busy) >= pace.calls_per_second:
            raise PaceExceeded((busy[0] + SLOT_BUSY - pace.at).total_seconds())
        self.tables.slots[pace.name] = [*busy, pace.good_until]


def _key(order: Order) -> str:
    return f"{order.received_at.isoformat(timespec='microseconds')}#{order.client_order_id}"
