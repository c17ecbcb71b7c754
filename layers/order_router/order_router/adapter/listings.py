"""A broker's instruments as its adapter looks them up: by our name for them, or by the broker's own."""

from collections.abc import Collection, Mapping
from datetime import date
from typing import Protocol

from order_router.adapter.errors import NotSent
from order_router.domain.instrument import Instrument
from order_router.domain.listing import Listing
from order_router.domain.vocabulary import Exchange


class ListingsUnavailable(NotSent):
    """The instruments could not be read for the moment: nothing was sent."""

    code = "LISTINGS_UNAVAILABLE"


class Listings(Protocol):
    """One broker's instruments, as last loaded."""

    def of(self, instrument: Instrument, /) -> Listing | None:
        """Return the instrument's listing, None if the broker lacks it; may raise ListingsUnavailable."""

    def named(self, broker_keys: Collection[str], /) -> Mapping[str, Listing]:
        """Return the listings of these keys, those of them that there are; may raise ListingsUnavailable."""

    def chain(self, exchange: Exchange, underlying: str, expiry: date, /) -> tuple[Listing, ...]:
        """Return the calls and puts on an underlying that end on this day, by strike; may raise ListingsUnavailable."""


class NoListings:
    """The instruments of a broker that uses the exchanges' own names."""

    def of(self, _: Instrument, /) -> None:
        """Return None."""

    def named(self, _: Collection[str], /) -> Mapping[str, Listing]:
        """Return nothing."""
        return {}

    def chain(self, _exchange: Exchange, _underlying: str, _expiry: date, /) -> tuple[Listing, ...]:
        """Return nothing."""
        return ()
