"""The trading floors that the chaos tests run each adapter on: its simulator, its session, its market, its own book."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import Any

from order_router.adapter.http import HttpRequest, HttpResponse
from order_router.domain.account import Account
from order_router.domain.instrument import parse_instrument
from order_router.domain.lifecycle import State
from order_router.paper.book import PaperOrder, Status
from order_router.transport.local import Handler
from tests.fakes.world import World
from tests.simulators import kite_in_process
from tests.simulators.chaos_broker import Held, Simulator
from tests.simulators.chaos_dialect import KITE, PAPER, Dialect
from tests.simulators.kite import ACCESS_TOKEN, API_KEY, Kite

INFY = parse_instrument("NSE:INFY")
ACCOUNT = "paper"
"""The account of the usual world, whichever broker it is at."""

KITE_STATES: Mapping[str, State] = {
    "OPEN": State.OPEN,
    "TRIGGER PENDING": State.OPEN,
    "COMPLETE": State.FILLED,
    "CANCELLED": State.CANCELLED,
    "REJECTED": State.REJECTED,
}
PAPER_STATES: Mapping[Status, State] = {
    Status.OPEN: State.OPEN,
    Status.TRIGGER_PENDING: State.OPEN,
    Status.PARTIALLY_FILLED: State.PARTIALLY_FILLED,
    Status.COMPLETE: State.FILLED,
    Status.CANCELLED: State.CANCELLED,
}


@dataclass(frozen=True, kw_only=True)
class HeldOrder:
    """One order as the broker's own book has it, in our words."""

    tag: str
    broker_order_id: str
    state: State
    quantity: int
    filled_quantity: int
    order_type: str
    limit_price: Decimal | None


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
    """One broker's side of a run. `fill` lets a part of a resting order fill."""

    simulator: Simulator
    secrets: Mapping[str, str]
    held: Callable[[], list[HeldOrder]]
    set_price: Callable[[str], object]
    fill: Callable[[str], object]


@contextmanager
def zerodha(world: World) -> Iterator[Floor]:
    """The Kite simulator."""
    kite = Kite(world.clock.now)

    def rows() -> list[Any]:
        with kite.lock:
            return [dict(row) for row in kite.book.orders.values()]

    def told(**what: Any) -> None:
        with kite.lock:
            kite.control(what)

    yield Floor(
        simulator=HandlerSimulator(
            dialect=KITE, handler=partial(kite_in_process.answer, kite, ""), orders=rows
        ),
        secrets={"api_key": API_KEY, "access_token": ACCESS_TOKEN},
        held=lambda: [_of_kite(row) for row in rows()],
        set_price=lambda price: told(prices={"NSE:INFY": price}),
        fill=lambda order_id: told(fill={"order_id": order_id, "quantity": 1}),
    )


@contextmanager
def paper(world: World) -> Iterator[Floor]:
    """The paper exchange, which the product meets without a socket; here it gets one."""

    def handle(request: HttpRequest) -> HttpResponse:
        return world.exchange.handle(replace(request, url="paper://exchange" + request.url))

    def orders() -> list[Held]:
        return [
            {"tag": order.client_tag, "broker_order_id": order.broker_order_id, "status": str(order.status)}
            for order in world.at_broker()
        ]

    market = world.paper_store._market
    market[INFY] = replace(market[INFY], max_fill_quantity=2)
    yield Floor(
        simulator=HandlerSimulator(dialect=PAPER, handler=handle, orders=orders),
        secrets={},
        held=lambda: [_of_paper(order) for order in world.at_broker()],
        set_price=partial(world.set_price, "NSE:INFY"),
        fill=lambda _: world.set_price("NSE:INFY", str(market[INFY].last_price)),
    )


FLOORS: Mapping[str, Callable[[World], AbstractContextManager[Floor]]] = {"paper": paper, "zerodha": zerodha}


def account_at(broker: str) -> Account:
    """Return the world's account, at this broker."""
    return Account(name=ACCOUNT, broker=broker)


def _of_kite(row: Mapping[str, Any]) -> HeldOrder:
    state = KITE_STATES[row["status"]]
    is_partial = state is State.OPEN and row["filled_quantity"] > 0
    return HeldOrder(
        tag=row["tag"],
        broker_order_id=row["order_id"],
        state=State.PARTIALLY_FILLED if is_partial else state,
        quantity=row["quantity"],
        filled_quantity=row["filled_quantity"],
        order_type=row["order_type"],
        limit_price=row["price"] or None,
    )


def _of_paper(order: PaperOrder) -> HeldOrder:
    return HeldOrder(
        tag=order.client_tag or "",
        broker_order_id=order.broker_order_id,
        state=PAPER_STATES[order.status],
        quantity=order.request.quantity,
        filled_quantity=order.filled_quantity,
        order_type=order.request.order_type,
        limit_price=getattr(order.request, "limit_price", None),
    )
