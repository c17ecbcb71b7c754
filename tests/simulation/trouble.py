"""What goes wrong, and where: every outside call of a process is a named point, a seed decides what happens there."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

DIES, FREEZES = "dies", "freezes"
ANYWHERE = (DIES, FREEZES)

VERY_SELDOM = (
    "cancel: report a dead session",
    "cancel: sqs.send_message",
    "dead_letters: dynamodb.transact_write_items",
    "kill_work: broker.cancel",
    "kill_work: broker.place",
    "kill_work: broker.read",
    "kill_work: report a dead session",
    "modify: dynamodb.query",
    "modify: sqs.send_message",
    "place: dynamodb.query",
    "reconcile: report a dead session",
)
SELDOM = (
    "cancel: broker.cancel",
    "cancel: broker.read",
    "cancel: dynamodb.put_item",
    "cancel: dynamodb.query",
    "cancel: secretsmanager.get_secret_value",
    "dead_letters: dynamodb.get_item",
    "dead_letters: dynamodb.put_item",
    "dead_letters: sqs.send_message",
    "kill_switch: dynamodb.query",
    "kill_switch: sqs.send_message",
    "kill_work: dynamodb.transact_write_items",
    "kill_work: secretsmanager.get_secret_value",
    "kill_work: sqs.change_message_visibility",
    "modify: report a dead session",
    "orders: dynamodb.query",
    "place: report a dead session",
    "positions: broker.read",
    "positions: secretsmanager.get_secret_value",
    "postback: dynamodb.put_item",
    "postback: dynamodb.query",
    "postback: sqs.send_message",
    "reconcile: dynamodb.transact_write_items",
    "reconcile: sqs.send_message",
)
MORE_OFTEN = {**dict.fromkeys(SELDOM, 6), **dict.fromkeys(VERY_SELDOM, 20)}
"""By how much the chance of trouble is larger at points that few days pass: they would hardly have any."""


def merge_kinds(into: dict[str, Sequence[str]], other: Mapping[str, Sequence[str]]) -> None:
    """Add what can happen at each point."""
    for point, kinds in other.items():
        known = into.get(point, ())
        if known != kinds:
            into[point] = tuple(dict.fromkeys((*known, *kinds)))


@dataclass
class Trouble:
    """Draws what happens at a point. `rate` is the chance of trouble at each; `left` bounds how much there is in all.

    `hits` counts what happened by point and kind, `kinds` says what could happen at each point that was passed.
    """

    random: Random
    rate: float = 0.0
    left: int = 1_000_000
    avoided: frozenset[str] = frozenset()
    hits: Counter[str] = field(default_factory=Counter)
    kinds: dict[str, Sequence[str]] = field(default_factory=dict)
    out_of_reach: set[str] = field(default_factory=set)
    """Brokers, by endpoint, that nothing reaches for a while."""
    slowness: int = 0
    """How long workers take at most, in microseconds, from what they decided to the write that comes of it."""

    def at(self, point: str, kinds: Sequence[str]) -> str | None:
        """Return what goes wrong at this point, None: nothing."""
        if self.kinds.get(point) != kinds:
            merge_kinds(self.kinds, {point: kinds})
        if self.random.random() >= self.rate * MORE_OFTEN.get(point, 1) or self.left <= 0:
            return None
        kind = kinds[int(self.random.random() * len(kinds))]
        if kind in self.avoided:
            return None
        return self._happens(point, kind)

    def _happens(self, point: str, kind: str) -> str:
        self.left -= 1
        self.hits[f"{point}: {kind}"] += 1
        return kind

    def miss(self, point: str, kind: str) -> None:
        """Take back what was counted: what was to go wrong here changed nothing."""
        self.left += 1
        self.hits[f"{point}: {kind}"] -= 1

    def end(self) -> None:
        """Let nothing go wrong any more."""
        self.rate, self.slowness = 0.0, 0
        self.out_of_reach.clear()


@dataclass
class OneFault(Trouble):
    """Trouble that comes once: at the point that is passed as number `turn`."""

    turn: int = 0

    def at(self, point: str, kinds: Sequence[str]) -> str | None:
        """Return what goes wrong at this point if it is the one."""
        self.turn -= 1
        possible = [kind for kind in kinds if kind not in self.avoided]
        if self.turn != 0 or not possible:
            return None
        return self._happens(point, self.random.choice(possible))

    def end(self) -> None:
        """Let nothing go wrong any more."""
        self.turn = 0
