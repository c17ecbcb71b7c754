"""Combinations of several legs: what a trader may define, before any broker is asked."""

import re
from collections.abc import Collection
from math import gcd

from order_router.domain.errors import RouterError
from order_router.domain.instrument import Instrument
from order_router.domain.listing import Leg
from order_router.domain.vocabulary import Exchange

NAME = re.compile(r"[A-Z0-9][A-Z0-9._-]{0,29}")
LEAST_LEGS, MOST_LEGS = 2, 6
MAX_RATIO = 100


class CombinationRefused(RouterError):
    """The combination is not one that can be defined."""

    code = "COMBINATION_REFUSED"


class CombinationTaken(RouterError):
    """The name, or these legs under another name, are defined already: what an order means never changes."""

    code = "COMBINATION_TAKEN"


def combination_named(name: str) -> Instrument:
    """Return the instrument that a combination of this name is; CombinationRefused for no such name."""
    if not NAME.fullmatch(name):
        raise CombinationRefused(
            f"expected a name of up to 30 capital letters, digits, points and dashes, received {name[:40]!r}"
        )
    return Instrument(Exchange.COMBO, name)


def require_legs(legs: Collection[Leg]) -> None:
    """Raise CombinationRefused unless these can be the legs of one combination."""
    if not LEAST_LEGS <= len(legs) <= MOST_LEGS:
        raise CombinationRefused(f"expected {LEAST_LEGS} to {MOST_LEGS} legs, received {len(legs)}")
    for leg in legs:
        if leg.instrument.exchange is Exchange.COMBO:
            raise CombinationRefused(f"a leg cannot be a combination itself: {leg.instrument}")
        if not 1 <= leg.ratio <= MAX_RATIO:
            raise CombinationRefused(
                f"expected a ratio of 1 to {MAX_RATIO} for {leg.instrument}, received {leg.ratio}"
            )
    if len({leg.instrument for leg in legs}) != len(legs):
        raise CombinationRefused("expected each instrument in one leg, received one twice")
    common = gcd(*(leg.ratio for leg in legs))
    if common > 1:
        # the broker would shorten it, and its book would show another combination than ours
        raise CombinationRefused(f"expected ratios in lowest terms, received all as multiples of {common}")
