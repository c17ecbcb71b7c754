"""What every service works with: the ports, handed in once."""

from collections.abc import Callable
from dataclasses import dataclass

from order_router.adapter.listings import Listings
from order_router.adapter.port import Broker
from order_router.domain.account import Account
from order_router.domain.errors import OrderDenied, RouterError
from order_router.domain.trading_calendar import TradingCalendar
from order_router.ports import (
    Breakers,
    Clock,
    LookMarks,
    Meters,
    Metrics,
    Notifier,
    OrderQueue,
    OrderStore,
    Prices,
    ReconcileQueue,
    SessionRenewer,
    Sessions,
    Settings,
    Transport,
)
from order_router.service.book_turns import BookTurns


class AccountUnknown(RouterError):
    """No account has this name."""

    code = "ACCOUNT_UNKNOWN"


class AccountDisabled(OrderDenied):
    """The operator has disabled the account."""

    code = "ACCOUNT_DISABLED"


def known_account(settings: Settings, name: str) -> Account:
    """Return the account; AccountUnknown if there is none."""
    found = settings.account(name)
    if found is None:
        raise AccountUnknown(f"there is no account {name!r}")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountsDesk:
    """The port of a service that works for one account or another."""

    settings: Settings

    def account(self, name: str) -> Account:
        """Return the account; AccountUnknown if there is none."""
        return known_account(self.settings, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingDesk:
    """The ports of a service that only asks brokers: no order, no queue."""

    sessions: Sessions
    broker_of: Callable[[str], Broker]
    transport: Transport
    clock: Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordDesk(AccountsDesk):
    """The ports of a service that only keeps records: no broker, no queue."""

    store: OrderStore
    clock: Clock
    notifier: Notifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk(RecordDesk):
    """The ports of a service that sends.

    `nonce` makes a value that no other call makes; `listings` gives a broker's instruments by the broker's name;
    `calendar` the hours of the exchanges.
    """

    meters: Meters
    prices: Prices
    sessions: Sessions
    renewer: SessionRenewer
    broker_of: Callable[[str], Broker]
    transport: Transport
    reconcile: ReconcileQueue
    looks: LookMarks
    turns: BookTurns
    order_queue: OrderQueue
    breakers: Breakers
    metrics: Metrics
    listings: Callable[[str], Listings]
    calendar: Callable[[], TradingCalendar]
    nonce: Callable[[], str]


def require_enabled(account: Account) -> None:
    """Raise AccountDisabled unless the account may trade."""
    if not account.is_enabled:
        raise AccountDisabled(f"account {account.name} is disabled")
