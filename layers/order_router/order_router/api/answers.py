"""Our values as the JSON that callers read: prices as text, times in UTC with a Z."""

from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from order_router.api.http import Answer
from order_router.api.problems import REFUSED, STATUS_OF_CODE, problem, problem_of
from order_router.domain.errors import Reason
from order_router.domain.instrument import Instrument
from order_router.domain.lifecycle import State
from order_router.domain.order import Order, Step
from order_router.domain.request import dump_request
from order_router.service.place import Placement
from order_router.service.portfolio import AccountAnswer, Row

UNSETTLED = {State.RECEIVED, State.SUBMITTING, State.UNKNOWN}


def time_text(moment: datetime) -> str:
    """Return an aware UTC time as ISO 8601 with milliseconds and a Z."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def order_json(order: Order, *, with_history: bool = True) -> dict[str, Any]:
    """Return an order as callers see it."""
    terms = dump_request(order.request)
    answer = {
        "client_order_id": order.client_order_id,
        "account": order.request.account,
        "broker": order.broker,
        "broker_order_id": order.broker_order_id,
        "exchange_order_id": order.exchange_order_id,
        "state": order.state,
        **{name: terms.get(name) for name in ("instrument", "side", "quantity")},
        "filled_quantity": order.filled_quantity,
        "pending_quantity": order.pending_quantity,
        "average_price": _plain(order.average_price),
        **{name: terms.get(name) for name in ("order_type", "limit_price", "trigger_price", "product", "validity")},
        **{name: terms.get(name) for name in ("disclosed_quantity", "strategy")},
        "source": order.source,
        "created_at": time_text(order.received_at),
        "updated_at": time_text(order.updated_at),
        "reason": _reason(order.reason),
    }
    return {**answer, "history": [_step(step) for step in order.history]} if with_history else answer


def _reason(reason: Reason | None) -> dict[str, str] | None:
    return None if reason is None else {"code": reason.code, "message": reason.message}


def _step(step: Step) -> dict[str, Any]:
    event = step.event
    line = {
        "at": time_text(event.at),
        "event": event.kind,
        "state": step.state,
        "broker_order_id": event.broker_order_id,
        "filled_quantity": event.filled_quantity,
        "average_price": _plain(event.average_price),
        "reason": _reason(event.reason),
        "note": event.note,
    }
    return {name: value for name, value in line.items() if value is not None}


def row_json(row: Row) -> dict[str, Any]:
    """Return a position, holding or funds row."""
    return {part.name: _plain(getattr(row, part.name)) for part in fields(row)}


def _plain(value: object) -> Any:  # noqa: ANN401 - a JSON value
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Instrument):
        return str(value)
    return value.value if isinstance(value, Enum) else value


def placement_answer(placement: Placement, headers: dict[str, str]) -> Answer:
    """Answer a placement by what became of the order: a refusal is never shown as success."""
    order = placement.order
    if placement.is_replay:
        headers = {**headers, "idempotent-replayed": "true"}
    if order.state in {State.REJECTED, State.REFUSED, State.STALE}:
        return _not_placed(order, headers)
    if order.state in UNSETTLED:
        return Answer(status=202, content=order_json(order), headers=headers)
    return Answer(status=200 if placement.is_replay else 201, content=order_json(order), headers=headers)


def _not_placed(order: Order, headers: dict[str, str]) -> Answer:
    reason = order.reason or Reason("ORDER_REFUSED", f"the order is {order.state}")
    status = STATUS_OF_CODE.get(reason.code, REFUSED)
    return problem(reason.code, reason.message, status=status, headers=headers, members={"order": order_json(order)})


def portfolio_answer(what: str, answers: tuple[AccountAnswer, ...]) -> Answer:
    """Answer with one entry an account: its rows, or its problem beside the others' rows."""
    return Answer(content={"accounts": [_account_json(what, answer) for answer in answers]})


def _account_json(what: str, answer: AccountAnswer) -> dict[str, Any]:
    if answer.error is not None:
        return {"account": answer.account, "error": dict(problem_of(answer.error).content)}
    return {"account": answer.account, what: [row_json(row) for row in answer.rows]}
