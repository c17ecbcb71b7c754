"""Breakers in memory; each is the switch that the orders in memory have to pass."""

from dataclasses import replace

from order_router.domain.breaker import Breaker
from order_router.ports import BreakerConflict, StoreUnavailable
from tests.fakes.order_store import Tables


class MemoryBreakers:
    """Implements `ports.Breakers`. `is_down` makes every call fail; `calls` counts those that were made."""

    def __init__(self, tables: Tables | None = None) -> None:
        self._tables = Tables() if tables is None else tables
        self._stored: dict[str, Breaker] = {}
        self.is_down = False
        self.calls = 0

    def get(self, broker: str, account: str) -> Breaker:
        """Return the breaker as last written."""
        self._count()
        unknown = Breaker(broker=broker, account=account)
        return self._stored.get(unknown.switch, unknown)

    def write(self, breaker: Breaker, *, replacing: Breaker) -> Breaker:
        """Store the breaker, and turn its switch."""
        self._count()
        with self._tables.lock:
            stands = self._stored.get(breaker.switch)
            if (0 if stands is None else stands.version) != replacing.version:
                raise BreakerConflict(stands or Breaker(broker=breaker.broker, account=breaker.account))
            stored = self._stored[breaker.switch] = replace(breaker, version=replacing.version + 1)
            switches = self._tables.switches
            (switches.add if stored.is_engaged else switches.discard)(stored.switch)
        return stored

    def _count(self) -> None:
        self.calls += 1
        if self.is_down:
            raise StoreUnavailable("the store did not answer")
