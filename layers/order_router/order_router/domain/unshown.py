"""What changes asked for that not every report shows, and of which nobody knows if it was made. Pure."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from order_router.domain.history import Event, Evidence
from order_router.domain.lifecycle import EventKind
from order_router.domain.order import SHOWN, Order
from order_router.domain.request import OrderRequest, dump_request, parse_request
from order_router.domain.vocabulary import OrderType

ASKED = "asked"
# a broker may protect a market order with a limit of its own: the order stays what was asked for
SHOWN_AS = {OrderType.MARKET: OrderType.LIMIT, OrderType.SL_M: OrderType.SL}


def asked_evidence(order: Order, wanted: OrderRequest) -> Evidence:
    """Return what a change asks for, to stand behind its request; nothing where every report shows all of it."""
    before, after = dump_request(order.request), dump_request(wanted)
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    names = changed | in_doubt(order)
    if names.issubset(SHOWN) and not _looks_like(order.request, wanted):
        return ()
    asked = {name: after.get(name) for name in names}
    return ((ASKED, json.dumps(asked, sort_keys=True, separators=(",", ":"))),)


def _looks_like(before: OrderRequest, wanted: OrderRequest) -> bool:
    """Return whether a report of what is wanted may be taken for the order as it is: with its broker's own limit."""
    return SHOWN_AS.get(OrderType(before.order_type)) is OrderType(wanted.order_type)


def in_doubt(order: Order) -> set[str]:
    """Return the fields that not every report shows and that may be others at the broker than here."""
    return {name for asked in _unanswered(order) for name in asked}.difference(SHOWN)


def terms_asked(order: Order) -> tuple[OrderRequest, ...]:
    """Return the terms that changes without an answer ask for, of those that name such a field; the last first."""
    terms = (_terms(order, asked) for asked in reversed(_unanswered(order)))
    return tuple(one for one in terms if one is not None)


def last_asked(order: Order) -> OrderRequest | None:
    """Return the terms that the last change without an answer asks for; None if it names no such field."""
    asked = _unanswered(order)
    return _terms(order, asked[-1]) if asked else None


def _terms(order: Order, asked: Mapping[str, Any]) -> OrderRequest | None:
    if not asked:
        return None
    try:
        return parse_request(dump_request(order.request) | dict(asked))
    except ValidationError:  # the order has terms by now that these do not go with
        return None


def _unanswered(order: Order) -> list[dict[str, Any]]:
    """Return what each change asked for that no answer, and no report, says of if it was made."""
    waiting: list[dict[str, Any]] = []
    for step in order.history:
        event = step.event
        if event.kind is EventKind.MODIFY_REQUESTED:
            waiting.append(_asked(event))
        elif event.kind is EventKind.MODIFY_REJECTED:
            del waiting[-1:]
        elif event.kind is EventKind.MODIFIED and event.request is not None:
            # a change carries all terms: one that was answered settles what those before it asked for
            fields = dump_request(event.request)
            waiting = [{} if _has(fields, asked) else asked for asked in waiting] if event.is_seen else []
    return waiting


def _asked(event: Event) -> dict[str, Any]:
    return next((json.loads(words) for name, words in event.evidence if name == ASKED), {})


def _has(fields: Mapping[str, Any], asked: Mapping[str, Any]) -> bool:
    return all(fields.get(name) == value for name, value in asked.items())
