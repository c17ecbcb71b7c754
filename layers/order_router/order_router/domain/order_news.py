"""What a person is told of an order: the steps that are news, in words."""

from collections.abc import Callable, Sequence

from order_router.domain.history import SEEN_IN, Event, Step
from order_router.domain.lifecycle import EventKind
from order_router.domain.notices import Notice
from order_router.domain.order import Order, has_had

Words = Callable[[Order, Step], str]


def news_of(order: Order, *, known_steps: int = 0) -> tuple[Notice, ...]:
    """Return what is news among the order's steps after the first `known_steps`.

    A step is always the same news, whoever finds it and how often: its place in the history is the subject.
    """
    fresh = list(enumerate(order.history))[known_steps:]
    return tuple(
        _notice(order, place, step) for place, step in fresh if _is_news(order.history[:place], step)
    )


def _notice(order: Order, place: int, step: Step) -> Notice:
    kind, words = NEWS[step.event.kind]
    return Notice(
        kind=kind,
        account=order.request.account,
        message=f"{_asked(order)} {words(order, step)}",
        client_order_id=order.client_order_id,
        subject=f"step {place}",
        at=step.event.at,
    )


def _is_news(before: Sequence[Step], step: Step) -> bool:
    if step.event.kind not in NEWS:
        return False
    if step.event.kind in REFUSALS:
        # whoever asked was told of any other
        return step.event.is_seen
    if step.event.kind is EventKind.MODIFIED:
        return _takes_back([one.event for one in before], step.event)
    is_first = all(one.event.kind is not step.event.kind for one in before)
    # an order that waits is put back again and again
    return is_first or step.event.kind is not EventKind.HELD


def _takes_back(before: Sequence[Event], event: Event) -> bool:
    """Return whether a report shows terms from before a change that the broker had said yes to."""
    last = next((one for one in reversed(before) if one.request is not None), None)
    if last is None or last.kind is not EventKind.MODIFIED or last.is_seen or not event.is_seen:
        return False
    since = [one.kind for one in before[before.index(last) + 1 :]]
    if since.count(EventKind.MODIFY_REQUESTED) > since.count(EventKind.MODIFY_REJECTED):
        return False  # a later change, that nobody answered, may have asked for just these terms
    return event.request is not None and has_had(before, event.request)


def _asked(order: Order) -> str:
    request = order.request
    strategy = f" ({request.strategy})" if request.strategy else ""
    return f"{request.side} {request.quantity} {request.instrument}{strategy}"


def _filled(order: Order, step: Step) -> str:
    filled = step.event.filled_quantity
    price = step.event.average_price
    at = "" if price is None else f" at {price:f}"
    if filled is None or filled == order.request.quantity:
        return f"is filled{at}"
    return f"is filled {filled} of {order.request.quantity}{at}"


def _ended(word: str) -> Words:
    def words(order: Order, step: Step) -> str:
        # what had filled by then: the step says it only where it changed
        filled = max(one.event.filled_quantity or 0 for one in _until(order, step))
        part = f", {filled} of {order.request.quantity} filled" if filled else ""
        return f"{word}{part}{_why(step)}"

    return words


def _until(order: Order, step: Step) -> Sequence[Step]:
    return order.history[: order.history.index(step) + 1]


def _why(step: Step) -> str:
    reason = step.event.reason
    return "" if reason is None else f": {reason.message} ({reason.code})"


def _note(_: Order, step: Step) -> str:
    return step.event.note or "is in a state that nobody knows: check the broker's order book"


def _not_done(words: str) -> Words:
    return lambda _, step: f"{words} ({dict(step.event.evidence)[SEEN_IN]})"


REFUSALS = {EventKind.CANCEL_REJECTED, EventKind.MODIFY_REJECTED}
NEWS: dict[EventKind, tuple[str, Words]] = {
    EventKind.FILLED: ("fill", _filled),
    EventKind.PARTIALLY_FILLED: ("partial", _filled),
    EventKind.LATE_FILL: ("late_fill", _filled),
    EventKind.CANCELLED: ("cancelled", _ended("is cancelled")),
    EventKind.EXPIRED: ("expired", _ended("has expired")),
    EventKind.REJECTED: ("rejected", _ended("is rejected")),
    EventKind.CLOSED_ABSENT: ("closed", _ended("is closed")),
    EventKind.REFUSED: ("refused", _ended("is refused")),
    EventKind.WENT_STALE: ("stale", _ended("is too old to trade and was not sent")),
    EventKind.HELD: ("held", _ended("waits")),
    EventKind.PERSON_TOLD: ("unknown", _note),
    EventKind.CANCEL_REJECTED: ("not_done", _not_done("was not cancelled: it still rests at the broker")),
    EventKind.MODIFY_REJECTED: ("not_done", _not_done("was not changed: it has the terms from before")),
    EventKind.MODIFIED: (
        "not_done",
        _not_done("is shown on the terms from before a change that was acknowledged"),
    ),
}
