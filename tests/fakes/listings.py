"""One broker's instruments in memory."""

from collections.abc import Collection, Iterable, Mapping
from datetime import date

from order_router.domain.instrument import Instrument
from order_router.domain.listing import OPTIONS, Listing
from order_router.domain.vocabulary import Exchange


class MemoryListings:
    """Implements `adapter.listings.Listings`."""

    def __init__(self, listings: Iterable[Listing] = ()) -> None:
        self._listings = {listing.instrument: listing for listing in listings}

    def put(self, listing: Listing) -> None:
        """Store or replace a listing."""
        self._listings[listing.instrument] = listing

    def of(self, instrument: Instrument) -> Listing | None:
        """Return the instrument's listing, None if the broker lacks it."""
        return self._listings.get(instrument)

    def named(self, broker_keys: Collection[str]) -> Mapping[str, Listing]:
        """Return the listings of these keys."""
        return {one.broker_key: one for one in self._listings.values() if one.broker_key in broker_keys}

    def chain(self, exchange: Exchange, underlying: str, expiry: date) -> tuple[Listing, ...]:
        """Return the calls and puts on an underlying that end on this day, by strike."""
        options = [
            one
            for one in self._listings.values()
            if (one.instrument.exchange, one.underlying, one.expiry) == (exchange, underlying, expiry)
            and one.instrument_type in OPTIONS
        ]
        return tuple(sorted(options, key=lambda one: (one.strike or 0, one.instrument_type)))
