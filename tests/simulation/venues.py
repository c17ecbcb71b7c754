"""Brokers as the simulation has them: each the true book of its account, asked by requests, moved by the market."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from order_router.adapter.errors import OutcomeUnknown
from order_router.adapter.http import HttpRequest, HttpResponse
from order_router.brokers import zerodha
from order_router.domain.instrument import parse_instrument
from order_router.domain.lifecycle import State
from order_router.paper.book import Status
from order_router.paper.exchange import PaperExchange
from order_router.ports import Clock
from tests.fakes.paper_store import MemoryPaperStore
from tests.fakes.world import listed
from tests.simulation.wants import Terms, terms_of
from tests.simulators import kite_in_process
from tests.simulators.kite import ACCESS_TOKEN, API_KEY, Kite

PAPER_ENDPOINT = "paper://exchange"
KITE_ENDPOINT = zerodha.profile.endpoint
PRICES = {"NSE:INFY": "1500.05", "NSE:RELIANCE": "1400.5"}
PAPER_STATES = {
    Status.OPEN: State.OPEN,
    Status.TRIGGER_PENDING: State.OPEN,
    Status.PARTIALLY_FILLED: State.PARTIALLY_FILLED,
    Status.COMPLETE: State.FILLED,
    Status.CANCELLED: State.CANCELLED,
    Status.EXPIRED: State.EXPIRED,
}
KITE_STATES = {"COMPLETE": State.FILLED, "CANCELLED": State.CANCELLED, "REJECTED": State.REJECTED}


@dataclass(frozen=True, slots=True)
class Held:
    """An order as its broker has it: under which tag, and the state, the terms and the price that ours should have."""

    tag: str
    broker_order_id: str
    state: State
    filled_quantity: int
    terms: Terms
    average_price: Decimal | None


class Venue(Protocol):
    """A broker's side."""

    endpoint: str

    def take(self, request: HttpRequest) -> HttpResponse:
        """Do what the request asks, and answer."""

    def held(self) -> Iterator[Held]:
        """Yield every order of the book."""

    def set_price(self, instrument: str, price: str) -> None:
        """Move the market."""


class PaperVenue:
    """The shipped paper exchange over a store in memory."""

    endpoint = PAPER_ENDPOINT

    def __init__(self, clock: Clock) -> None:
        self._store = MemoryPaperStore()
        self.exchange = PaperExchange(self._store, clock)
        self.exchange.open_account("paper")
        self.exchange.seed_market([listed(name, price) for name, price in PRICES.items()])

    def take(self, request: HttpRequest) -> HttpResponse:
        """Do what the request asks, and answer."""
        return self.exchange.handle(request)

    def held(self) -> Iterator[Held]:
        """Yield every order of the book."""
        for order in self._store.all_orders("paper"):
            yield Held(
                order.client_tag or "",
                order.broker_order_id,
                PAPER_STATES[order.status],
                order.filled_quantity,
                terms_of(order.request),
                order.filled_value / order.filled_quantity if order.filled_quantity else None,
            )

    def set_price(self, instrument: str, price: str) -> None:
        """Move the market."""
        self.exchange.set_price(parse_instrument(instrument), Decimal(price))


class KiteVenue:
    """The Kite simulator, asked without a socket."""

    endpoint = KITE_ENDPOINT

    def __init__(self, clock: Clock) -> None:
        self.kite = Kite(clock.now)

    def take(self, request: HttpRequest) -> HttpResponse:
        """Do what the request asks, and answer."""
        return kite_in_process.answer(self.kite, self.endpoint, request)

    def held(self) -> Iterator[Held]:
        """Yield every order of the book."""
        for row in self.kite.book.orders.values():
            filled = int(row["filled_quantity"])
            working = State.PARTIALLY_FILLED if filled else State.OPEN
            yield Held(
                row["tag"] or "",
                row["order_id"],
                KITE_STATES.get(row["status"], working),
                filled,
                _terms_of(row),
                row["average_price"] if filled else None,
            )

    def set_price(self, instrument: str, price: str) -> None:
        """Move the market."""
        self.kite.book.set_price(instrument, Decimal(price))

    def place_by_hand(self, price: str) -> None:
        """Place an order as the trader does in the broker's own app."""
        terms = {
            "exchange": "NSE",
            "tradingsymbol": "INFY",
            "transaction_type": "BUY",
            "order_type": "LIMIT",
            "price": price,
            "quantity": "5",
            "product": "MIS",
        }
        self.kite.book.settle(self.kite.book.accept("regular", terms))


def _terms_of(row: Mapping[str, Any]) -> Terms:
    instrument = f"{row['exchange']}:{row['tradingsymbol']}"
    limit = None if row["order_type"] in {"MARKET", "SL-M"} else Decimal(row["price"])
    return Terms(instrument, row["transaction_type"], row["quantity"], limit)


__all__ = ["ACCESS_TOKEN", "API_KEY", "Held", "KiteVenue", "OutcomeUnknown", "PaperVenue", "Venue"]
