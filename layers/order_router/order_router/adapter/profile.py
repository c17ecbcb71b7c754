"""What a broker can do, as data: the service asks the profile, never the broker's name."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import time
from enum import StrEnum

from order_router.adapter.errors import Unsupported
from order_router.adapter.login import CredentialField, LoginKind
from order_router.domain.reports import Position
from order_router.domain.request import OrderRequest
from order_router.domain.vocabulary import DELIVERY, Exchange, OrderType, Product, Validity


@dataclass(frozen=True, slots=True, kw_only=True)
class TagRule:
    """How our client order id travels to the broker and comes back. `max_length` 0: the broker takes no tag."""

    max_length: int
    is_echoed: bool

    def tag(self, client_order_id: str) -> str:
        """Return the tag for an order: the start of its client order id, as long as the broker allows."""
        return client_order_id[: self.max_length]


class Feature(StrEnum):
    """What a broker may offer beside orders, positions and funds."""

    QUOTES = "quotes"
    OPTION_CHAIN = "option_chain"
    ORDER_MARGIN = "order_margin"
    POSTBACK = "postback"


class CheckedCall(StrEnum):
    """What a broker takes from registered addresses only."""

    ORDERS = "orders"
    LOGINS = "logins"
    READS = "reads"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One broker's capabilities and rules; every vendor fact is cited in the broker's README.

    `has_master`: it lists its instruments, and an order is held against that list before anything is sent.
    `reads_per_second`: how fast a reading of many requests goes on, where the broker counts every request of a user.
    `finds_listings`: it has no such list, and looks a named instrument up. `asks_back`: a write may be answered with a
    question, nothing done yet, and the answer to that is a write too.
    `credentials`: what a trader stores for an account. `session_ends_at`: when a day's session dies, Asia/Kolkata.
    `signs_postbacks` False: nothing in a postback proves that the broker sent it, so its address holds a secret.
    `keep_alive_s`: how often a session must be used to stay alive. `login_endpoint`: where logins go, if elsewhere.
    `checks_address`: what it takes from registered addresses only. `takes_algo_id`: an exchange's id of a registered
    algorithm may travel with an order.
    `tells_realised_pnl` False: what its positions realised is not known, so a day's loss is what is open alone.
    `exchange_closes` False: its exchange is a simulated one that never does. `takes_after_market`: it keeps orders for
    the next session while there is none. `order_calls_per_second`, `_per_minute`, `_per_day`: what it takes of
    placements, changes and cancels of an account, None where no page says. `paces_whole_account`: those of a second are
    of all its exchanges together; False: of each exchange segment, as the regulator counts them.
    `watch_quotes_per_hour`: how many quotes the watch of limits may ask for, where each is a call of its own and calls
    are counted. `book_every_s`: how long it wants between two readings of a user's order book; `user_fields`: what of a
    session names that user, who may have several accounts.
    `positions_include_holdings`: its positions are all that an account holds; of the others they are the day's, and
    what was sold out of holdings shows below zero.
    """

    name: str
    title: str
    endpoint: str
    session_fields: tuple[str, ...]
    exchanges: frozenset[Exchange]
    order_types: frozenset[OrderType]
    products: frozenset[Product]
    validities: frozenset[Validity]
    takes_disclosed_quantity: bool
    tag: TagRule
    is_idempotent: bool
    rejects_after_acknowledging: bool
    order_calls_per_second: int
    paces_whole_account: bool
    tells_realised_pnl: bool
    order_calls_per_minute: int | None = None
    order_calls_per_day: int | None = None
    reads_per_second: int | None = None
    watch_quotes_per_hour: int | None = None
    book_every_s: int | None = None
    user_fields: tuple[str, ...] = ()
    has_master: bool = False
    finds_listings: bool = False
    asks_back: bool = False
    features: frozenset[Feature] = frozenset()
    signs_postbacks: bool = True
    checks_address: frozenset[CheckedCall] = frozenset()
    takes_algo_id: bool = False
    exchange_closes: bool = True
    takes_after_market: bool = False
    positions_include_holdings: bool = False
    login: LoginKind = LoginKind.NONE
    credentials: tuple[CredentialField, ...] = ()
    login_endpoint: str | None = None
    session_ends_at: time | None = None
    keep_alive_s: int | None = None

    def require(self, request: OrderRequest) -> None:
        """Raise Unsupported, naming the feature, if the broker cannot take this order."""
        self._require(request.instrument.exchange, self.exchanges, "exchange")
        self._require(OrderType(request.order_type), self.order_types, "order_type")
        self._require(request.product, self.products, "product")
        self._require(request.validity, self.validities, "validity")
        if request.disclosed_quantity is not None and not self.takes_disclosed_quantity:
            raise Unsupported(f"{self.title} takes no disclosed_quantity")
        if request.after_market and not self.takes_after_market:
            raise Unsupported(f"{self.title} takes no order after the market")

    def require_change(self, before: OrderRequest, wanted: OrderRequest) -> None:
        """Raise Unsupported if the broker cannot make this change, or if it is another order altogether."""
        self.require(wanted)
        for name in ("instrument", "side", "product", "after_market"):
            if getattr(before, name) != getattr(wanted, name):
                raise Unsupported(f"{self.title} cannot change the {name} of an order")

    def is_sale_of_holdings(self, position: Position) -> bool:
        """Return whether a position is what was sold out of the holdings today: nothing that is open."""
        is_short = position.product in DELIVERY and position.quantity < 0
        return is_short and not self.positions_include_holdings

    def _require[T](self, value: T, allowed: Collection[T], field: str) -> None:
        if value not in allowed:
            words = ", ".join(sorted(str(word) for word in allowed))
            raise Unsupported(f"{self.title} does not take {field} {value}; it takes {words}")
