"""The life of an order as one table: which event may follow which state."""

from enum import StrEnum


class State(StrEnum):
    """Where an order stands, as far as we know."""

    RECEIVED = "received"
    SUBMITTING = "submitting"
    UNKNOWN = "unknown"
    OPEN = "open"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    REFUSED = "refused"
    STALE = "stale"

    @property
    def is_final(self) -> bool:
        """Return whether the order has ended."""
        return self in FINAL

    @property
    def is_working(self) -> bool:
        """Return whether the order rests at the broker as far as we know."""
        return self in {State.OPEN, State.PARTIALLY_FILLED}


class EventKind(StrEnum):
    """What can happen to an order. RECEIVED is its birth and follows no state."""

    RECEIVED = "received"
    SUBMITTING = "submitting"
    NEVER_SENT = "never_sent"
    HELD = "held"
    PROTECTED = "protected"
    OUTCOME_LOST = "outcome_lost"
    OPENED = "opened"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    REFUSED = "refused"
    WENT_STALE = "went_stale"
    MODIFY_REQUESTED = "modify_requested"
    MODIFIED = "modified"
    MODIFY_REJECTED = "modify_rejected"
    MODIFY_UNRESOLVED = "modify_unresolved"
    CANCEL_REQUESTED = "cancel_requested"
    CANCEL_REJECTED = "cancel_rejected"
    CANCEL_UNRESOLVED = "cancel_unresolved"
    LATE_FILL = "late_fill"
    ABSENT_AT_DAY_END = "absent_at_day_end"
    CLOSED_ABSENT = "closed_absent"
    PERSON_TOLD = "person_told"


FINAL = frozenset({State.FILLED, State.CANCELLED, State.REJECTED, State.EXPIRED, State.REFUSED, State.STALE})

_BOOK_TELLS = {
    EventKind.OPENED: State.OPEN,
    EventKind.PARTIALLY_FILLED: State.PARTIALLY_FILLED,
    EventKind.FILLED: State.FILLED,
    EventKind.CANCELLED: State.CANCELLED,
    EventKind.REJECTED: State.REJECTED,
    EventKind.EXPIRED: State.EXPIRED,
}


def _stays(state: State, *kinds: EventKind) -> dict[EventKind, State]:
    return dict.fromkeys(kinds, state)


_CHANGES = (
    EventKind.MODIFY_REQUESTED,
    EventKind.MODIFIED,
    EventKind.MODIFY_REJECTED,
    EventKind.MODIFY_UNRESOLVED,
    EventKind.CANCEL_REQUESTED,
    EventKind.CANCEL_REJECTED,
    EventKind.CANCEL_UNRESOLVED,
    EventKind.PERSON_TOLD,
)

TRANSITIONS: dict[State, dict[EventKind, State]] = {
    State.RECEIVED: {
        EventKind.SUBMITTING: State.SUBMITTING,
        EventKind.REFUSED: State.REFUSED,
        EventKind.WENT_STALE: State.STALE,
        **_stays(State.RECEIVED, EventKind.PERSON_TOLD, EventKind.HELD, EventKind.PROTECTED),
    },
    State.SUBMITTING: {
        EventKind.NEVER_SENT: State.RECEIVED,
        EventKind.OUTCOME_LOST: State.UNKNOWN,
        **_BOOK_TELLS,
    },
    # absence closes an order only when the day's last books lack it, never while the session lasts
    State.UNKNOWN: {
        **_BOOK_TELLS,
        **_stays(State.UNKNOWN, EventKind.PERSON_TOLD, EventKind.ABSENT_AT_DAY_END),
        EventKind.CLOSED_ABSENT: State.REJECTED,
    },
    State.OPEN: {
        **_stays(State.OPEN, *_CHANGES),
        EventKind.PARTIALLY_FILLED: State.PARTIALLY_FILLED,
        EventKind.FILLED: State.FILLED,
        EventKind.CANCELLED: State.CANCELLED,
        EventKind.REJECTED: State.REJECTED,
        EventKind.EXPIRED: State.EXPIRED,
    },
    State.PARTIALLY_FILLED: {
        **_stays(State.PARTIALLY_FILLED, *_CHANGES, EventKind.PARTIALLY_FILLED),
        EventKind.FILLED: State.FILLED,
        EventKind.CANCELLED: State.CANCELLED,
        EventKind.EXPIRED: State.EXPIRED,
    },
    # a fill can overtake the news of a cancel or an expiry: the quantity is corrected, the end is not undone
    State.CANCELLED: _stays(State.CANCELLED, EventKind.LATE_FILL),
    State.EXPIRED: _stays(State.EXPIRED, EventKind.LATE_FILL),
    State.FILLED: {},
    # closed by its absence, or refused in words: what its broker shows of it all the same is not lost
    State.REJECTED: _stays(State.REJECTED, EventKind.LATE_FILL, EventKind.PERSON_TOLD),
    State.REFUSED: {},
    State.STALE: {},
}


def allows(state: State, kind: EventKind) -> bool:
    """Return whether the event may follow the state."""
    return kind in TRANSITIONS[state]
