"""Orders' histories, kill switches' turns, changes of breakers and limits as lines of an audit. Pure.

What was known, when, why was it sent?
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from order_router.domain.change_log import Change, What
from order_router.domain.errors import RouterError
from order_router.domain.history import Event, Step
from order_router.domain.kill_switch import StopScope, SwitchState
from order_router.domain.lifecycle import EventKind
from order_router.domain.order import TERMS_BEFORE, Order
from order_router.domain.request import OrderRequest, dump_request, parse_request

SCHEMA = 3
"""1: lines of orders alone. 2: a day's may be of kill switches' turns too, and its head counts those. 3: so with what
breakers did and limits that were set."""

TURNS = "kill_switch_turns"
"""How many of a day's lines are turns, in the head of a document; absent: it does not tell of them."""

CHANGES = "breaker_and_limit_changes"
"""How many of a day's lines are of breakers and limits; absent: it does not tell of them."""

START = "0" * 64
"""What stands as the digest before the first line."""

Line = Mapping[str, Any]
"""One line: JSON values only, numbers as int, prices as text."""

WHAT: dict[EventKind, str] = {
    EventKind.RECEIVED: "asked for; nothing was checked or sent yet",
    EventKind.SUBMITTING: "written down and let through the gate in one step; from here on it may leave, once",
    EventKind.NEVER_SENT: "it provably did not leave; within its deadline it may be tried again",
    EventKind.HELD: "kept back: another order of its strategy in the instrument is unknown",
    EventKind.PROTECTED: "its broker takes no such order: it goes as a limit within the account's band",
    EventKind.OUTCOME_LOST: "it may have left and no answer says what came of it: it is never sent again",
    EventKind.OPENED: "the broker has it",
    EventKind.PARTIALLY_FILLED: "a part of it was filled",
    EventKind.FILLED: "all of it was filled",
    EventKind.CANCELLED: "the rest of it was cancelled",
    EventKind.REJECTED: "the broker refused it",
    EventKind.EXPIRED: "its validity ended",
    EventKind.REFUSED: "refused here, by our own rules or as it was cancelled in time: it did not leave",
    EventKind.WENT_STALE: "it became too old to trade before it left",
    EventKind.MODIFY_REQUESTED: "a change was written down; from here on it may leave, once",
    EventKind.MODIFIED: "its terms at the broker changed",
    EventKind.MODIFY_REJECTED: "the change was not made",
    EventKind.MODIFY_UNRESOLVED: "whether the change was made is not known",
    EventKind.CANCEL_REQUESTED: "a cancel was written down; from here on it may leave, once",
    EventKind.CANCEL_REJECTED: "the cancel was not made",
    EventKind.CANCEL_UNRESOLVED: "whether it was cancelled is not known",
    EventKind.LATE_FILL: "a fill came to be known after its end",
    EventKind.ABSENT_AT_DAY_END: "the day's book, read after the session, does not have it",
    EventKind.CLOSED_ABSENT: "it never reached the broker: by the day's last books, or by a person's word",
    EventKind.PERSON_TOLD: "the trader was told",
}


def lines_of(order: Order) -> tuple[Line, ...]:
    """Return a line for each event of the order, oldest first."""
    return tuple(_line(order, number, step) for number, step in enumerate(order.history))


def line_of_turn(turn: SwitchState) -> Line:
    """Return the line of a kill switch's turn: who turned it, when, why, and what it lets through or was to do."""
    switch = turn.switch
    line = {
        "at": None if turn.at is None else _time(turn.at),
        "switch": switch.key,
        "turn": turn.version,
        "account": switch.name if switch.scope is StopScope.ACCOUNT else None,
        "strategy": switch.name if switch.scope is StopScope.STRATEGY else None,
        "event": "kill_on" if turn.is_on else "kill_off",
        "what": _turn_in_words(turn),
        "by": turn.by,
        "reason": turn.reason,
        "since": None if turn.since is None else _time(turn.since),
        "lets_exits": turn.lets_exits,
        "cancel_open": turn.cancels_open,
        "close_positions": turn.closes_positions,
    }
    return {name: value for name, value in line.items() if value is not None}


def _turn_in_words(turn: SwitchState) -> str:
    if not turn.is_on:
        return f"let go: this switch stops nothing of {turn.switch} any more"
    passes = "but one that closes a position" if turn.lets_exits else "whatever it is for"
    return f"stopped: from here on no new order of {turn.switch} passes the gate, {passes}"


CHANGED = {
    What.BREAKER_OPEN: "the circuit opened: from here on no new order of the account passes the gate",
    What.BREAKER_CLOSED: "the circuit closed: it stops no order of the account any more",
    What.LIMITS_SET: "other limits were set: orders are held to them within 15 s",
}


def line_of_change(change: Change) -> Line:
    """Return the line of a change: whose, who made it, when, why, and how it stood before and after."""
    line = {
        "at": _time(change.at),
        "change": change.number,
        "account": change.whose.owner if change.whose.kind == "account" else None,
        "strategy": change.whose.owner if change.whose.kind == "strategy" else None,
        "broker": change.broker,
        "event": str(change.what),
        "what": CHANGED[change.what],
        "by": change.by,
        "reason": None
        if change.reason is None
        else {"code": change.reason.code, "words": change.reason.message},
        "before": dict(change.before),
        "after": dict(change.after),
    }
    return {name: value for name, value in line.items() if value is not None}


def _line(order: Order, number: int, step: Step) -> Line:
    event, asked = step.event, order.request
    line = {
        "at": _time(event.at),
        "client_order_id": order.client_order_id,
        "line": number,
        "account": asked.account,
        "strategy": asked.strategy,
        "broker": order.broker,
        "event": str(event.kind),
        "state": str(step.state),
        "what": WHAT[event.kind],
        **(_birth(order) if event.kind is EventKind.RECEIVED else {}),
        **_said(event),
    }
    return {name: value for name, value in line.items() if value is not None}


def _birth(order: Order) -> dict[str, Any]:
    first = _first_terms(order)
    return {
        "source": str(order.source),
        "deadline": _time(order.deadline),
        "request_digest": order.request_digest,
        "request": None if first is None else dump_request(first),
    }


def _first_terms(order: Order) -> OrderRequest | None:
    """Return what was asked for at first; a change by an earlier release did not keep what it replaced."""
    changes = [step.event for step in order.history if step.event.request is not None]
    if not changes:
        return order.request
    before = dict(changes[0].evidence).get(TERMS_BEFORE)
    return None if before is None else parse_request(json.loads(before))


def _said(event: Event) -> dict[str, Any]:
    said: dict[str, Any] = {
        "broker_order_id": event.broker_order_id,
        "exchange_order_id": event.exchange_order_id,
        "filled_quantity": event.filled_quantity,
        "average_price": _price(event.average_price),
        "reason": None
        if event.reason is None
        else {"code": event.reason.code, "words": event.reason.message},
        "note": event.note,
        "evidence": dict(event.evidence) or None,
    }
    return said if event.request is None else {**said, "request": dump_request(event.request)}


def _price(price: Decimal | None) -> str | None:
    return None if price is None else format(price, "f")


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


class AuditBroken(RouterError):
    """Lines are not as they were written: one was changed, added, left out or moved."""

    code = "AUDIT_BROKEN"


def in_order(lines: Iterable[Line]) -> list[Line]:
    """Return lines of many orders and switches as they happened; of one moment the orders last."""
    return sorted(lines, key=_place)


def _place(line: Line) -> tuple[str, str, int, str, int, int]:
    order = (line.get("client_order_id", ""), line.get("line", 0))
    return (line["at"], *order, line.get("switch", ""), line.get("turn", 0), line.get("change", 0))


def chained(lines: Iterable[Line]) -> Iterator[Line]:
    """Yield the lines, each with its digest and that of the line before, so that none can be changed unnoticed."""
    previous = START
    for line in lines:
        linked = {**line, "previous": previous}
        previous = digest_of(linked)
        yield {**linked, "digest": previous}


def whole(lines: Iterable[Line], *, about: Line) -> tuple[Line, ...]:
    """Return a chained document: what it is about, the lines, and an end that counts them."""
    kept = tuple(lines)
    head = {"audit": "order-router", "schema": SCHEMA, **about}
    return tuple(chained((head, *kept, {"end": True, "lines": len(kept)})))


def verified(lines: Iterable[Line]) -> Line:
    """Return the end of a chained document; AuditBroken names the first line that is not as it was written."""
    previous, last, count = START, None, 0
    for count, line in enumerate(lines, 1):
        if last is not None and last.get("end"):
            raise AuditBroken(f"line {count} follows the end")
        unsigned = {name: value for name, value in line.items() if name != "digest"}
        if line.get("previous") != previous or line.get("digest") != digest_of(unsigned):
            raise AuditBroken(f"line {count} is not as it was written, or one before it is missing")
        previous, last = str(line["digest"]), line
    if last is None or not last.get("end") or last.get("lines") != count - 2:
        raise AuditBroken(f"the end is missing after line {count}")
    return last


def digest_of(line: Line) -> str:
    """Return the SHA-256 of a line as canonical JSON."""
    text = json.dumps(dict(line), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def jsonl(lines: Iterable[Line]) -> str:
    """Return lines as JSON Lines in ASCII."""
    return "".join(json.dumps(dict(line), ensure_ascii=True) + "\n" for line in lines)


def read_jsonl(text: str) -> list[dict[str, Any]]:
    """Return the lines of a text; AuditBroken names the first that is not to the letter what `jsonl` writes.

    A name given twice, or a space more, is lost in reading: a digest of what was read would not show it.
    """
    *rows, rest = text.split("\n")
    if rest:
        raise AuditBroken(f"line {len(rows) + 1} has no end")
    return [_read_row(number, row) for number, row in enumerate(rows, 1)]


def _read_row(number: int, row: str) -> dict[str, Any]:
    try:
        line = json.loads(row)
    except (ValueError, RecursionError):
        raise AuditBroken(f"line {number} is not JSON") from None
    if not isinstance(line, dict) or jsonl([line]) != f"{row}\n":
        raise AuditBroken(f"line {number} is not written as a line of an audit is")
    return line
