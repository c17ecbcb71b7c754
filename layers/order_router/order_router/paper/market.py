"""What trades on the simulated exchange and where each price stands."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from order_router.domain.instrument import Instrument, InstrumentField
from order_router.domain.vocabulary import Product
from order_router.paper.errors import PaperRefusal, RefusalCode


class Kind(StrEnum):
    """What sort of thing an instrument is: it decides products and margins."""

    EQUITY = "EQ"
    FUTURE = "FUT"
    OPTION = "OPT"


PRODUCTS: dict[Kind, frozenset[Product]] = {
    Kind.EQUITY: frozenset({Product.CNC, Product.MIS}),
    Kind.FUTURE: frozenset({Product.MIS, Product.NRML}),
    Kind.OPTION: frozenset({Product.MIS, Product.NRML}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperInstrument:
    """One listed instrument and its last price; an option has a `strike`, on which a short's margin rests.

    `max_fill_quantity`: at most so many units of one order fill at one price event, in whole lots.
    `price_event` counts how often the last price was set.
    """

    instrument: InstrumentField
    last_price: Decimal
    lot_size: int
    tick_size: Decimal
    max_fill_quantity: int
    kind: Kind
    strike: Decimal | None = None
    price_event: int = 1

    def __post_init__(self) -> None:
        if self.lot_size <= 0 or self.tick_size <= 0:
            raise ValueError(f"lot_size and tick_size of {self.instrument} must be positive")
        if self.max_fill_quantity <= 0 or self.max_fill_quantity % self.lot_size:
            raise ValueError(f"max_fill_quantity of {self.instrument} must be whole lots of {self.lot_size}")
        if (self.kind is Kind.OPTION) != (self.strike is not None):
            raise ValueError(f"strike is for options, and each option has one: {self.instrument}")
        require_on_tick(self, self.last_price, "last_price")


Market = Mapping[Instrument, PaperInstrument]


def require_on_tick(listed: PaperInstrument, price: Decimal, name: str) -> None:
    """Raise PaperRefusal unless the price is positive and on the instrument's grid."""
    if not price.is_finite() or price <= 0 or price % listed.tick_size:
        raise PaperRefusal(
            RefusalCode.WRONG_TICK,
            f"{name} of {listed.instrument} must be a positive multiple of tick_size {listed.tick_size}, "
            f"received {price}",
        )


def with_last_price(listed: PaperInstrument, last_price: Decimal) -> PaperInstrument:
    """Return the instrument after a price event."""
    require_on_tick(listed, last_price, "last_price")
    return replace(listed, last_price=last_price, price_event=listed.price_event + 1)


def find(market: Market, instrument: Instrument) -> PaperInstrument:
    """Return the listed instrument; PaperRefusal if it is not listed."""
    listed = market.get(instrument)
    if listed is None:
        raise PaperRefusal(RefusalCode.NO_SUCH_INSTRUMENT, f"{instrument} does not trade here")
    return listed
