"""Our values as the JSON that callers read: prices as text, times in UTC with a Z."""

from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any, NotRequired, TypedDict

from order_router.api.http import Answer
from order_router.api.problems import REFUSED, STATUS_OF_CODE, problem, problem_of
from order_router.domain.errors import Reason
from order_router.domain.history import Step
from order_router.domain.instrument import Instrument
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.order import Order
from order_router.domain.reports import OrderMargin, Quote
from order_router.domain.vocabulary import OrderType, Product, Side, Source, Validity
from order_router.service.place import Placement
from order_router.service.portfolio import AccountAnswer, Row

UNSETTLED = {State.RECEIVED, State.SUBMITTING, State.UNKNOWN}


def time_text(moment: datetime) -> str:
    """Return an aware UTC time as ISO 8601 with milliseconds and a Z."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class ReasonJson(TypedDict):
    """Why an order is where it is."""

    code: str
    message: str


class StepJson(TypedDict):
    """One line of an order's history."""

    at: str
    event: EventKind
    state: State
    broker_order_id: NotRequired[str]
    filled_quantity: NotRequired[int]
    average_price: NotRequired[str]
    reason: NotRequired[ReasonJson]
    note: NotRequired[str]


class OrderJson(TypedDict):
    """An order as callers see it: prices are decimal text, times ISO 8601 in UTC."""

    client_order_id: str
    account: str
    broker: str
    broker_order_id: str | None
    exchange_order_id: str | None
    state: State
    instrument: str
    side: Side
    quantity: int
    filled_quantity: int
    pending_quantity: int
    average_price: str | None
    order_type: OrderType
    limit_price: str | None
    trigger_price: str | None
    product: Product
    validity: Validity
    disclosed_quantity: int | None
    after_market: bool
    strategy: str | None
    source: Source
    created_at: str
    updated_at: str
    reason: ReasonJson | None
    history: NotRequired[list[StepJson]]


def order_json(order: Order, *, with_history: bool = True) -> OrderJson:
    """Return an order as callers see it."""
    request = order.request
    answer: OrderJson = {
        "client_order_id": order.client_order_id,
        "account": request.account,
        "broker": order.broker,
        "broker_order_id": order.broker_order_id,
        "exchange_order_id": order.exchange_order_id,
        "state": order.state,
        "instrument": str(request.instrument),
        "side": request.side,
        "quantity": request.quantity,
        "filled_quantity": order.filled_quantity,
        "pending_quantity": order.pending_quantity,
        "average_price": _price(order.average_price),
        "order_type": OrderType(request.order_type),
        "limit_price": _price(request.limit_price),
        "trigger_price": _price(request.trigger_price),
        "product": request.product,
        "validity": request.validity,
        "disclosed_quantity": request.disclosed_quantity,
        "after_market": bool(request.after_market),
        "strategy": request.strategy,
        "source": order.source,
        "created_at": time_text(order.received_at),
        "updated_at": time_text(order.updated_at),
        "reason": None if order.reason is None else _reason(order.reason),
    }
    if with_history:
        answer["history"] = [_step(step) for step in order.history]
    return answer


def _price(value: Decimal | None) -> str | None:
    return None if value is None else format(value, "f")


def _reason(reason: Reason) -> ReasonJson:
    return {"code": reason.code, "message": reason.message}


def _step(step: Step) -> StepJson:
    event = step.event
    line: StepJson = {"at": time_text(event.at), "event": event.kind, "state": step.state}
    if event.broker_order_id is not None:
        line["broker_order_id"] = event.broker_order_id
    if event.filled_quantity is not None:
        line["filled_quantity"] = event.filled_quantity
    if event.average_price is not None:
        line["average_price"] = format(event.average_price, "f")
    if event.reason is not None:
        line["reason"] = _reason(event.reason)
    if event.note is not None:
        line["note"] = event.note
    return line


def row_json(row: Row | Quote | OrderMargin) -> dict[str, Any]:
    """Return a row of a broker's answer: prices as text, what it does not say as null."""
    return {part.name: _plain(getattr(row, part.name)) for part in fields(row)}


def _plain(value: object) -> Any:  # noqa: ANN401 - a JSON value
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Instrument):
        return str(value)
    if isinstance(value, datetime):
        return time_text(value)
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
    return problem(
        reason.code, reason.message, status=status, headers=headers, members={"order": order_json(order)}
    )


def portfolio_answer(what: str, answers: tuple[AccountAnswer, ...]) -> Answer:
    """Answer with one entry an account: its rows, or its problem beside the others' rows."""
    return Answer(content={"accounts": [_account_json(what, answer) for answer in answers]})


def _account_json(what: str, answer: AccountAnswer) -> dict[str, Any]:
    if answer.error is not None:
        return {"account": answer.account, "error": dict(problem_of(answer.error).content)}
    rows = {"account": answer.account, what: [row_json(row) for row in answer.rows]}
    if not answer.unreadable:
        return rows
    return rows | {"unreadable": [{"name": one.name, "why": one.why} for one in answer.unreadable]}
