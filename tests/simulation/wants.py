"""What each order was to be: as somebody asked for it, and as somebody asked to change it."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from order_router.domain.request import OrderRequest

Item = dict[str, Any]
Require = Callable[[object, str], None]


@dataclass(frozen=True, slots=True)
class Terms:
    """What an order trades. A market order has no limit."""

    instrument: str
    side: str
    quantity: int
    limit_price: Decimal | None


def terms_of(request: OrderRequest) -> Terms:
    """Return the terms of a request."""
    return Terms(str(request.instrument), str(request.side), request.quantity, request.limit_price)


def terms_asked(body: Mapping[str, Any]) -> Terms:
    """Return the terms of the fields of an order as a caller writes them."""
    price = body.get("limit_price")
    limit = None if price is None else Decimal(price)
    return Terms(body["instrument"], body["side"], int(body["quantity"]), limit)


def _stored_terms(item: Item) -> Terms:
    request = item["request"]["M"]
    price = request.get("limit_price")
    limit = None if price is None else Decimal(price["S"])
    return Terms(request["instrument"]["S"], request["side"]["S"], int(request["quantity"]["N"]), limit)


@dataclass
class Wants:
    """What was asked for, by order. `asked`: each body under that id, and until when the order may leave by it.

    An order that nobody was noted to ask for is to be what it was first stored as. `is_whole` False: changes are asked
    for that nobody notes here.
    """

    asked: defaultdict[str, dict[Terms, datetime]] = field(default_factory=lambda: defaultdict(dict))
    first: dict[str, Terms] = field(default_factory=dict)
    changes: defaultdict[str, list[Terms]] = field(default_factory=lambda: defaultdict(list))

    is_whole: bool = True

    def ask(self, name: str, terms: Terms, until: datetime) -> None:
        """Note that somebody asks for an order."""
        known = self.asked[name]
        known[terms] = max(until, known.get(terms, until))

    def ask_to_change(self, name: str, fields: Mapping[str, Any]) -> None:
        """Note that somebody asks to change these of an order's terms."""
        self.changes[name].append(replace(self.first[name], **fields))

    def order_begun(self, name: str, item: Item, require: Require) -> None:
        """Judge an order as it is first stored."""
        self.first[name] = terms = _stored_terms(item)
        if name in self.asked:
            require(terms in self.asked[name], f"{name} is {terms}, asked for was {list(self.asked[name])}")

    def latest(self, name: str) -> datetime | None:
        """Return until when the order may leave, by when it was asked for and not by its record; None if not known."""
        return self.asked[name].get(self.first[name]) if name in self.asked else None

    def judge_terms(self, name: str, terms: Terms, require: Require) -> None:
        """Require that nobody but those who asked said what the order trades."""
        if not self.is_whole:
            return
        first, wanted = self.first[name], [self.first[name], *self.changes[name]]
        require((terms.instrument, terms.side) == (first.instrument, first.side), f"{name} became {terms}")
        require(
            terms.quantity in {one.quantity for one in wanted}, f"nobody wanted {terms.quantity} of {name}"
        )
        require(
            terms.limit_price in {one.limit_price for one in wanted},
            f"nobody wanted {name} at {terms.limit_price}",
        )
