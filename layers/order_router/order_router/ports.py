"""What services need from the world, as small protocols; `aws`, `transport` and the tests implement them."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol

from order_router.adapter.errors import NotSent
from order_router.adapter.http import Send
from order_router.adapter.login import Credentials, NewSession
from order_router.adapter.session import BrokerSession
from order_router.domain.account import Account, Caller, Strategy
from order_router.domain.breaker import Breaker
from order_router.domain.broker_session import SessionRecord
from order_router.domain.errors import RouterError
from order_router.domain.gate import Gate, KeptPrice
from order_router.domain.instrument import Instrument
from order_router.domain.meter import Counted
from order_router.domain.notices import Notice as Notice  # noqa: PLC0414 - known by this port's name, too
from order_router.domain.order import Order
from order_router.domain.reports import OrderReport
from order_router.domain.request import OrderRequest
from order_router.domain.vocabulary import Source


class Clock(Protocol):
    """The time, and the only way to wait."""

    def now(self) -> datetime:
        """Return the present as aware UTC."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class StoreConflict(RouterError):
    """The stored order is not the one that the write replaces; `current` is what stands there."""

    code = "CONFLICT"

    def __init__(self, current: Order | None) -> None:
        super().__init__("the order was changed meanwhile")
        self.current = current


class StoreUnavailable(RouterError):
    """The store did not answer or refused for the moment; whether a write happened is not known."""

    code = "STORE_UNAVAILABLE"


@dataclass(frozen=True, slots=True)
class OrderPage:
    """Some orders, newest first, and where to go on (None: nowhere); how many there are that could not be read."""

    orders: tuple[Order, ...]
    next_cursor: str | None = None
    unreadable: int = 0


class OrderStore(Protocol):
    """Orders, each written whole on the condition that the one it replaces still stands."""

    def write(self, order: Order, *, replacing: Order | None, gate: Gate | None = None) -> datetime | None:
        """Store the order and pass the gate in one transaction; return until when the call may leave that it took.

        `replacing` None: there must be no order of this id. Otherwise the stored version must be the one replaced. A
        write that is repeated because its answer was lost recognises its own success, and its call is as old as the
        gate. None: the gate took no call. Raises StoreConflict, SwitchOn,
        EntryHeld, CounterFull, LimitReached, BaseStale, PriceUnfit, PaceExceeded (then nothing was written) or
        StoreUnavailable.
        """

    def get(self, client_order_id: str) -> Order | None:
        """Return the order as last written (a consistent read)."""

    def list_day(self, account: str, day: date, *, limit: int, cursor: str | None = None) -> OrderPage:
        """Return the account's orders received on this exchange day (Asia/Kolkata)."""

    def cursor_after(self, order: Order) -> str:
        """Return where the list of a stored order's day goes on behind it."""

    def list_unsettled(self, account: str) -> tuple[Order, ...]:
        """Return the account's orders that have not ended (may lag a moment behind)."""


class Meters(Protocol):
    """What is counted of accounts and strategies, as the gate adds to it."""

    def read(self, name: str) -> Mapping[str, Decimal]:
        """Return the item's amounts as last written (a consistent read); none if there is no item."""

    def rebase(
        self, name: str, amounts: Mapping[str, Decimal], *, seen: Mapping[str, Decimal], at: datetime
    ) -> bool:
        """Set these amounts and when they were known, unless something was added since `seen`: then False."""


class Prices(Protocol):
    """Last prices, kept by broker and instrument for the gate."""

    def name(self, broker: str, instrument: Instrument) -> str:
        """Return the name by which a gate checks the price."""

    def recent(self, broker: str, instrument: Instrument, *, oldest: datetime) -> KeptPrice | None:
        """Return the price if one is known that is not older: from this worker's memory, else with one read."""

    def keep(self, broker: str, prices: Mapping[Instrument, Decimal], at: datetime) -> None:
        """Store last prices as seen then; may StoreUnavailable."""


@dataclass(frozen=True, slots=True)
class StoredSetting:
    """An account or a strategy as it is stored: `document` is what stands there, to the letter."""

    setting: Account | Strategy
    document: str = field(repr=False)

    @property
    def version(self) -> str:
        """Return what tells this document from any other."""
        return hashlib.sha256(self.document.encode()).hexdigest()[:16]


class LimitedSettings(Protocol):
    """Accounts and strategies past every cache, each replaced on the condition that it is as it was read."""

    def stored(self, counted: Counted) -> StoredSetting | None:
        """Return the setting as last written (a consistent read)."""

    def replace(self, stored: StoredSetting, setting: Account | Strategy, *, by: str) -> bool:
        """Store the setting in place of the one that was read; False if another one stands there now.

        Other limits are kept in the log of changes with who set them, both or neither.
        """


class Settings(Protocol):
    """Accounts, strategies and keys, read through a short cache."""

    def prepare(self, account: str, strategy: str | None) -> None:
        """Read both with one request, unless they are remembered."""

    def account(self, name: str) -> Account | None:
        """Return the account of this name."""

    def accounts(self) -> tuple[Account, ...]:
        """Return all accounts."""

    def strategy(self, name: str) -> Strategy | None:
        """Return the strategy of this name."""

    def strategies(self) -> tuple[Strategy, ...]:
        """Return all strategies; may StoreUnavailable."""

    def strategy_of_token(self, token: str) -> Strategy | None:
        """Return the strategy that a webhook token opens."""

    def caller(self, api_key: str) -> Caller | None:
        """Return who holds this API key."""


class Sessions(Protocol):
    """Broker sessions, read through a short cache."""

    def session(self, account: Account) -> BrokerSession:
        """Return the account's stored session."""

    def forget(self, account: Account) -> None:
        """Drop the cached session: the broker refused it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOrder:
    """The command to place one order; `deadline` ends its right to trade, however late it is delivered.

    `asked_by` names the key that a caller came with; an alert's strategy is in its request.
    """

    request: OrderRequest
    idempotency_key: str
    source: Source
    received_at: datetime
    deadline: datetime
    asked_by: str | None = None


@dataclass(frozen=True, slots=True)
class ResumeOrder:
    """The command to go on with a stored order that never left."""

    client_order_id: str


class OrderQueue(Protocol):
    """The durable queue before the order path: first in, first out for each account and instrument."""

    def put(self, orders: Sequence[PlaceOrder]) -> None:
        """Store all of them durably; raises StoreUnavailable if any may not be stored."""

    def resume(self, order: Order) -> None:
        """Queue a ResumeOrder behind those of the order's group, once for each version of it; may StoreUnavailable."""


class ReconcileQueue(Protocol):
    """Asks the reconciler to look at an account soon."""

    def put(self, account: str, *, delay_s: int, look: str | None = None) -> None:
        """Ask for a look at the account after a delay; `look` names it, if others are to stand back for it."""


class LookMarks(Protocol):
    """Which look at an account is the next: a mark of its name and when it is due, and of the one that began last.

    A mark that was due before `since` counts for nothing. May StoreUnavailable.
    """

    def begin(self, account: str, look: str | None, *, since: datetime) -> bool:
        """Put this look in the mark's place and return True; False, and nothing, if another one is marked."""

    def is_coming(self, account: str, *, since: datetime) -> bool:
        """Return whether a look is marked (a consistent read)."""

    def expect(self, account: str, look: str, due: datetime, *, since: datetime) -> None:
        """Mark the look as the next one, unless it has begun or another one is marked."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A queue message that will not become an order any more."""

    message_id: str
    body: str = field(repr=False)


class DeadLetters(Protocol):
    """Keeps the bodies of messages that the queue gave up on."""

    def keep(self, letter: Letter, at: datetime) -> None:
        """Keep the letter under its message id; StoreUnavailable if it may not be kept."""


class SeenAlerts(Protocol):
    """Remembers alert bodies that carry no time of their own."""

    def first_seen(self, digest: str, at: datetime, *, window_s: int) -> datetime:
        """Return when this body was first seen within the window: `at` itself if it was not."""


class Notifier(Protocol):
    """Tells the trader."""

    def tell(self, notice: Notice) -> bool:
        """Return whether it is on its way to the trader, who may hear it twice; False: say it again. Never raises."""


class Transport(Protocol):
    """Sends requests to brokers."""

    def sender(self, endpoint: str, *, not_after: datetime | None) -> Send:
        """Return a Send for this endpoint; a write request does not leave after `not_after` (DeadlinePassed)."""


class CredentialStore(Protocol):
    """What accounts have stored to log in with."""

    def credentials(self, account: Account) -> Credentials:
        """Return the account's credentials; CredentialsRefused if it has none, NotSent on a passing fault."""


class SessionVault(Protocol):
    """Keeps the secrets of broker sessions."""

    def keep(self, account: Account, session: NewSession) -> None:
        """Store the account's new session in place of the old one; StoreUnavailable if it may not be stored."""


class RecordConflict(RouterError):
    """Another worker changed the session's record first; `current` is what stands there."""

    code = "CONFLICT"

    def __init__(self, current: SessionRecord) -> None:
        super().__init__(f"the session of {current.account} was changed meanwhile")
        self.current = current


class SessionRecords(Protocol):
    """The state of each account's session, each written on the condition that the one it replaces still stands."""

    def get(self, account: str) -> SessionRecord:
        """Return the record as last written (a consistent read); one in state `never` if there is none."""

    def write(self, record: SessionRecord, *, replacing: SessionRecord) -> SessionRecord:
        """Store the record and return it with its version; RecordConflict if another one stands there.

        A write that is repeated because its answer was lost recognises its own success. May raise StoreUnavailable.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginTicket:
    """The right to begin one login of one account on its broker's page, kept by the digest of its token."""

    digest: str
    account: str
    expires_at: datetime


class LoginTickets(Protocol):
    """Tickets to log in, each good for one login."""

    def issue(self, ticket: LoginTicket) -> None:
        """Store a ticket; may StoreUnavailable."""

    def find(self, digest: str, now: datetime) -> LoginTicket | None:
        """Return the ticket if it was issued, was not used and has not expired."""

    def use(self, ticket: LoginTicket, now: datetime) -> bool:
        """Use the ticket up; False if it was used before or has expired."""

    def address(self) -> str | None:
        """Return the base URL of the API as last remembered."""

    def remember_address(self, url: str) -> None:
        """Remember the base URL of the API."""


class SessionRenewer(Protocol):
    """Has a session replaced that a broker refused, by whoever may log in."""

    def renew(self, account: Account, *, refused: str | None, until: datetime) -> None:
        """Return once a session other than the refused one (its fingerprint) is stored.

        Raises a NotSent that says why there is none: SessionExpired where only a person can log in, LoginFailed or one
        of its children where the login failed, RenewalPending where it is not done by `until`.
        """

    def report(self, account: Account, *, refused: str | None) -> None:
        """Have a dead session seen to: renewed where that needs no person, else noted and told once; never raises."""


class RenewalPending(NotSent):
    """A login is under way and did not end in time."""

    code = "LOGIN_PENDING"


@dataclass(frozen=True, slots=True)
class StrayPostback:
    """A broker's word on an order that is none of ours."""

    account: str
    report: OrderReport


class StrayPostbacks(Protocol):
    """Keeps what brokers say of orders that are none of ours."""

    def keep(self, stray: StrayPostback, at: datetime) -> bool:
        """Keep it; True if nothing was kept of this order before. May StoreUnavailable."""


class BreakerConflict(RouterError):
    """Another worker changed the breaker first; `current` is what stands there."""

    code = "CONFLICT"

    def __init__(self, current: Breaker) -> None:
        super().__init__(f"the breaker of {current.account} was changed meanwhile")
        self.current = current


class Breakers(Protocol):
    """The accounts' circuit breakers, each written on the condition that the one it replaces still stands."""

    def get(self, broker: str, account: str) -> Breaker:
        """Return the breaker as last written (a consistent read); a closed one if there is none."""

    def write(self, breaker: Breaker, *, replacing: Breaker) -> Breaker:
        """Store the breaker and return it with its version; BreakerConflict if another one stands there.

        Once this returns, no new order passes a breaker that is not closed. A write that is repeated because its answer
        was lost recognises its own success. May raise StoreUnavailable.
        """


class Metrics(Protocol):
    """Takes what the watch measures."""

    def put(self, values: Mapping[str, int], about: Mapping[str, str] | None = None) -> None:
        """Measure these by name; `about` says of which broker or account. Never raises, and waits for nothing."""
