"""What the services of broker sessions work with: the ports, handed in once. A laptop hands in its own."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta

from order_router.adapter.http import Send, never_repeating
from order_router.adapter.login import BrowserLogin, Credentials, LoginKind, UnattendedLogin
from order_router.adapter.port import Broker
from order_router.adapter.profile import Profile
from order_router.domain.account import Account
from order_router.domain.broker_session import SessionRecord
from order_router.domain.exchange_time import IST
from order_router.domain.trading_calendar import NO_CALENDAR, TradingCalendar
from order_router.domain.vocabulary import Exchange
from order_router.ports import (
    Clock,
    CredentialStore,
    LoginTickets,
    Notifier,
    RecordConflict,
    SessionRecords,
    Sessions,
    SessionVault,
    StoreUnavailable,
    Transport,
)
from order_router.service.desk import AccountsDesk

TRIES = 8

LAST_LOGIN_CALL = timedelta(seconds=15)
"""No request of a login leaves in the last part of its lease: its answer would come after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionDesk(AccountsDesk):
    """The ports of a service that logs in.

    `nonce` makes a value that no other call makes, and that nobody can guess; `calendar` gives the days of the
    exchanges as kept and as the deployer named them; `holidays` the named ones, for where no calendar is kept.
    """

    sessions: Sessions
    credentials: CredentialStore
    vault: SessionVault
    records: SessionRecords
    tickets: LoginTickets
    broker_of: Callable[[str], Broker]
    login_of: Callable[[str], UnattendedLogin | BrowserLogin]
    transport: Transport
    clock: Clock
    notifier: Notifier
    nonce: Callable[[], str]
    holidays: Callable[[], frozenset[date]] = frozenset
    calendar: Callable[[], TradingCalendar] = lambda: NO_CALENDAR

    def profile(self, account: Account) -> Profile:
        """Return the profile of the account's broker."""
        return self.broker_of(account.broker).profile

    def is_trading_day(self) -> bool:
        """Return whether an exchange of the accounts' brokers may trade today, by the calendar.

        That has the days that the deployer named. Of an exchange whose days are not known every weekday counts, and
        where no calendar is kept every weekday that was not named a holiday.
        """
        today, calendar = self.clock.now().astimezone(IST).date(), self.calendar()
        if not calendar.venues and today in self.holidays():
            return False
        return any(calendar.is_trading_day(exchange, today) for exchange in self.exchanges())

    def exchanges(self) -> frozenset[Exchange]:
        """Return the exchanges of every enabled account's broker that has logins."""
        found: set[Exchange] = set()
        for account in self.settings.accounts():
            # a defect at one broker must not keep the other accounts waiting
            with suppress(Exception):
                profile = self.profile(account)
                if account.is_enabled and profile.login is not LoginKind.NONE:
                    found |= profile.exchanges
        return frozenset(found)


Change = Callable[[SessionRecord], SessionRecord]


def change_record(desk: SessionDesk, account: str, change: Change) -> tuple[SessionRecord, SessionRecord]:
    """Change the account's record, whoever else writes meanwhile; return it as it was and as it is stored now.

    A change that gives back the same record writes nothing. Raises StoreUnavailable.
    """
    before = desk.records.get(account)
    for _ in range(TRIES):
        after = change(before)
        if after is before:
            return before, before
        try:
            return before, desk.records.write(after, replacing=before)
        except RecordConflict as conflict:
            before = conflict.current
    raise StoreUnavailable(f"the session of {account}: too many conflicts")


def login_sender(desk: SessionDesk, credentials: Credentials, record: SessionRecord) -> Send:
    """Return the Send of one login: it repeats nothing, and sends nothing that could outlast the lease."""
    not_after = None if record.lease_until is None else record.lease_until - LAST_LOGIN_CALL
    return never_repeating(desk.transport.sender(credentials.endpoint, not_after=not_after))
