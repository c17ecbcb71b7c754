"""Define a combination of several legs once, by a name; every order of it is then an order like any other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Protocol

from order_router.adapter.errors import Unsupported
from order_router.adapter.finding import Combiner
from order_router.domain.account import Account
from order_router.domain.combination import CombinationTaken, combination_named, require_legs
from order_router.domain.instrument import Instrument
from order_router.domain.listing import Leg, Listing
from order_router.domain.vocabulary import Exchange
from order_router.service.asking import ask
from order_router.service.desk import ReadingDesk

KEPT_AFTER = timedelta(days=8)
"""How long a combination is kept after its last day: rows of its orders must still be found by it."""


class Definitions(Protocol):
    """One broker's combinations, as traders have defined them."""

    def stored(self, instrument: Instrument, /) -> Listing | None:
        """Return the listing of this name if there is one; may raise ListingsUnavailable."""

    def define(self, listing: Listing, until: datetime | None, /) -> bool:
        """Store it until then (None: for ever), the same again too; False if name or legs are another one's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CombinationDesk:
    """What defining combinations works with."""

    reading: ReadingDesk
    combiner_of: Callable[[str], Combiner]
    definitions: Callable[[str], Definitions]


def define_combination(desk: CombinationDesk, account: Account, name: str, legs: Sequence[Leg]) -> Listing:
    """Define a combination at the account's broker and return it as it is listed there; the same again is no error.

    Raises Unsupported, CombinationRefused, CombinationTaken, ListingsUnavailable or what asking the broker raises.
    """
    broker = desk.reading.broker_of(account.broker)
    if Exchange.COMBO not in broker.profile.exchanges:
        raise Unsupported(f"{broker.profile.title} takes no combinations of several legs")
    instrument = combination_named(name)
    require_legs(legs)
    combiner = desk.combiner_of(account.broker)
    listing = ask(
        desk.reading, account, lambda _, send, session: combiner.combine(send, session, instrument, legs)
    )
    if not desk.definitions(account.broker).define(listing, _until(listing)):
        raise CombinationTaken(
            f"{instrument} or these legs are defined at {broker.profile.title} already: a name means one thing, and"
            " the same legs go by one name"
        )
    return listing


def _until(listing: Listing) -> datetime | None:
    if listing.expiry is None:
        return None
    return datetime.combine(listing.expiry, time(), UTC) + KEPT_AFTER
