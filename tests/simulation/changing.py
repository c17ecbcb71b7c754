"""Changes as they are asked for, come to a broker and are told of: none sets back what nobody asked to."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from tests.simulation.network import STALE_BOOK
from tests.simulation.wants import Require, Terms

AT_ONCE = timedelta(seconds=10)
"""Within this a change comes to its broker, or it is late."""


@dataclass(frozen=True, slots=True, eq=False)
class Ask:
    """One call for a change of these terms: `moved` is how often the order's had changed at its broker by then."""

    fields: Mapping[str, Any]
    moved: int


@dataclass(frozen=True, slots=True)
class Left:
    """A change as it left: the order's terms at its broker then, and the calls that it may be of."""

    name: str
    terms: Terms
    moved: int
    asks: tuple[Ask, ...]
    at: datetime


@dataclass
class Changing:
    """The calls for changes that are not over, by order, what was set back that nobody asked to, and what was denied.

    Not judged is what crosses another change on its way, and an order to which one came late: nobody can know of it.
    """

    asks: defaultdict[str, list[Ask]] = field(default_factory=lambda: defaultdict(list))
    moved: Counter[str] = field(default_factory=Counter)
    late: set[str] = field(default_factory=set)
    set_back: list[str] = field(default_factory=list)
    made_of: dict[str, datetime] = field(default_factory=dict)
    """When the last change of an order left that its broker has made, and that changed something."""
    denied: list[str] = field(default_factory=list)

    def ask(self, name: str, fields: Mapping[str, Any]) -> Ask:
        """Note that somebody asks for a change of an order."""
        ask = Ask(fields, self.moved[name])
        self.asks[name].append(ask)
        return ask

    def answered(self, name: str, ask: Ask) -> None:
        """Note that the call is over: its function has answered, or is dead."""
        self.asks[name].remove(ask)

    def leaves(self, name: str, terms: Terms, at: datetime) -> Left:
        """Return a change as it leaves for a broker that has the order on these terms."""
        return Left(name, terms, self.moved[name], tuple(self.asks[name]), at)

    def made(self, left: Left, terms: Terms, at: datetime) -> None:
        """Judge a change that its broker has made: the order has these terms now."""
        name = left.name
        if at - left.at > AT_ONCE:
            self.late.add(name)
        has_crossed = any(
            moved != self.moved[name] for moved in (left.moved, *(ask.moved for ask in left.asks))
        )
        self.moved[name] += 1
        if terms != left.terms:
            self.made_of[name] = left.at
        wanted = [replace(left.terms, **ask.fields) for ask in left.asks]
        if wanted and not has_crossed and name not in self.late and terms not in wanted:
            self.set_back.append(f"{name} was {left.terms} and became {terms}, asked for was {wanted}")

    def said_not_made(self, name: str, asked_at: datetime) -> None:
        """Judge that our record says so of the last change, which was asked for then."""
        left_at = self.made_of.get(name)
        if left_at is not None and left_at >= asked_at and name not in self.late:
            self.denied.append(f"{name}, asked at {asked_at.isoformat()}")

    def judge(self, hits: Counter[str], require: Require) -> None:
        """Require that nothing was set back or denied, unless a book or an order was read as it was a moment ago."""
        is_stale = any(hit.endswith(STALE_BOOK) for hit in +hits)
        require(is_stale or not self.set_back, f"set back at a broker: {self.set_back}")
        require(is_stale or not self.denied, f"made, and said not to be: {self.denied}")
