"""What callers send about orders, and what they get back."""

import re
import secrets
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from order_router.api.answers import order_json
from order_router.api.http import Answer, ApiRequest, Forbidden
from order_router.api.problems import problem_of
from order_router.domain.account import Scope
from order_router.domain.errors import RouterError
from order_router.domain.order import Order
from order_router.domain.request import Name, OrderRequest, Price, Quantity, parse_request
from order_router.domain.vocabulary import OrderType, Source, Validity
from order_router.ports import OrderStore, PlaceOrder, Settings
from order_router.service.change import CancelOutcome, Changed
from order_router.service.changeable import OrderUnknown

IDEMPOTENCY_KEY = re.compile(r"[!-~]{1,128}")


class KeyInvalid(RouterError):
    """The Idempotency-Key header is not 1 to 128 printable ASCII characters."""

    code = "IDEMPOTENCY_KEY_INVALID"


class ChangeOrder(BaseModel):
    """What may be changed of a resting order; a field that is absent stays as it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    quantity: Quantity | None = None
    order_type: OrderType | None = None
    limit_price: Price | None = None
    trigger_price: Price | None = None
    validity: Validity | None = None
    disclosed_quantity: Quantity | None = None


class CancelAll(BaseModel):
    """Whose open orders are to be cancelled."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    account: Annotated[Name, Field()]


def command_of(request: ApiRequest, *, max_age: timedelta) -> PlaceOrder:
    """Read a placement: who may, what is asked, under which key, until when it may leave."""
    caller = request.require(Scope.TRADE)
    wanted = parse_request(request.json_object())
    request.require_account(Scope.TRADE, wanted.account)
    return PlaceOrder(
        request=wanted,
        idempotency_key=f"api:{_idempotency_key(request)}",
        source=Source.API,
        received_at=request.received_at,
        deadline=request.received_at + max_age,
        asked_by=f"key {caller.key_id}",
    )


def require_own_strategy(request: ApiRequest, settings: Settings, wanted: OrderRequest) -> None:
    """Raise Forbidden if the order names a strategy that trades none of the caller's accounts.

    It would count against that strategy's limits, which hold the orders of others. Costs no read that the order does
    not make anyway.
    """
    caller = request.require(Scope.TRADE)
    if wanted.strategy is None or not caller.accounts:
        return
    settings.prepare(wanted.account, wanted.strategy)
    strategy = settings.strategy(wanted.strategy)
    if strategy is None:
        return
    concerned = {*strategy.accounts, strategy.fallback_account}
    if not concerned & caller.accounts:
        raise Forbidden(f"this key is for no account of strategy {strategy.name}", code="ACCOUNT_FORBIDDEN")


def _idempotency_key(request: ApiRequest) -> str:
    key = request.headers.get("idempotency-key")
    if key is None:
        return secrets.token_urlsafe(18)
    if not IDEMPOTENCY_KEY.fullmatch(key):
        raise KeyInvalid("Idempotency-Key must have 1 to 128 printable ASCII characters and no space")
    return key


def own_order(request: ApiRequest, store: OrderStore, scope: Scope) -> Order:
    """Return the order that the path names, if the caller may see its account; an order of others is not found."""
    caller = request.require(scope)
    client_order_id = request.path.get("client_order_id", "")
    order = store.get(client_order_id) if re.fullmatch(r"[A-Z2-7]{20}", client_order_id) else None
    if order is None or not caller.may_see(order.request.account):
        raise OrderUnknown(f"there is no order {client_order_id[:40]}")
    return order


def changes_of(request: ApiRequest) -> dict[str, Any]:
    """Read what is to be changed; nulls are kept, since a null price removes it."""
    fields = request.json_object()
    ChangeOrder.model_validate(fields)
    if not fields:
        raise RouterError("name at least one field to change", code="INVALID_REQUEST")
    return fields


def account_to_cancel(request: ApiRequest) -> str:
    """Read whose orders are to be cancelled."""
    request.require(Scope.TRADE)
    account = CancelAll.model_validate(request.json_object()).account
    request.require_account(Scope.TRADE, account)
    return account


def changed_answer(changed: Changed) -> Answer:
    """Answer with the order after a change: 200 when the broker answered, 202 while it is not known."""
    return Answer(status=200 if changed.is_settled else 202, content=order_json(changed.order))


def cancel_all_answer(account: str, outcomes: tuple[CancelOutcome, ...]) -> Answer:
    """Answer with each order's own outcome."""
    return Answer(content={"account": account, "results": [_outcome(one) for one in outcomes]})


def _outcome(one: CancelOutcome) -> dict[str, Any]:
    line = {
        "client_order_id": one.order.client_order_id,
        "outcome": one.outcome,
        "order": order_json(one.order, with_history=False),
    }
    return line if one.error is None else {**line, "error": dict(problem_of(one.error).content)}
