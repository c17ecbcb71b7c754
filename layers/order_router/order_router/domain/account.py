"""Who trades and who asks: accounts, strategies and callers, as the operator set them up."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from order_router.domain.instrument import InstrumentField
from order_router.domain.limits import Limits, OrderLimits
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
    """One account at one broker. An account of an earlier release has `max_orders_per_day` beside its limits.

    `market_band_percent`: where the broker takes no MARKET or SL_M, such an order becomes a limit this far beyond the
    last price, or beyond its trigger; None: it is refused. A narrower `price_band_percent` refuses such an entry, and
    no such exit. `postback_digest`: the SHA-256, in hex, of the secret in the address of its postbacks, where the
    broker signs none. `algo_id`: the exchange's id of a registered algorithm, sent with each order where the broker
    takes one.
    """

    name: Name
    broker: str
    is_enabled: bool = True
    limits: Limits = Limits()
    market_band_percent: Annotated[Decimal, Field(gt=0, le=20)] | None = None
    postback_digest: str | None = None
    algo_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9]{1,32}$")] | None = None

    @model_validator(mode="before")
    @classmethod
    def _limit_of_an_earlier_release(cls, fields: Any) -> Any:  # noqa: ANN401 - whatever was stored
        if not isinstance(fields, dict) or "max_orders_per_day" not in fields:
            return fields
        rest = {name: value for name, value in fields.items() if name != "max_orders_per_day"}
        limits = rest.get("limits", {})
        others = limits.model_dump() if isinstance(limits, Limits) else dict(limits)
        return rest | {"limits": others | {"max_orders_per_day": fields["max_orders_per_day"]}}


class Strategy(_Setting):
    """What a webhook token may trade, and how an alert becomes an order in each of its accounts.

    `fallback_account`: what the trader is reminded of when the broker of one of the accounts is out of reach; nothing
    is switched by itself.

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
    fallback_account: Name | None = None
    limits: OrderLimits = OrderLimits()


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
