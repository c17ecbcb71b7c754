"""Breeze's side of the fault suites: the simulator's book, its session, and what it lists."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal

from order_router.domain.exchange_time import IST
from order_router.domain.lifecycle import State
from order_router.domain.listing import InstrumentType, Listing
from tests.fakes.world import World
from tests.faults.floor import INFY, BookFloor, Floor, HeldOrder, Row
from tests.simulators import kite_in_process
from tests.simulators.icici_breeze import Breeze
from tests.simulators.icici_breeze_dialect import API_KEY, ICICI_BREEZE, SECRET_KEY, SESSION_TOKEN
from tests.simulators.icici_breeze_pages import status_of

LISTINGS = (
    Listing(
        instrument=INFY,
        instrument_type=InstrumentType.EQ,
        broker_symbol="INFTEC",
        broker_key="NSE|INFTEC",
        tick_size=Decimal("0.05"),
    ),
)
SECRETS = {"api_key": API_KEY, "secret_key": SECRET_KEY, "session_token": SESSION_TOKEN}
STATES: Mapping[str, State] = {
    "Ordered": State.OPEN,
    "Partially Executed": State.PARTIALLY_FILLED,
    "Executed": State.FILLED,
    "Cancelled": State.CANCELLED,
    "Partially Executed And Cancelled": State.CANCELLED,
    "Rejected": State.REJECTED,
}


def breeze_of(world: World) -> Breeze:
    """Return a simulator on the world's clock; a call that trouble holds back may come with an old time."""
    return Breeze(world.clock.now, skew_s=None)


def _held(row: Row) -> HeldOrder:
    placed_at = datetime.strptime(row["order_timestamp"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=IST)
    return HeldOrder(
        tag=row["tag"],
        broker_order_id=row["order_id"],
        state=STATES[status_of(dict(row))],
        quantity=row["quantity"],
        filled_quantity=row["filled_quantity"],
        order_type=row["order_type"],
        limit_price=row["price"] or None,
        # what its pages show has no seconds
        placed_at=placed_at.replace(second=59),
    )


FLOOR = BookFloor(
    dialect=ICICI_BREEZE,
    answer=kite_in_process.answer,
    secrets=SECRETS,
    listings=LISTINGS,
    symbol="NSE:INFTEC",
    as_held=_held,
)


@contextmanager
def icici_breeze(world: World) -> Iterator[Floor]:
    """The Breeze simulator as a trading floor."""
    yield FLOOR.of(breeze_of(world))
