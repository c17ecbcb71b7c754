"""An instrument as one broker lists it: what an order of it must fit, and what the broker calls it."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from order_router.domain.errors import OrderDenied
from order_router.domain.instrument import Instrument
from order_router.domain.request import OrderRequest
from order_router.domain.vocabulary import Side


class InstrumentType(StrEnum):
    """What is traded: a share, a future, a call, a put, a currency pair, a combination; an index takes no orders."""

    EQ = "EQ"
    FUT = "FUT"
    CE = "CE"
    PE = "PE"
    FX = "FX"
    COMBO = "COMBO"
    INDEX = "INDEX"


OPTIONS = frozenset({InstrumentType.CE, InstrumentType.PE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """A part of a combination: buying one of the combination buys or sells `ratio` of the instrument."""

    instrument: Instrument
    side: Side
    ratio: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One instrument at one broker.

    `broker_symbol` is what the broker's orders call it. `broker_key` finds it again from the broker's rows: one text,
    unique at this broker (its README says of which fields). Quantities in units; `freeze_quantity` is the most that
    one order may ask for, None where the broker does not say; `expiry` is the last day on which it trades. Only a
    combination has `legs`.
    """

    instrument: Instrument
    instrument_type: InstrumentType
    broker_symbol: str
    broker_key: str
    tick_size: Decimal
    lot_size: int = 1
    freeze_quantity: int | None = None
    underlying: str | None = None
    expiry: date | None = None
    strike: Decimal | None = None
    legs: tuple[Leg, ...] | None = None


class InstrumentDenied(OrderDenied):
    """The order does not fit what is listed: nothing was sent, nothing will be."""


class InstrumentUnknown(InstrumentDenied):
    """The broker's master, as last loaded, does not have the instrument."""

    code = "INSTRUMENT_UNKNOWN"


class InstrumentExpired(InstrumentDenied):
    """The contract's last day is over."""

    code = "INSTRUMENT_EXPIRED"


class WrongLotSize(InstrumentDenied):
    """The quantity is no multiple of the lot size."""

    code = "WRONG_LOT_SIZE"


class WrongTickSize(InstrumentDenied):
    """A price is off the grid."""

    code = "WRONG_TICK_SIZE"


class AboveFreezeQuantity(InstrumentDenied):
    """The quantity is more than the exchange takes in one order."""

    code = "ABOVE_FREEZE_QUANTITY"


def require_fitting(request: OrderRequest, listing: Listing, day: date) -> None:
    """Raise what does not fit: an index, an expired contract on this exchange day, lot, freeze quantity or tick."""
    if listing.instrument_type is InstrumentType.INDEX:
        raise InstrumentUnknown(f"{request.instrument} is an index: it has a quote and takes no orders")
    if listing.expiry is not None and day > listing.expiry:
        raise InstrumentExpired(f"{request.instrument} expired on {listing.expiry}")
    _require_quantity(request, listing)
    for name in ("limit_price", "trigger_price"):
        _require_on_tick(name, getattr(request, name), listing)


def _require_quantity(request: OrderRequest, listing: Listing) -> None:
    for name in ("quantity", "disclosed_quantity"):
        quantity = getattr(request, name)
        if quantity is not None and quantity % listing.lot_size:
            raise WrongLotSize(
                f"{name} must be a multiple of lot_size {listing.lot_size}, received {quantity}"
            )
    if listing.freeze_quantity is not None and request.quantity > listing.freeze_quantity:
        raise AboveFreezeQuantity(
            f"one order of {request.instrument} may ask for {listing.freeze_quantity}, received {request.quantity}"
        )


def _require_on_tick(name: str, price: Decimal | None, listing: Listing) -> None:
    if price is not None and price % listing.tick_size:
        raise WrongTickSize(f"{name} must be a multiple of tick_size {listing.tick_size}, received {price}")
