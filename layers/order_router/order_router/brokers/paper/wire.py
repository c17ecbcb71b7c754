"""The paper broker's dialect: its words, its fields, its errors."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from order_router.adapter.decode import read_decimal, read_json, read_object, read_optional_text, read_text
from order_router.adapter.errors import (
    BrokerError,
    InsufficientFunds,
    InvalidOrder,
    InvalidSymbol,
    OrderNotFound,
    OutcomeUnknown,
    PermissionDenied,
    RateLimited,
    Rejected,
    SessionExpired,
)
from order_router.adapter.http import HttpRequest, HttpResponse
from order_router.adapter.session import BrokerSession
from order_router.domain.instrument import Instrument, parse_instrument
from order_router.domain.reports import ReportedState
from order_router.domain.request import OrderRequest
from order_router.domain.vocabulary import OrderType, Product, Side, Validity

STATES: dict[str, ReportedState] = {
    "OPEN": ReportedState.OPEN,
    "TRIGGER PENDING": ReportedState.OPEN,
    "PARTIALLY FILLED": ReportedState.PARTIALLY_FILLED,
    "COMPLETE": ReportedState.FILLED,
    "CANCELLED": ReportedState.CANCELLED,
    "EXPIRED": ReportedState.EXPIRED,
}
SIDES: dict[str, Side] = {"BUY": Side.BUY, "SELL": Side.SELL}
ORDER_TYPES: dict[str, OrderType] = {
    "MARKET": OrderType.MARKET,
    "LIMIT": OrderType.LIMIT,
    "SL": OrderType.SL,
    "SL_M": OrderType.SL_M,
}
PRODUCTS: dict[str, Product] = {"CNC": Product.CNC, "MIS": Product.MIS, "NRML": Product.NRML}
VALIDITIES: dict[str, Validity] = {"DAY": Validity.DAY, "IOC": Validity.IOC}

ERRORS: dict[str, type[BrokerError]] = {
    "BAD_INPUT": InvalidOrder,
    "NOT_LOGGED_IN": SessionExpired,
    "NO_SUCH_ACCOUNT": PermissionDenied,
    "NO_SUCH_PAGE": Rejected,
    "NO_SUCH_INSTRUMENT": InvalidSymbol,
    "WRONG_PRODUCT": InvalidOrder,
    "WRONG_LOT": InvalidOrder,
    "WRONG_TICK": InvalidOrder,
    "WRONG_TRIGGER": InvalidOrder,
    "WRONG_QUANTITY": InvalidOrder,
    "TOO_MANY_ORDERS": Rejected,
    "SHORT_OF_FUNDS": InsufficientFunds,
    "SHORT_OF_HOLDINGS": InsufficientFunds,
    "NO_SUCH_ORDER": OrderNotFound,
    "ORDER_HAS_ENDED": Rejected,
    "BUSY": RateLimited,
}
REFUSED = range(400, 500)
OK = 200
CREATED = 201


def write_request(
    session: BrokerSession, method: str, path: str, fields: dict[str, Any] | None = None
) -> HttpRequest:
    """Build a request that changes something."""
    if fields is None:
        return HttpRequest(
            method=method, url=session.endpoint + path, headers=_headers(session), is_write=True
        )
    headers = {**_headers(session), "Content-Type": "application/json"}
    body = json.dumps(fields, separators=(",", ":")).encode()
    return HttpRequest(method=method, url=session.endpoint + path, headers=headers, body=body, is_write=True)


def read_request(session: BrokerSession, path: str) -> HttpRequest:
    """Build a request that only reads."""
    return HttpRequest(method="GET", url=session.endpoint + path, headers=_headers(session))


def terms(request: OrderRequest) -> dict[str, Any]:
    """Return the fields of an order that can change, absent ones left out."""
    fields = {
        "quantity": request.quantity,
        "order_type": request.order_type,
        "validity": request.validity,
        "limit_price": _optional_text(request.limit_price),
        "trigger_price": _optional_text(request.trigger_price),
        "disclosed_quantity": request.disclosed_quantity,
    }
    return {name: value for name, value in fields.items() if value is not None}


def read_content(response: HttpResponse, *, expected: int = OK) -> dict[str, Any]:
    """Return what an answer of the expected status holds.

    Raises what the broker's refusal means, OutcomeUnknown for every other answer.
    """
    if response.status == expected:
        return read_object(read_json(response.body), "the paper broker's answer")
    if response.status not in REFUSED:
        raise OutcomeUnknown(f"the paper broker answered with HTTP status {response.status}")
    content = read_object(read_json(response.body), "the paper broker's refusal")
    error = read_object(content.get("error"), "error")
    code, message = read_text(error, "code"), read_text(error, "message")
    if code not in ERRORS:
        raise OutcomeUnknown(f"unknown word in code: {code[:40]!r}", broker_code=code[:40])
    raise ERRORS[code](message, broker_code=code)


def read_instrument(row: dict[str, Any]) -> Instrument:
    """Return the instrument of a row; OutcomeUnknown if it names none."""
    try:
        return parse_instrument(read_text(row, "instrument"))
    except ValueError as error:
        raise OutcomeUnknown("expected an instrument in instrument") from error


def read_optional_decimal(row: dict[str, Any], name: str) -> Decimal | None:
    """Return an exact number, None where it is absent or null."""
    return None if row.get(name) is None else read_decimal(row, name)


def read_time(row: dict[str, Any], name: str) -> datetime | None:
    """Return an ISO 8601 time as aware UTC, None where absent; OutcomeUnknown if it is none."""
    text = read_optional_text(row, name)
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise OutcomeUnknown(f"expected a time in {name}") from error
    if at.tzinfo is None:
        raise OutcomeUnknown(f"expected a time with its zone in {name}")
    return at.astimezone(UTC)


def _headers(session: BrokerSession) -> dict[str, str]:
    return {"Authorization": f"paper {session.account}"}


def _optional_text(price: object) -> str | None:
    return None if price is None else str(price)
