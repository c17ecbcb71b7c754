"""Interactive Brokers' side of the fault suites: the simulator's book, its session, and what it lists."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.fakes.world import World
from tests.faults.floor import BookFloor, Floor
from tests.simulators.ibkr_dialect import IBKR
from tests.simulators.ibkr_login import SESSION
from tests.simulators.ibkr_market import LISTINGS
from tests.simulators.ibkr_vendor import Ibkr, answer

__all__ = ["LISTINGS", "SECRETS", "ibkr", "ibkr_of"]

SECRETS = SESSION
FLOOR = BookFloor(dialect=IBKR, answer=answer, secrets=SECRETS, listings=LISTINGS)


def ibkr_of(world: World, base_url: str | None = None) -> Ibkr:
    """Return a simulator on the world's clock; a call that trouble holds back may come with an old time."""
    return Ibkr(world.clock.now, base_url, skew_s=None)


@contextmanager
def ibkr(world: World) -> Iterator[Floor]:
    """The simulator as a trading floor."""
    yield FLOOR.of(ibkr_of(world))
