"""A broker's list of instruments, judged before it replaces yesterday's: half a list, or an old one, is none."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from order_router.domain.errors import Reason, RouterError
from order_router.domain.instrument import TRADINGSYMBOL, Instrument
from order_router.domain.listing import OPTIONS, InstrumentType, Listing
from order_router.domain.vocabulary import Exchange

MAX_ROWS = 500_000
"""More are no list of instruments: the largest brokers' have some 100,000."""

LEAST_PERCENT, LEAST_SLACK = 60, 50
MOST_PERCENT, MOST_SLACK = 250, 500
"""The band around yesterday's count of an exchange: an expiry takes away a part of its contracts, never half."""

MAX_EXPIRED_PERCENT = 10
"""Contracts whose last day is over are left out; with more of them than this the list is an old one."""

MAX_KEY = 200
FUTURES_AND_OPTIONS = frozenset({InstrumentType.FUT, InstrumentType.CE, InstrumentType.PE})
SHARES: tuple[frozenset[str], frozenset[InstrumentType]] = (
    frozenset({"RELIANCE", "HDFCBANK", "INFY", "TCS"}),
    frozenset({InstrumentType.EQ}),
)
KNOWN: Mapping[Exchange, tuple[frozenset[str], frozenset[InstrumentType]]] = {
    Exchange.NSE: SHARES,
    Exchange.BSE: SHARES,
    Exchange.NFO: (frozenset({"NIFTY", "BANKNIFTY"}), FUTURES_AND_OPTIONS),
    Exchange.BFO: (frozenset({"SENSEX", "BANKEX"}), FUTURES_AND_OPTIONS),
    Exchange.CDS: (frozenset({"USDINR"}), frozenset({InstrumentType.FUT})),
    Exchange.MCX: (frozenset({"CRUDEOIL", "GOLD"}), frozenset({InstrumentType.FUT})),
}
"""Of what every whole list of an exchange has at least one: a share, or an underlying with these contracts."""


class ListRefused(RouterError):
    """The list is not one that may replace what is loaded: yesterday's stays."""

    code = "INSTRUMENT_LIST_REFUSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What a list is held against. `exchanges`: those that the broker trades on; a list may hold others to be quoted.

    `floors`: the fewest rows that an exchange has; one that is not named is held against yesterday alone. `before`:
    the rows of each exchange as last loaded, empty where that shall not count.
    """

    exchanges: frozenset[Exchange]
    day: date
    floors: Mapping[Exchange, int] = field(default_factory=dict)
    before: Mapping[Exchange, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class InstrumentList:
    """A list that was judged and found good; `expired` rows were left out of it."""

    listings: tuple[Listing, ...]
    rows: Mapping[Exchange, int]
    expired: int


class RefreshUnderWay(RouterError):
    """Somebody refreshes this broker's list already."""

    code = "REFRESH_UNDER_WAY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What replacing a list came to; `write_units` are the database's."""

    put: int = 0
    deleted: int = 0
    unchanged: int = 0
    write_units: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListState:
    """How a broker's list stands: when it was loaded, its rows by exchange, what that changed and how long it took.

    `problem`: why the last try, at `tried_at`, did not replace it. `busy_until`: somebody is at it, until then at most.
    """

    loaded_at: datetime | None = None
    rows: Mapping[Exchange, int] = field(default_factory=dict)
    expired: int = 0
    changes: Changes = Changes()
    read_s: Decimal = Decimal(0)
    write_s: Decimal = Decimal(0)
    tried_at: datetime | None = None
    problem: Reason | None = None
    busy_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InstrumentQuery:
    """Which instruments are looked for, in these exchanges, in the order of the exchanges.

    Without `underlying`: those whose tradingsymbol begins with `prefix`. With it: its contracts, of one expiry, one
    strike or one type if these are given; `prefix` then leaves out others.
    """

    exchanges: tuple[Exchange, ...]
    prefix: str = ""
    underlying: str | None = None
    expiry: date | None = None
    strike: Decimal | None = None
    contract_type: InstrumentType | None = None


@dataclass(frozen=True, slots=True)
class ListingPage:
    """Some of the instruments that were looked for, and where to go on (None: nowhere)."""

    listings: tuple[Listing, ...]
    next_cursor: str | None = None


def judge_list(rows: Iterable[Listing], expected: Expectation) -> InstrumentList:
    """Return the list if it may replace what is loaded; ListRefused says what was expected and received."""
    judge = _Judge(expected.day)
    for row in rows:
        judge.take(row)
    counted = Counter(row.instrument.exchange for row in judge.kept)
    judge.require_recent()
    for exchange in sorted(expected.exchanges | set(expected.before)):
        _require_count(exchange, counted[exchange], expected)
    for exchange in sorted(expected.exchanges & set(expected.floors) & set(KNOWN)):
        judge.require_known(exchange)
    return InstrumentList(tuple(judge.kept), dict(counted), judge.expired)


class _Judge:
    """Takes a list row by row, and keeps what is sound and not over."""

    def __init__(self, day: date) -> None:
        self._day = day
        self._names: dict[Instrument, Listing] = {}
        self._keys: set[str] = set()
        self._known: set[tuple[Exchange, str, InstrumentType]] = set()
        self.kept: list[Listing] = []
        self.expired = 0

    def take(self, row: Listing) -> None:
        """Keep a row; ListRefused if no order could be held against it, or another row has its name or key."""
        if row.expiry is not None and row.expiry < self._day:
            self.expired += 1
            return
        _require_sound(row)
        earlier = self._names.get(row.instrument)
        if earlier == row:
            return
        if earlier is not None or row.broker_key in self._keys:
            raise ListRefused(f"two rows are called {row.instrument} or have its key {row.broker_key!r}")
        if len(self.kept) >= MAX_ROWS:
            raise ListRefused(f"expected at most {MAX_ROWS} rows, received more")
        self._names[row.instrument] = row
        self._keys.add(row.broker_key)
        self.kept.append(row)
        self._note(row)

    def _note(self, row: Listing) -> None:
        exchange, name = row.instrument.exchange, row.underlying or row.instrument.tradingsymbol
        if exchange in KNOWN and name in KNOWN[exchange][0]:
            self._known.add((exchange, name, row.instrument_type))

    def require_recent(self) -> None:
        """Raise ListRefused if nothing is left, or too much of the list is over."""
        if not self.kept:
            raise ListRefused(f"the list is empty ({self.expired} of its contracts have expired)")
        if self.expired * 100 > MAX_EXPIRED_PERCENT * (len(self.kept) + self.expired):
            raise ListRefused(f"the list is an old one: {self.expired} of its contracts have expired")

    def require_known(self, exchange: Exchange) -> None:
        """Raise ListRefused if a whole list of the exchange would have what this one lacks."""
        names, kinds = KNOWN[exchange]
        if not any(all((exchange, name, kind) in self._known for kind in kinds) for name in names):
            raise ListRefused(
                f"expected {' or '.join(sorted(names))} as {', '.join(sorted(kinds))} in {exchange}, found neither"
            )


def _require_count(exchange: Exchange, count: int, expected: Expectation) -> None:
    floor = expected.floors.get(exchange, 0) if exchange in expected.exchanges else 0
    if count < floor:
        raise ListRefused(f"expected at least {floor} rows of {exchange}, received {count}")
    before = expected.before.get(exchange)
    if before is None:
        return
    least = max(0, before * LEAST_PERCENT // 100 - LEAST_SLACK)
    most = before * MOST_PERCENT // 100 + MOST_SLACK
    if not least <= count <= most:
        raise ListRefused(
            f"expected {least} to {most} rows of {exchange}, where {before} are loaded, received {count}"
        )


def _require_sound(row: Listing) -> None:
    if not TRADINGSYMBOL.fullmatch(row.instrument.tradingsymbol):
        raise ListRefused(f"expected a tradingsymbol, received {row.instrument.tradingsymbol[:60]!r}")
    for name in (row.broker_key, row.broker_symbol):
        if not 0 < len(name) <= MAX_KEY or not name.isprintable():
            raise ListRefused(f"expected a name of {row.instrument} at the broker, received {name[:60]!r}")
    if row.instrument_type is not InstrumentType.INDEX:
        _require_grid(row)
    # one without an underlying is only not found by it: brokers leave the name of some out
    if row.instrument_type in FUTURES_AND_OPTIONS and row.expiry is None:
        raise ListRefused(f"{row.instrument} is a contract without an expiry")
    if row.instrument_type in OPTIONS and not (row.strike is not None and row.strike > 0):
        raise ListRefused(f"{row.instrument} is an option without a strike")


def _require_grid(row: Listing) -> None:
    if not (row.tick_size.is_finite() and row.tick_size > 0):
        raise ListRefused(f"expected a tick_size above 0 for {row.instrument}, received {row.tick_size}")
    if row.lot_size < 1 or (row.freeze_quantity is not None and row.freeze_quantity < 1):
        raise ListRefused(f"expected a lot_size and a freeze_quantity above 0 for {row.instrument}")
