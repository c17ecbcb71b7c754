"""The broker port: the functions that every adapter package offers.

An adapter is a package of functions over a `send` that is handed in. It opens no socket, keeps no state, retries
nothing and raises only the errors of `adapter.errors`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from order_router.adapter.errors import Unsupported
from order_router.adapter.http import Send
from order_router.adapter.profile import Profile
from order_router.adapter.session import BrokerSession
from order_router.domain.instrument import Instrument
from order_router.domain.reports import (
    Funds,
    Holding,
    OptionQuote,
    OrderBook,
    OrderMargin,
    OrderReport,
    PositionBook,
    Quote,
    Trade,
)
from order_router.domain.request import OrderRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceIntent:
    """An order to be placed: what was asked, our id, and the tag that travels with it.

    `algo_id`: the exchange's id of a registered algorithm, for a broker whose profile takes one.
    """

    client_order_id: str
    client_tag: str
    request: OrderRequest
    algo_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModifyIntent:
    """A change to an order at the broker: `request` holds all terms as they shall be, `before` as they are."""

    broker_order_id: str
    before: OrderRequest
    request: OrderRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTarget:
    """An order at the broker that is to be read or cancelled."""

    broker_order_id: str
    request: OrderRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainQuery:
    """Which option chain: of this underlying (an index or a share, as the exchange names it), ending on this day.

    `strikes`: so many of them, nearest to the last price of the underlying; None as many as the broker gives unasked.
    """

    underlying: Instrument
    expiry: date
    strikes: int | None = None

    def require_whole(self, title: str) -> None:
        """Raise Unsupported if a part of the chain is asked for, at a broker that gives all of it in one answer."""
        if self.strikes is not None:
            raise Unsupported(f"{title} gives its whole option chain: leave strikes out")


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The broker took the order in under this id; its own checks may still reject it."""

    broker_order_id: str


class Broker(Protocol):
    """What an adapter package offers; a module satisfies this protocol."""

    profile: Profile

    def place_order(self, send: Send, session: BrokerSession, intent: PlaceIntent, /) -> Acknowledged:
        """Place one order with one write request."""

    def modify_order(self, send: Send, session: BrokerSession, intent: ModifyIntent, /) -> None:
        """Change an order; returns when the broker accepted the change."""

    def cancel_order(self, send: Send, session: BrokerSession, target: OrderTarget, /) -> None:
        """Cancel an order; returns when the broker accepted the cancel, which a fill may still overtake."""

    def read_order(self, send: Send, session: BrokerSession, target: OrderTarget, /) -> OrderReport:
        """Read one order as the broker has it now."""

    def read_orders(self, send: Send, session: BrokerSession, /) -> OrderBook:
        """Read today's order book of the account."""

    def read_trades(self, send: Send, session: BrokerSession, /) -> tuple[Trade, ...]:
        """Read today's fills of the account."""

    def read_positions(self, send: Send, session: BrokerSession, /) -> PositionBook:
        """Read the account's net positions, rows that cannot be read kept apart."""

    def read_holdings(self, send: Send, session: BrokerSession, /) -> tuple[Holding, ...]:
        """Read the account's delivery holdings."""

    def read_funds(self, send: Send, session: BrokerSession, /) -> tuple[Funds, ...]:
        """Read the account's money, one entry a segment."""

    def read_quotes(
        self, send: Send, session: BrokerSession, instruments: Sequence[Instrument], /
    ) -> tuple[Quote, ...]:
        """Read the last price and the best of both sides, one entry an instrument that the broker quotes."""

    def read_option_chain(
        self, send: Send, session: BrokerSession, query: ChainQuery, /
    ) -> tuple[OptionQuote, ...]:
        """Read the quotes of an underlying's calls and puts of one expiry, by strike."""

    def read_order_margin(self, send: Send, session: BrokerSession, request: OrderRequest, /) -> OrderMargin:
        """Read what money an order would bind."""
