"""Who trades and who asks: accounts, strategies and callers, as the operator set them up."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from order_router.domain.instrument import InstrumentField
from order_router.domain.request import Name, Quantity
from order_router.domain.vocabulary import OrderType, Product, Validity


class Scope(StrEnum):
    """What a caller may do; `trade` includes `read`, `admin` includes both."""

    READ = "read"
    TRADE = "trade"
    ADMIN = "admin"


GRANTS: dict[Scope, frozenset[Scope]] = {
    Scope.READ: frozenset({Scope.READ}),
    Scope.TRADE: frozenset({Scope.READ, Scope.TRADE}),
    Scope.ADMIN: frozenset(Scope),
}


class _Setting(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Account(_Setting):
    """One account at one broker. `max_orders_per_day` counts every accepted intent.

    `market_band_percent`: where the broker takes no MARKET or SL_M, such an order becomes a limit this far beyond the
    last price, or beyond its trigger; None: it is refused. `postback_digest`: the SHA-256, in hex, of the secret in the
    address of its postbacks, where the broker signs none. `algo_id`: the exchange's id of a registered algorithm, sent
    with each order where the broker takes one.
    """

    name: Name
    broker: str
    is_enabled: bool = True
    max_orders_per_day: Annotated[int, Field(gt=0, le=5000)] = 1000
    market_band_percent: Annotated[Decimal, Field(gt=0, le=20)] | None = None
    postback_digest: str | None = None
    algo_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9]{1,32}$")] | None = None


class Strategy(_Setting):
    """What a webhook token may trade, and how an alert becomes an order in each of its accounts.

    `quantity` None: the alert's `contracts` decide. `symbols` maps TradingView tickers that are not exchange symbols.
    `time_is` says what the alert's `time` holds: `fired` ({{timenow}}) rejects an alert that comes too late, `bar`
    ({{time}}) only tells alerts apart. `max_age_s`: an older alert never becomes an order.
    """

    name: Name
    accounts: Annotated[tuple[Name, ...], Field(min_length=1, max_length=10)]
    token_digests: tuple[str, ...] = ()
    is_enabled: bool = True
    order_type: Literal[OrderType.MARKET, OrderType.LIMIT]
    product: Product
    validity: Validity = Validity.DAY
    quantity: Quantity | None = None
    max_quantity: Quantity
    instruments: tuple[InstrumentField, ...] = ()
    symbols: dict[str, InstrumentField] = {}
    max_age_s: Annotated[int, Field(gt=0, le=300)] = 30
    time_is: Literal["fired", "bar"] = "fired"


class Caller(_Setting):
    """Who makes an API call: `accounts` empty means all accounts."""

    key_id: str
    scopes: frozenset[Scope]
    accounts: frozenset[Name] = frozenset()

    def may(self, scope: Scope) -> bool:
        """Return whether one of the caller's scopes grants this one."""
        return any(scope in GRANTS[held] for held in self.scopes)

    def may_see(self, account: str) -> bool:
        """Return whether the account is one of the caller's."""
        return not self.accounts or account in self.accounts
