"""Instruments of a broker that has no list of them: each is looked up when it is first used, and kept for a day."""

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NoReturn, Protocol

from order_router.adapter.errors import BrokerError, NotSent, Unsupported
from order_router.adapter.listings import ListingsUnavailable
from order_router.domain.instrument import Instrument
from order_router.domain.listing import Listing
from order_router.domain.vocabulary import Exchange
from order_router.ports import Clock

logger = logging.getLogger(__name__)
KEPT_FOR = timedelta(hours=20)
"""Over one trading day, and not into the next: a lot or a tick may change overnight."""


class KeptListings(Protocol):
    """What was found before."""

    def stored(self, instrument: Instrument, /) -> Listing | None:
        """Return the instrument's listing if there is one; may raise ListingsUnavailable."""

    def named(self, broker_keys: Collection[str], /) -> Mapping[str, Listing]:
        """Return the listings of these keys, those of them that there are; may raise ListingsUnavailable."""

    def keep(self, listing: Listing, until: datetime, /) -> None:
        """Store a listing until then; may raise ListingsUnavailable."""


@dataclass(frozen=True, slots=True)
class FoundOnUse:
    """Implements `adapter.listings.Listings`; `find` asks the broker, and only reads."""

    kept: KeptListings
    find: Callable[[Instrument], Listing | None]
    clock: Clock

    def of(self, instrument: Instrument) -> Listing | None:
        """Return the instrument's listing, None if the broker lacks it; may raise ListingsUnavailable."""
        return self.kept.stored(instrument) or self._found(instrument)

    def named(self, broker_keys: Collection[str]) -> Mapping[str, Listing]:
        """Return the listings of these keys, those of them that were found before; may raise ListingsUnavailable."""
        return self.kept.named(broker_keys)

    def chain(self, _exchange: Exchange, _underlying: str, _expiry: date) -> NoReturn:
        """Raise Unsupported: those that were found before are a part of a chain, and none can tell which."""
        raise Unsupported("this broker has no list of its instruments that an option chain could be made of")

    def _found(self, instrument: Instrument) -> Listing | None:
        try:
            found = self.find(instrument)
        except NotSent:
            raise
        except BrokerError as error:  # a question without an answer says nothing about any order
            raise ListingsUnavailable(f"{instrument} could not be looked up: {error.message}") from error
        if found is not None:
            self._keep(found)
        return found

    def _keep(self, found: Listing) -> None:
        try:
            self.kept.keep(found, self.clock.now() + KEPT_FOR)
        except ListingsUnavailable as error:
            logger.warning("a listing was found and not kept", extra={"code": error.code})
