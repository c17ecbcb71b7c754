"""The trading floors that the chaos tests run each adapter on: its simulator, its session, its market, its own book."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from order_router.adapter.http import HttpRequest, HttpResponse
from order_router.domain.account import Account
from order_router.domain.lifecycle import State
from order_router.domain.listing import Listing
from order_router.paper.book import PaperOrder, Status
from tests.fakes.listed import a_share
from tests.fakes.world import World
from tests.faults import ibkr_side, icici_breeze_side, kotak_neo_side
from tests.faults.floor import ACCOUNT, INFY, Floor, HandlerSimulator, HeldOrder
from tests.simulators import kite_in_process
from tests.simulators.chaos_broker import Held
from tests.simulators.chaos_dialect import KITE, PAPER
from tests.simulators.kite import ACCESS_TOKEN, API_KEY, Kite

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


@contextmanager
def zerodha(world: World) -> Iterator[Floor]:
    """The Kite simulator."""
    kite = Kite(world.clock.now)
    world.listings["zerodha"].put(a_share("NSE:INFY"))

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


FLOORS: Mapping[str, Callable[[World], AbstractContextManager[Floor]]] = {
    "ibkr": ibkr_side.ibkr,
    "icici_breeze": icici_breeze_side.icici_breeze,
    "kotak_neo": kotak_neo_side.kotak_neo,
    "paper": paper,
    "zerodha": zerodha,
}
LISTINGS: Mapping[str, tuple[Listing, ...]] = {
    "ibkr": ibkr_side.LISTINGS,
    "icici_breeze": icici_breeze_side.LISTINGS,
    "kotak_neo": kotak_neo_side.LISTINGS,
}
"""What a broker lists that has a list of its instruments."""

SECRETS: Mapping[str, Mapping[str, str]] = {"ibkr": ibkr_side.SECRETS}
"""The session of a broker whose secrets must have their shape."""


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
