"""Kotak Neo's side of the fault suites: the simulator's book, its session, and what it lists."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.fakes.world import World
from tests.faults.floor import BookFloor, Floor
from tests.simulators.kotak_neo_dialect import KOTAK_NEO
from tests.simulators.kotak_neo_login import ACCESS_TOKEN, SID, TRADE_TOKEN
from tests.simulators.kotak_neo_market import LISTINGS
from tests.simulators.kotak_neo_vendor import KotakNeo, answer

__all__ = ["LISTINGS", "SECRETS", "kotak_neo"]

SECRETS = {"access_token": ACCESS_TOKEN, "trade_token": TRADE_TOKEN, "sid": SID}
FLOOR = BookFloor(dialect=KOTAK_NEO, answer=answer, secrets=SECRETS, listings=LISTINGS)


@contextmanager
def kotak_neo(world: World) -> Iterator[Floor]:
    """The Kotak Neo simulator as a trading floor."""
    yield FLOOR.of(KotakNeo(world.clock.now))
