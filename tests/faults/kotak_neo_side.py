"""Kotak Neo's side of the fault suites: the simulator's book, its session, and what it lists."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from order_router.domain.lifecycle import State
from tests.fakes.world import World
from tests.faults.floor import Floor, HandlerSimulator, HeldOrder
from tests.simulators.kotak_neo_dialect import KOTAK_NEO
from tests.simulators.kotak_neo_login import ACCESS_TOKEN, SID, TRADE_TOKEN
from tests.simulators.kotak_neo_market import LISTINGS
from tests.simulators.kotak_neo_vendor import KotakNeo, answer

__all__ = ["LISTINGS", "SECRETS", "kotak_neo"]

SECRETS = {"access_token": ACCESS_TOKEN, "trade_token": TRADE_TOKEN, "sid": SID}
STATES: Mapping[str, State] = {
    "OPEN": State.OPEN,
    "TRIGGER PENDING": State.OPEN,
    "COMPLETE": State.FILLED,
    "CANCELLED": State.CANCELLED,
    "REJECTED": State.REJECTED,
}


@contextmanager
def kotak_neo(world: World) -> Iterator[Floor]:
    """The Kotak Neo simulator as a trading floor."""
    neo = KotakNeo(world.clock.now)

    def rows() -> list[Any]:
        with neo.lock:
            return [dict(row) for row in neo.book.orders.values()]

    def told(**what: Any) -> None:
        with neo.lock:
            neo.control(what)

    def held() -> list[dict[str, Any]]:
        return [{**row, "broker_order_id": row["order_id"]} for row in rows()]

    yield Floor(
        simulator=HandlerSimulator(dialect=KOTAK_NEO, handler=partial(answer, neo, ""), orders=held),
        secrets=SECRETS,
        held=lambda: [_held(row) for row in rows()],
        set_price=lambda price: told(prices={"NSE:INFY": price}),
        fill=lambda order_id: told(fill={"order_id": order_id, "quantity": 1}),
        listings=LISTINGS,
    )


def _held(row: Mapping[str, Any]) -> HeldOrder:
    state = STATES[row["status"]]
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
