"""The trading floors that the chaos tests run each adapter on: its simulator, its session, its market, its own book."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial

from order_router.adapter.http import HttpRequest, HttpResponse
from order_router.domain.account import Account
from order_router.domain.lifecycle import State
from order_router.domain.listing import Listing
from order_router.paper.book import PaperOrder, Status
from tests.fakes.listed import a_share
from tests.fakes.world import World
from tests.faults import ibkr_side, icici_breeze_side, kotak_neo_side
from tests.faults.floor import ACCOUNT, INFY, BookFloor, Floor, HandlerSimulator, HeldOrder
from tests.simulators import kite_in_process
from tests.simulators.chaos_broker import Held
from tests.simulators.chaos_dialect import KITE, PAPER
from tests.simulators.kite import ACCESS_TOKEN, API_KEY, Kite

PAPER_STATES: Mapping[Status, State] = {
    Status.OPEN: State.OPEN,
    Status.TRIGGER_PENDING: State.OPEN,
    Status.PARTIALLY_FILLED: State.PARTIALLY_FILLED,
    Status.COMPLETE: State.FILLED,
    Status.CANCELLED: State.CANCELLED,
}


ZERODHA = BookFloor(
    dialect=KITE,
    answer=kite_in_process.answer,
    secrets={"api_key": API_KEY, "access_token": ACCESS_TOKEN},
    listings=(a_share("NSE:INFY"),),
)


@contextmanager
def zerodha(world: World) -> Iterator[Floor]:
    """The Kite simulator."""
    yield ZERODHA.of(Kite(world.clock.now))


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
    "zerodha": ZERODHA.listings,
}
"""What a broker lists that has a list of its instruments."""

SECRETS: Mapping[str, Mapping[str, str]] = {"ibkr": ibkr_side.SECRETS}
"""The session of a broker whose secrets must have their shape."""


def account_at(broker: str) -> Account:
    """Return the world's account, at this broker."""
    return Account(name=ACCOUNT, broker=broker)


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
