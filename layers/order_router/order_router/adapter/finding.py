"""How an instrument is looked up at a broker that keeps no list of them, and how it takes several as one."""

from collections.abc import Sequence
from typing import Protocol

from order_router.adapter.http import Send
from order_router.adapter.session import BrokerSession
from order_router.domain.instrument import Instrument
from order_router.domain.listing import Leg, Listing


class Finder(Protocol):
    """What the `instruments` module of a broker offers whose profile says `finds_listings`."""

    def find_listing(self, send: Send, session: BrokerSession, instrument: Instrument, /) -> Listing | None:
        """Return the instrument as the broker lists it, None if it has none of this name.

        It only reads, a few requests, so what it returns is worth keeping; OutcomeUnknown where more than one fits.
        """


class Combiner(Protocol):
    """What the `combinations` module of a broker offers whose profile has the exchange COMBO."""

    def combine(
        self, send: Send, session: BrokerSession, name: Instrument, legs: Sequence[Leg], /
    ) -> Listing:
        """Return a combination as the broker's orders call it, its legs each looked up; nothing is placed.

        Unsupported where the broker would not take these legs as one, with the code COMBINATION_REFUSED for a leg
        that is over and for legs of different currencies.
        """
