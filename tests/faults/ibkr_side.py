"""Interactive Brokers' side of the fault suites: the simulator's book, its session, and what it lists."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from order_router.domain.lifecycle import State
from tests.fakes.world import World
from tests.faults.floor import Floor, HandlerSimulator, HeldOrder
from tests.simulators.ibkr_dialect import IBKR
from tests.simulators.ibkr_login import SESSION
from tests.simulators.ibkr_market import LISTINGS
from tests.simulators.ibkr_vendor import Ibkr, answer

__all__ = ["LISTINGS", "SECRETS", "ibkr", "ibkr_of"]

SECRETS = SESSION
STATES: Mapping[str, State] = {
    "OPEN": State.OPEN,
    "TRIGGER PENDING": State.OPEN,
    "COMPLETE": State.FILLED,
    "CANCELLED": State.CANCELLED,
    "REJECTED": State.REJECTED,
}
ORDER_TYPES = {"SL-M": "SL_M"}


def ibkr_of(world: World, base_url: str | None = None) -> Ibkr:
    """Return a simulator on the world's clock; a call that trouble holds back may come with an old time."""
    return Ibkr(world.clock.now, base_url, skew_s=None)


@contextmanager
def ibkr(world: World) -> Iterator[Floor]:
    """The simulator as a trading floor."""
    vendor = ibkr_of(world)

    def rows() -> list[Any]:
        with vendor.lock:
            return [dict(row) for row in vendor.book.orders.values()]

    def told(**what: Any) -> None:
        with vendor.lock:
            vendor.control(what)

    def held() -> list[dict[str, Any]]:
        return [{**row, "broker_order_id": row["order_id"]} for row in rows()]

    yield Floor(
        simulator=HandlerSimulator(dialect=IBKR, handler=partial(answer, vendor, ""), orders=held),
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
        order_type=ORDER_TYPES.get(row["order_type"], row["order_type"]),
        limit_price=row["price"] or None,
    )
