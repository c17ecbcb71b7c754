"""The lines of an order's history, and how many of them its record has room for."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from order_router.domain.errors import Reason
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.request import OrderRequest

Evidence = tuple[tuple[str, str], ...]
"""What stood behind an event, sorted by name: who asked, what the gate held it to, which session, where it was seen."""

SEEN_IN = "seen_in"
"""The evidence of what a broker reports: where it was seen."""

CHANGES_ROOM = 180_000
"""How much of a history leaves an order free to be modified, in bytes of its record."""

ROOM = 200_000
"""How much of a history is kept in full; DynamoDB takes a record of 400 KB at most."""

FULL = ("history", "full: from here on only what is new to the order is listed, and the rest is in the log")

SHORT = 24
"""How many steps have room whatever they say: most orders never have more, and their history is not weighed."""

STEP, FIELD, TERMS, EVIDENCE = 94, 20, 220, 3
"""What a step, a field that it has, its terms and a line of evidence weigh at most beside words, names and prices."""


UNREAD = ("book", "not read")
"""The evidence of an order that was told as unknown while its broker's book could not be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to an order, as we recorded it; absent fields changed nothing."""

    kind: EventKind
    at: datetime
    broker_order_id: str | None = None
    exchange_order_id: str | None = None
    filled_quantity: int | None = None
    average_price: Decimal | None = None
    request: OrderRequest | None = None
    reason: Reason | None = None
    note: str | None = None
    evidence: Evidence = ()

    @property
    def is_seen(self) -> bool:
        """Return whether a report of the broker told of it, and no answer to a call."""
        return any(name == SEEN_IN for name, _ in self.evidence)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line of an order's history: the event and the state after it."""

    state: State
    event: Event


def with_evidence(events: Iterable[Event], *evidence: tuple[str, str]) -> tuple[Event, ...]:
    """Return the events with this added to what stands behind each."""
    return tuple(replace(event, evidence=tuple(sorted({*event.evidence, *evidence}))) for event in events)


def lengthened(history: tuple[Step, ...], step: Step) -> tuple[Step, ...]:
    """Return the history with the step at its end.

    Once there is no room, which its last step in full says, with a step only of a kind and state that it lacks: an end
    always is one.
    """
    if len(history) < SHORT:
        return (*history, step)
    if any(FULL in one.event.evidence for one in history):
        listed = {(one.state, one.event.kind) for one in history}
        return history if (step.state, step.event.kind) in listed else (*history, step)
    if weight_of((*history, step)) > ROOM:
        (event,) = with_evidence((step.event,), FULL)
        step = replace(step, event=event)
    return (*history, step)


def weight_of(history: Iterable[Step]) -> int:
    """Return what a history weighs at most, in bytes of its order's record."""
    return sum(_weight(step.event) for step in history)


def _weight(event: Event) -> int:
    words = [event.broker_order_id, event.exchange_order_id, event.note]
    words += [] if event.filled_quantity is None else [str(event.filled_quantity)]
    words += [] if event.average_price is None else [format(event.average_price, "f")]
    words += [] if event.reason is None else [event.reason.code, event.reason.message]
    words += [] if event.request is None else _names(event.request)
    given = [word for word in words if word is not None]
    stood_behind = [word for pair in event.evidence for word in pair]
    terms = 0 if event.request is None else TERMS
    names = STEP + terms + FIELD * len(given) + EVIDENCE * len(event.evidence)
    return names + sum(len(word.encode()) for word in (*given, *stood_behind))


def _names(request: OrderRequest) -> list[str | None]:
    return [request.account, request.instrument.tradingsymbol, request.strategy]
