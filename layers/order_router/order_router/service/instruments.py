"""Refresh what brokers list: fetched, read and judged before anything is replaced; otherwise yesterday's stays."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol

from order_router.adapter.errors import AdapterDefect, SessionExpired
from order_router.adapter.listings import Listings
from order_router.adapter.master import Download, Master
from order_router.adapter.port import Broker
from order_router.adapter.session import BrokerSession
from order_router.domain.account import Account
from order_router.domain.errors import Reason, RouterError
from order_router.domain.exchange_time import exchange_day
from order_router.domain.instrument_list import (
    Changes,
    Expectation,
    InstrumentList,
    InstrumentQuery,
    ListingPage,
    ListState,
    judge_list,
)
from order_router.domain.listing import Listing
from order_router.domain.trading_calendar import NO_CALENDAR, TradingCalendar
from order_router.domain.vocabulary import Exchange
from order_router.ports import Clock, Notice, Notifier, Sessions, Settings, StoreUnavailable

logger = logging.getLogger(__name__)
TIME_TO_REFRESH = timedelta(minutes=14)
"""How long writing may go on; the function that refreshes is ended a minute later."""

LEASE = timedelta(minutes=15, seconds=5)
"""How long nobody else refreshes the same list: longer than a function lives."""


class BrokerUnused(RouterError):
    """No enabled account is at a broker of this name that has a list of its instruments."""

    code = "BROKER_UNUSED"


class InstrumentLists(Protocol):
    """The brokers' lists as they are stored."""

    def state(self, broker: str, /) -> ListState:
        """Return how the broker's list stands."""

    def begin(self, broker: str, owner: str, until: datetime, /) -> ListState:
        """Take the list for ourselves until then and return how it stands; RefreshUnderWay if somebody has it."""

    def replace(self, broker: str, listings: Iterable[Listing], not_after: datetime, /) -> Changes:
        """Make the stored list this one, writing only what differs; StoreUnavailable if that fails, or takes longer.

        Whatever is read meanwhile, or after it failed, is a row of the old list or of the new one.
        """

    def end(self, broker: str, owner: str, state: ListState, /) -> None:
        """Store how the list stands now, and let others have it."""


class ListingSearch(Protocol):
    """Looks for instruments among those that are stored."""

    def state(self, broker: str, /) -> ListState:
        """Return how the broker's list stands."""

    def search(
        self, broker: str, query: InstrumentQuery, /, *, limit: int, cursor: str | None = None
    ) -> ListingPage:
        """Return a page of what is looked for; CursorInvalid for a cursor that no such page gave."""


class RefreshQueue(Protocol):
    """Asks for a broker's list to be refreshed soon."""

    def put(self, broker: str, /, *, takes_any_count: bool = False) -> None:
        """Ask for it; may raise StoreUnavailable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchDesk:
    """What looking for instruments works with, and asking for a refresh."""

    settings: Settings
    broker_of: Callable[[str], Broker]
    listings: Callable[[str], Listings]
    search: ListingSearch
    queue: RefreshQueue


@dataclass(frozen=True, slots=True, kw_only=True)
class InstrumentsDesk:
    """What refreshing works with. `floors`: the fewest rows that a whole list has of an exchange.

    `calendar` gives the days on which exchanges trade.
    """

    settings: Settings
    sessions: Sessions
    broker_of: Callable[[str], Broker]
    master_of: Callable[[str], Master]
    endpoint_of: Callable[[str], str]
    download: Download
    lists: InstrumentLists
    clock: Clock
    notifier: Notifier
    nonce: Callable[[], str]
    floors: Callable[[], Mapping[Exchange, int]]
    calendar: Callable[[], TradingCalendar] = lambda: NO_CALENDAR


@dataclass(frozen=True, slots=True)
class _Job:
    broker: Broker
    accounts: tuple[Account, ...]
    owner: str
    before: ListState
    began_at: datetime

    @property
    def name(self) -> str:
        return self.broker.profile.name


def brokers_in_use(settings: Settings, broker_of: Callable[[str], Broker]) -> tuple[str, ...]:
    """Return the names of the brokers with a list where an enabled account is, sorted."""
    names = {account.broker for account in settings.accounts() if account.is_enabled}
    return tuple(sorted(name for name in names if _has_list(broker_of, name)))


def ask_for_all(desk: InstrumentsDesk, queue: RefreshQueue) -> tuple[str, ...]:
    """Ask for the list of every broker in use that may trade today, each for itself; return their names."""
    names = tuple(name for name in brokers_in_use(desk.settings, desk.broker_of) if _may_trade(desk, name))
    for name in names:
        queue.put(name)
    return names


def _may_trade(desk: InstrumentsDesk, name: str) -> bool:
    today, calendar = exchange_day(desk.clock.now()), desk.calendar()
    return any(calendar.is_trading_day(one, today) for one in desk.broker_of(name).profile.exchanges)


def refresh(desk: InstrumentsDesk, name: str, *, takes_any_count: bool = False) -> ListState:
    """Replace a broker's list by today's and return how it stands; a bad or missing one leaves yesterday's.

    `takes_any_count`: the count of rows is not held against yesterday's. Raises BrokerUnused, RefreshUnderWay, or
    StoreUnavailable when the writing broke off: the next refresh completes it.
    """
    accounts = tuple(one for one in desk.settings.accounts() if one.broker == name and one.is_enabled)
    if name not in brokers_in_use(desk.settings, desk.broker_of):
        raise BrokerUnused(f"no enabled account is at a broker {name!r} that lists its instruments")
    owner, now = desk.nonce(), desk.clock.now()
    before = desk.lists.begin(name, owner, now + LEASE)
    job = _Job(desk.broker_of(name), accounts, owner, before, now)
    try:
        state = _loaded(desk, job, takes_any_count=takes_any_count)
    except RouterError as error:
        state = _kept(desk, job, error.reason)
        if isinstance(error, StoreUnavailable):
            desk.lists.end(name, owner, state)
            raise
    desk.lists.end(name, owner, state)
    return state


def _has_list(broker_of: Callable[[str], Broker], name: str) -> bool:
    try:
        return broker_of(name).profile.has_master
    except RouterError:  # an account of a broker that this release does not know: its orders say so
        return False


def _loaded(desk: InstrumentsDesk, job: _Job, *, takes_any_count: bool) -> ListState:
    expected = Expectation(
        exchanges=job.broker.profile.exchanges,
        day=exchange_day(job.began_at),
        floors=desk.floors(),
        before={} if takes_any_count else job.before.rows,
    )
    found = _read(desk, job, expected)
    read_at = desk.clock.now()
    changes = desk.lists.replace(job.name, found.listings, job.began_at + TIME_TO_REFRESH)
    now = desk.clock.now()
    state = ListState(
        loaded_at=now,
        rows=found.rows,
        expired=found.expired,
        changes=changes,
        read_s=_seconds(read_at - job.began_at),
        write_s=_seconds(now - read_at),
        tried_at=now,
    )
    logger.info("instruments loaded", extra={"broker": job.name, "rows": len(found.listings)} | _told(state))
    return state


def _read(desk: InstrumentsDesk, job: _Job, expected: Expectation) -> InstrumentList:
    """Read and judge the list, with the first account's session that there is; a public list needs none."""
    session = _session(desk, job)
    try:
        return judge_list(desk.master_of(job.name).read_instruments(desk.download, session), expected)
    except RouterError:
        raise
    except Exception as error:  # whatever an adapter trips over, the list is not read, and the trader is told
        raise AdapterDefect(f"the list could not be read: {type(error).__name__}") from error


def _session(desk: InstrumentsDesk, job: _Job) -> BrokerSession:
    for account in job.accounts:
        try:
            return desk.sessions.session(account)
        except SessionExpired:
            continue
    return BrokerSession(job.accounts[0].name, desk.endpoint_of(job.name))


def _kept(desk: InstrumentsDesk, job: _Job, reason: Reason) -> ListState:
    """Return how the list stands after a try in vain, and tell the trader the first time that day."""
    now, before = desk.clock.now(), job.before
    logger.warning("instruments kept", extra={"broker": job.name, "code": reason.code})
    told_at = None if before.problem is None else before.tried_at
    if told_at is None or exchange_day(told_at) != exchange_day(now):
        desk.notifier.tell(_notice(job, reason, now))
    return replace(before, tried_at=now, problem=reason, busy_until=None)


def _notice(job: _Job, reason: Reason, now: datetime) -> Notice:
    loaded_at = job.before.loaded_at
    since = "none were ever loaded" if loaded_at is None else f"those of {exchange_day(loaded_at)} stay"
    return Notice(
        kind="instruments_not_refreshed",
        account=", ".join(account.name for account in job.accounts),
        message=f"the instruments of {job.broker.profile.title} were not refreshed, {since}: {reason.message}",
        # the next day's schedule may come some seconds less than a day later
        subject=f"{job.name} {exchange_day(now)} {loaded_at}",
    )


def _told(state: ListState) -> dict[str, str]:
    changes = state.changes
    figures = {"put": changes.put, "deleted": changes.deleted, "unchanged": changes.unchanged}
    figures_of_time = {"write_units": changes.write_units, "read_s": state.read_s, "write_s": state.write_s}
    return {key: str(value) for key, value in (figures | figures_of_time).items()}


def _seconds(span: timedelta) -> Decimal:
    return Decimal(span // timedelta(milliseconds=1)) / 1000
