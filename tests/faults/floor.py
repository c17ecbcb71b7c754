"""What a trading floor is: one broker's side of a chaos run, whichever broker it is."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any, Protocol

from order_router.adapter.http import HttpRequest, HttpResponse
from order_router.brokers.registry import load_broker
from order_router.domain.instrument import parse_instrument
from order_router.domain.lifecycle import State
from order_router.domain.listing import Listing
from order_router.domain.vocabulary import Product
from order_router.transport.local import Handler
from tests.simulators.chaos_broker import Held, Simulator
from tests.simulators.chaos_dialect import Dialect
from tests.simulators.kite_book import KiteBook

INFY = parse_instrument("NSE:INFY")
ACCOUNT = "paper"
"""The account of the usual world, whichever broker it is at."""


def usual_product(broker: str) -> str:
    """Return the product of the usual order at this broker: intraday, or delivery where it has none."""
    products = load_broker(broker).profile.products
    return Product.MIS if Product.MIS in products else Product.CNC


@dataclass(frozen=True, kw_only=True)
class HeldOrder:
    """One order as the broker's own book has it, in our words; `placed_at` as its rows tell it, where that matters."""

    tag: str
    broker_order_id: str
    state: State
    quantity: int
    filled_quantity: int
    order_type: str
    limit_price: Decimal | None
    placed_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class HandlerSimulator:
    """A simulator that answers where it is called."""

    dialect: Dialect
    handler: Handler
    orders: Callable[[], list[Held]]

    def send(self, request: HttpRequest) -> HttpResponse:
        """Let the simulator answer."""
        return self.handler(request)

    def held(self) -> list[Held]:
        """Return every order that the simulator holds."""
        return self.orders()


@dataclass(frozen=True, kw_only=True)
class Floor:
    """One broker's side of a run. `fill` lets a part of a resting order fill; `listings` are what the broker lists."""

    simulator: Simulator
    secrets: Mapping[str, str]
    held: Callable[[], list[HeldOrder]]
    set_price: Callable[[str], object]
    fill: Callable[[str], object]
    listings: tuple[Listing, ...] = ()


BOOK_STATES: Mapping[str, State] = {
    "OPEN": State.OPEN,
    "TRIGGER PENDING": State.OPEN,
    "COMPLETE": State.FILLED,
    "CANCELLED": State.CANCELLED,
    "REJECTED": State.REJECTED,
}
"""The words of the book that stands behind every simulator."""

BOOK_ORDER_TYPES = {"SL-M": "SL_M"}
Row = Mapping[str, Any]


class Vendor(Protocol):
    """A simulated vendor, as every simulator has one."""

    @property
    def lock(self) -> AbstractContextManager[Any]:
        """Held while it is asked or told something."""

    @property
    def book(self) -> KiteBook:
        """Return its orders."""

    def control(self, told: dict[str, Any], /) -> None:
        """Do what a test asks for."""


def held_order(row: Row) -> HeldOrder:
    """Return a row of the book as an order in our words."""
    state = BOOK_STATES[row["status"]]
    is_partial = state is State.OPEN and row["filled_quantity"] > 0
    return HeldOrder(
        tag=row["tag"],
        broker_order_id=row["order_id"],
        state=State.PARTIALLY_FILLED if is_partial else state,
        quantity=row["quantity"],
        filled_quantity=row["filled_quantity"],
        order_type=str(BOOK_ORDER_TYPES.get(row["order_type"], row["order_type"])),
        limit_price=row["price"] or None,
    )


@dataclass(frozen=True, kw_only=True)
class BookFloor:
    """How a simulator becomes a floor. `symbol` is what it calls INFY, `as_held` reads a row of its book."""

    dialect: Dialect
    answer: Callable[[Any, str, HttpRequest], HttpResponse]
    secrets: Mapping[str, str]
    listings: tuple[Listing, ...] = ()
    symbol: str = "NSE:INFY"
    as_held: Callable[[Row], HeldOrder] = held_order

    def of(self, vendor: Vendor) -> Floor:
        """Return the floor that this vendor is."""

        def rows() -> list[dict[str, Any]]:
            with vendor.lock:
                return [{**row, "broker_order_id": row["order_id"]} for row in vendor.book.orders.values()]

        def told(**what: Any) -> None:
            with vendor.lock:
                vendor.control(what)

        return Floor(
            simulator=HandlerSimulator(
                dialect=self.dialect, handler=partial(self.answer, vendor, ""), orders=rows
            ),
            secrets=self.secrets,
            held=lambda: [self.as_held(row) for row in rows()],
            set_price=lambda price: told(prices={self.symbol: price}),
            fill=lambda order_id: told(fill={"order_id": order_id, "quantity": 1}),
            listings=self.listings,
        )
