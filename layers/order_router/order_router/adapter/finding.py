"""How an instrument is looked up at a broker that keeps no list of them."""

from typing import Protocol

from order_router.adapter.http import Send
from order_router.adapter.session import BrokerSession
from order_router.domain.instrument import Instrument
from order_router.domain.listing import Listing


class Finder(Protocol):
    """What the `instruments` module of a broker offers whose profile says `finds_listings`."""

    def find_listing(self, send: Send, session: BrokerSession, instrument: Instrument, /) -> Listing | None:
        """Return the instrument as the broker lists it, None if it has none of this name.

        It only reads, a few requests, so what it returns is worth keeping; OutcomeUnknown where more than one fits.
        """
