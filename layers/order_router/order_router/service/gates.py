"""What an order must pass in the instant its intent is written."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from order_router.adapter.profile import Profile
from order_router.domain.account import Account
from order_router.domain.exchange_time import exchange_day
from order_router.domain.gate import SLOT_LIFE, Counter, Gate, HoldChange, Pace, PaceExceeded
from order_router.domain.lifecycle import State
from order_router.domain.meter import change_meters
from order_router.domain.order import Order, witnessed
from order_router.domain.request import OrderRequest
from order_router.domain.risk import is_exit
from order_router.ports import Clock, OrderStore
from order_router.service.evidence import gate_evidence

MAX_CALLS_PER_SECOND = 9
"""The regulator's line is 10 order calls a second for an account and exchange segment; a profile has its broker's."""

MINUTE = timedelta(minutes=1)
RESERVED_PERCENT = 10
"""The part of a broker's calls in a minute and a day that is kept for leaving: exits and cancels."""

LONGEST_SLOT_LIFE = timedelta(milliseconds=3200)
"""For how long a call is good at most: what does not leave within that time does not leave."""

NO_SLOT = datetime.min.replace(tzinfo=UTC)
"""Until when an order without a call of its second may leave: never."""

HOLD_LIFE = timedelta(days=2)
"""How long a hold's item is kept: a hold is for its day."""


def switches_for(account: Account, request: OrderRequest) -> tuple[str, ...]:
    """Return the names of the switches that stop this order."""
    switches = ("kill#global", f"kill#account#{account.name}", f"breaker#{account.broker}#{account.name}")
    return switches if request.strategy is None else (*switches, f"kill#strategy#{request.strategy}")


def pace_for(account: Account, profile: Profile, request: OrderRequest, at: datetime) -> Pace:
    """Return the pace that place, modify and cancel share: of the account, or of it and one exchange segment."""
    calls = min(MAX_CALLS_PER_SECOND, profile.order_calls_per_second)
    name = account.name if profile.paces_whole_account else f"{account.name}#{request.instrument.exchange}"
    return Pace(name, calls, at)


def calls_for(account: Account, profile: Profile, at: datetime, *, is_leaving: bool) -> tuple[Counter, ...]:
    """Return the counters of the calls that the broker takes of an account in a minute and a day, all kinds together.

    New entries and their changes leave a part of both unused: what closes a position, and every cancel, finds a call
    that entries did not use up.
    """
    counters = []
    minute, day = at.replace(second=0, microsecond=0), exchange_day(at)
    if profile.order_calls_per_minute is not None:
        limit = _most(profile.order_calls_per_minute, is_leaving=is_leaving)
        empties_in_s = (minute + MINUTE - at).total_seconds()
        name = f"calls#{account.name}#{minute:%Y-%m-%dT%H:%M}"
        counters.append(Counter(name, limit, at + timedelta(hours=1), empties_in_s))
    if profile.order_calls_per_day is not None:
        limit = _most(profile.order_calls_per_day, is_leaving=is_leaving)
        counters.append(Counter(f"calls#{account.name}#{day}", limit, at + timedelta(days=2)))
    return tuple(counters)


def _most(calls: int, *, is_leaving: bool) -> int:
    return calls if is_leaving else calls * (100 - RESERVED_PERCENT) // 100


def hold_name(request: OrderRequest, day: date) -> str | None:
    """Return the hold that an unknown order puts on its strategy's new entries in its instrument, for that day."""
    if request.strategy is None:
        return None
    return f"hold#{request.account}#{request.strategy}#{request.instrument}#{day}"


def _hold_for(request: OrderRequest, day: date) -> str | None:
    """Return the hold that stops this order: none stops one that closes a position."""
    return None if is_exit(request) else hold_name(request, day)


def after_gate(before: Order, after: Order) -> Gate | None:
    """Return what a change of state does beside the order: to a hold, and to what is counted; None if nothing."""
    hold, meters = _hold_change(before, after), change_meters(before, after)
    return None if hold is None and not meters else Gate(hold_change=hold, meters=meters)


def _hold_change(before: Order, after: Order) -> HoldChange | None:
    """Return the change of a hold: becoming unknown puts it on, being settled takes it off."""
    name = hold_name(after.request, after.day)
    is_on = after.state is State.UNKNOWN
    if name is None or is_on == (before.state is State.UNKNOWN):
        return None
    expires_at = after.received_at + HOLD_LIFE + (after.day - exchange_day(after.received_at))
    return HoldChange(name=name, client_order_id=after.client_order_id, is_on=is_on, expires_at=expires_at)


def entry_gate(account: Account, profile: Profile, order: Order, at: datetime) -> Gate:
    """Return the gate before a new order, whatever is counted of it."""
    gate = change_gate(account, profile, order.request, at)
    return replace(gate, hold=_hold_for(order.request, order.day))


def change_gate(account: Account, profile: Profile, request: OrderRequest, at: datetime) -> Gate:
    """Return the gate before a change of an order that rests."""
    return Gate(
        switches=switches_for(account, request),
        is_exit=is_exit(request),
        counters=calls_for(account, profile, at, is_leaving=is_exit(request)),
        pace=pace_for(account, profile, request, at),
    )


def cancel_gate(account: Account, profile: Profile, request: OrderRequest, at: datetime) -> Gate:
    """Return the gate before a cancel: a stop must never stop it, only the pace and the broker's own limits hold."""
    return Gate(
        counters=calls_for(account, profile, at, is_leaving=True),
        pace=pace_for(account, profile, request, at),
    )


GateAt = Callable[[datetime], Gate]


@dataclass(frozen=True, slots=True, kw_only=True)
class GatedWrite:
    """A write that must pass a gate: it waits for a free call while `until` is not past.

    `life`: for how long the call is to be good.
    """

    order: Order
    replacing: Order | None
    gate: GateAt
    until: datetime
    life: timedelta = SLOT_LIFE

    @property
    def is_listed(self) -> bool:
        """Return whether the order's history has a step of this write: a full one may not."""
        return self.replacing is None or len(self.order.history) > len(self.replacing.history)


@dataclass(frozen=True, slots=True)
class Passed:
    """An order that passed its gate, as written: its call leaves by `send_by`, or takes another."""

    order: Order
    send_by: datetime


def longer(life: timedelta) -> timedelta:
    """Return how long the next call is to be good where this one lapsed: a slow worker gets out as well."""
    return min(life * 2, LONGEST_SLOT_LIFE)


def write_through(store: OrderStore, clock: Clock, write: GatedWrite) -> Passed:
    """Write the order through its gate and return it as written: what the gate held it to is in its history.

    Raises PaceExceeded if no call came free in time, and what the store raises.
    """
    while True:
        now = clock.now()
        gate = _good_for(write.life, write.gate(now))
        order = witnessed(write.order, gate_evidence(gate)) if write.is_listed else write.order
        try:
            send_by = store.write(order, replacing=write.replacing, gate=gate)
        except PaceExceeded as full:
            if now + timedelta(seconds=full.retry_after_s) > write.until:
                raise
            clock.sleep(full.retry_after_s)
        else:
            return Passed(order, NO_SLOT if send_by is None else send_by)


def _good_for(life: timedelta, gate: Gate) -> Gate:
    return gate if gate.pace is None else replace(gate, pace=replace(gate.pace, life=life))
