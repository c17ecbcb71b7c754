"""Changes and cancels that nobody answered: which there are, and what a later report says of them. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from order_router.domain.following import shows
from order_router.domain.history import Event, Step, lengthened
from order_router.domain.lifecycle import EventKind
from order_router.domain.order import Order
from order_router.domain.reports import OrderReport
from order_router.domain.unshown import last_asked


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kinds:
    requested: EventKind
    unresolved: EventKind
    refused: EventKind
    done: frozenset[EventKind] = frozenset()

    def all(self) -> frozenset[EventKind]:
        return self.done | {self.requested, self.unresolved, self.refused}


_MODIFY = _Kinds(
    requested=EventKind.MODIFY_REQUESTED,
    unresolved=EventKind.MODIFY_UNRESOLVED,
    refused=EventKind.MODIFY_REJECTED,
    done=frozenset({EventKind.MODIFIED}),
)
_CANCEL = _Kinds(
    requested=EventKind.CANCEL_REQUESTED,
    unresolved=EventKind.CANCEL_UNRESOLVED,
    refused=EventKind.CANCEL_REJECTED,
)


_NOTES = {
    _MODIFY.refused: "not done: the order has the terms from before",
    _CANCEL.refused: "not done: the order still rests at the broker",
}


def asked_without_answer(order: Order) -> tuple[datetime, ...]:
    """Return when the last change and the last cancel were asked for of which nobody knows if they were made."""
    return tuple(at for _, at in _unanswered(order))


def not_done(order: Order, report: OrderReport, at: datetime, *, asked_before: datetime) -> tuple[Event, ...]:
    """Return the ends of what was asked for before this and was not made by what the report shows.

    A report without a fill that is known is of a moment ago and says nothing, nor do terms that no request can have.
    """
    if report.filled_quantity < order.filled_quantity:
        return ()
    overdue = [kinds.refused for kinds, asked_at in _unanswered(order) if asked_at < asked_before]
    ends = [Event(kind=kind, at=at, note=_NOTES[kind]) for kind in overdue]
    return tuple(
        end
        for end in ends
        if (end.kind is _CANCEL.refused or _has_terms(order, report)) and _is_listed(order, end)
    )


def _unanswered(order: Order) -> Iterator[tuple[_Kinds, datetime]]:
    if not order.state.is_working:
        return
    for kinds in (_MODIFY, _CANCEL):
        steps = [step.event for step in order.history if step.event.kind in kinds.all()]
        asked = [event.at for event in steps if event.kind is kinds.requested]
        if asked and steps[-1].kind in {kinds.requested, kinds.unresolved}:
            yield kinds, asked[-1]


def _is_listed(order: Order, event: Event) -> bool:
    """Return whether the order's history has room for the event: else each look would write it anew."""
    return lengthened(order.history, Step(state=order.state, event=event)) is not order.history


def _has_terms(order: Order, report: OrderReport) -> bool:
    """Return whether the report shows the terms from before, and would not look the same with those asked for."""
    asked = last_asked(order)
    return shows(report, order.request) and (asked is None or not shows(report, asked))
