"""What is counted and what things cost, in memory, over the tables that `MemoryOrderStore` gates with."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from order_router.domain.gate import KeptPrice
from order_router.domain.instrument import Instrument
from order_router.domain.meter import BASED_AT, MOVES
from tests.fakes.order_store import Tables


class MemoryMeters:
    """Implements `ports.Meters`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def read(self, name: str) -> Mapping[str, Decimal]:
        """Return the item's amounts as last written."""
        return dict(self._tables.meters.get(name, {}))

    def rebase(
        self, name: str, amounts: Mapping[str, Decimal], *, seen: Mapping[str, Decimal], at: datetime
    ) -> bool:
        """Set these amounts and when they were known, unless something was added since `seen`: then False."""
        if self._tables.meters.get(name, {}).get(MOVES) != seen.get(MOVES):
            return False
        self._tables.meters[name] = {**seen, **amounts, BASED_AT: Decimal(int(at.timestamp()))}
        return True


class MemoryPrices:
    """Implements `ports.Prices`; `reads` counts how often a price was asked for."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self.reads = 0

    def name(self, broker: str, instrument: Instrument) -> str:
        """Return the name by which a gate checks the price."""
        return f"price#{broker}#{instrument}"

    def recent(self, broker: str, instrument: Instrument, *, oldest: datetime) -> KeptPrice | None:
        """Return the price if one is kept that is not older."""
        self.reads += 1
        kept = self._tables.prices.get(self.name(broker, instrument))
        return kept if kept is not None and kept.at >= oldest else None

    def keep(self, broker: str, prices: Mapping[Instrument, Decimal], at: datetime) -> None:
        """Store last prices as seen then."""
        for instrument, last in prices.items():
            self._tables.prices[self.name(broker, instrument)] = KeptPrice(last, at.replace(microsecond=0))
