"""What an order must pass in the instant its intent is written, and what says that it does not."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from order_router.domain.errors import RouterError
from order_router.domain.meter import Meter, code_of
from order_router.domain.request import plain

SLOT_LIFE = timedelta(milliseconds=200)
"""For how long a taken call is good: it leaves within that time, or not at all."""


@dataclass(frozen=True, slots=True)
class Counter:
    """Count one order against a limit, under a name unique to what is counted and its day.

    `empties_in_s`: how soon it begins anew, for one that is worth waiting for.
    """

    name: str
    limit: int
    expires_at: datetime
    empties_in_s: float | None = None


@dataclass(frozen=True, slots=True)
class Pace:
    """Take one of the order calls that `name` (an account, or one exchange segment of it) may make in any one second.

    The call is good for `life`, and nobody else has it before a second after that.
    """

    name: str
    calls_per_second: int
    at: datetime
    life: timedelta = SLOT_LIFE

    @property
    def good_until(self) -> datetime:
        """Return when the call has left at the latest."""
        return self.at + self.life


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldChange:
    """Put an order among those that keep a hold on, or take it from them; without any the hold is off."""

    name: str
    client_order_id: str
    is_on: bool
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceCheck:
    """What must be so of a kept price: not older than `oldest`, and within these bounds (None: whatever it is)."""

    name: str
    oldest: datetime
    at_least: Decimal | None = None
    at_most: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What must be so as an intent is written: no switch on, no hold, no counter full, a call left in this second.

    `hold` names a hold that must be off; `hold_change` is made in the same transaction, whatever stands there.
    `is_exit`: the order closes a position, and passes a kill switch that lets exits through.
    """

    switches: tuple[str, ...] = ()
    is_exit: bool = False
    hold: str | None = None
    counters: tuple[Counter, ...] = ()
    meters: tuple[Meter, ...] = ()
    price: PriceCheck | None = None
    pace: Pace | None = None
    hold_change: HoldChange | None = None


CIRCUIT_OPEN = "BROKER_CIRCUIT_OPEN"


class SwitchOn(RouterError):
    """A switch in the gate is on: nothing was written. `name` is the switch."""

    code = "KILL_SWITCH_ON"

    def __init__(self, name: str) -> None:
        super().__init__(f"switch {name} is on", code=CIRCUIT_OPEN if name.startswith("breaker#") else None)
        self.name = name


class EntryHeld(RouterError):
    """An order of this strategy and instrument is unknown, and new entries wait for it: nothing was written."""

    code = "ENTRY_HELD"

    def __init__(self) -> None:
        super().__init__(
            "an order of this strategy in this instrument is unknown: new entries wait until it is settled"
        )


class CounterFull(RouterError):
    """A counter in the gate is at its limit: nothing was written."""

    code = "DAILY_LIMIT_REACHED"

    def __init__(self, counter: Counter) -> None:
        super().__init__(f"{counter.name} is at its limit of {counter.limit}")
        self.counter = counter


class LimitReached(RouterError):
    """What is counted of an account or a strategy has no room for the order: nothing was written."""

    code = "LIMIT_REACHED"

    def __init__(self, meter: Meter, attribute: str, found: Decimal) -> None:
        code, rule = code_of(attribute)
        adds = meter.room_for(attribute)
        bound = meter.at_most.get(attribute)
        limit = plain(-meter.at_least[attribute] - adds if bound is None else bound + adds)
        super().__init__(
            f"{rule} of {meter.whose} is {limit}, found {found} before {adds} more"
            if adds
            else f"{rule} of {meter.whose} is {limit}, found {found}",
            code=code,
        )
        self.attribute = attribute


class BaseStale(RouterError):
    """The broker's positions were not read lately enough to say what stands at risk: nothing was written."""

    code = "POSITIONS_UNKNOWN"


@dataclass(frozen=True, slots=True)
class KeptPrice:
    """What an instrument was last seen to trade at, and when we saw it."""

    last: Decimal
    at: datetime


class PriceUnfit(RouterError):
    """The kept price is missing, too old or out of bounds: nothing was written. `found` is what is kept."""

    code = "PRICE_UNKNOWN"

    def __init__(self, found: KeptPrice | None) -> None:
        super().__init__("the kept price is not known, too old or out of bounds")
        self.found = found


class PaceExceeded(RouterError):
    """Every call of this second or minute is taken: nothing was written. `retry_after_s` is when one comes free."""

    code = "RATE_LIMITED"

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(f"order calls are used up for now; retry after {retry_after_s:.2f} s")
        self.retry_after_s = retry_after_s


def counter_full(counter: Counter) -> CounterFull | PaceExceeded:
    """Return what a full counter means: an end, or a wait until it begins anew."""
    return CounterFull(counter) if counter.empties_in_s is None else PaceExceeded(counter.empties_in_s)
