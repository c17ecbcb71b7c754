"""What a trading floor is: one broker's side of a chaos run, whichever broker it is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from order_router.adapter.http import HttpRequest, HttpResponse
from order_router.brokers.registry import load_broker
from order_router.domain.instrument import parse_instrument
from order_router.domain.lifecycle import State
from order_router.domain.listing import Listing
from order_router.domain.vocabulary import Product
from order_router.transport.local import Handler
from tests.simulators.chaos_broker import Held, Simulator
from tests.simulators.chaos_dialect import Dialect

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
