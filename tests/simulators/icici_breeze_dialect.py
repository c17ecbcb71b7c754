"""What the chaos layer must know of Breeze's pages to spoil them: orders go by their bodies, books by exchange."""

import json
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from order_router.adapter.http import HttpRequest
from tests.simulators.chaos_dialect import Dialect, Kind, Refusal, Row

PAGE = "/breezeapi/api/v1/order"
API_KEY, SECRET_KEY, SESSION_TOKEN = "breeze-simulator", "breeze-secret", "U0lNMTIzOmxpdmU="


def signed_headers(body: bytes, at: datetime) -> dict[str, str]:
    """Return the headers of a call to the simulator, signed as Breeze's pages say."""
    timestamp = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    checksum = sha256(timestamp.encode() + body + SECRET_KEY.encode()).hexdigest()
    return {
        "x-appkey": API_KEY,
        "x-sessiontoken": SESSION_TOKEN,
        "x-timestamp": timestamp,
        "x-checksum": f"token {checksum}",
    }


def _form(body: bytes) -> dict[str, Any]:
    form: dict[str, Any] = json.loads(body or b"{}")
    return form


def _error(code: str, message: str) -> str:
    return json.dumps({"Success": None, "Status": int(code), "Error": message})


def _order_id(content: Any) -> str | None:
    success = content.get("Success") or {}
    order_id: str | None = success.get("order_id")
    return order_id


def _rows(content: Any) -> list[Row]:
    rows: Any = content.get("Success")
    return rows if isinstance(rows, list) else []


def _set_remark(row: Row, tag: str | None) -> None:
    row["user_remark"] = tag or ""


def _whole_book(_: Dialect, request: HttpRequest) -> HttpRequest:
    """Return a request for every order on NSE, where the chaos runs trade, at the time of this request."""
    at = datetime.strptime(request.headers["x-timestamp"], "%Y-%m-%dT%H:%M:%S.000Z").replace(tzinfo=UTC)
    body = json.dumps({"exchange_code": "NSE"}).encode()
    return HttpRequest(method="GET", url=PAGE, headers=signed_headers(body, at), body=body)


def _is_asked(request: HttpRequest, row: Row) -> bool:
    form = _form(request.body)
    return row["exchange_code"] == form["exchange_code"] and form.get("order_id") in {None, row["order_id"]}


def _refusal(status: int, code: int, message: str, means: str) -> Refusal:
    return Refusal(status=status, code=str(code), message=message, means=means)


# api.icicidirect.com/breezeapi/documents and the issues named in the broker's README, read 2026-11-20
ICICI_BREEZE = Dialect(
    pages=(
        (rf"POST {PAGE}", Kind.PLACE),
        (rf"PUT {PAGE}", Kind.MODIFY),
        (rf"DELETE {PAGE}", Kind.CANCEL),
        # one order is asked for on the same page: the body tells
        (rf"GET {PAGE}", Kind.BOOK),
    ),
    book_page=PAGE,
    refusals=(
        _refusal(200, 500, "Price should be in multiples of: 0.05", "InvalidOrder"),
        _refusal(200, 500, "Invalid Market/Limit indicator:", "InvalidOrder"),
        _refusal(400, 400, "Bad Request", "InvalidOrder"),
        _refusal(200, 500, "Invalid stock code", "InvalidSymbol"),
        _refusal(200, 500, "Insufficient limit available for this order", "InsufficientFunds"),
        _refusal(401, 5, "Authentication Fail :: Invalid Checksum.", "PermissionDenied"),
        _refusal(403, 403, "Forbidden", "PermissionDenied"),
        _refusal(200, 500, "Order cannot be placed for this scrip", "Rejected"),
        _refusal(401, 401, "Unauthorized", "SessionExpired"),
        _refusal(200, 500, "Invalid session.", "SessionExpired"),
        _refusal(200, 500, "Public Key does not exist.", "SessionExpired"),
        _refusal(401, 5, "Limit exceed: API call per minute:Try after some time", "RateLimited"),
        _refusal(401, 5, "Limit exceed: API call per day: ", "RateLimited"),
        _refusal(200, 500, "Request timed out", "OutcomeUnknown"),
        _refusal(200, 500, "Invalid User Details", "OutcomeUnknown"),
        _refusal(200, 503, "Service down", "OutcomeUnknown"),
        _refusal(408, 408, "Request Timeout", "OutcomeUnknown"),
        Refusal(
            status=200,
            code="404",
            message="No Data Found",
            means="OrderNotFound",
            names_an_order=True,
            elsewhere="Rejected",
            is_empty_list=True,
        ),
    ),
    failures=(
        (500, "500", "Price should be in multiples of: 0.05"),
        (500, "500", "Internal Server Error"),
        (502, "500", "No Data Found"),
        (503, "5", "Limit exceed: API call per minute:Try after some time"),
        (504, "401", "Unauthorized"),
    ),
    render=lambda code, message: _error(code if code.isdigit() else "504", message),
    read_tag=lambda body: _form(body).get("user_remark"),
    read_order_id=_order_id,
    rows=_rows,
    row_id="order_id",
    set_tag=_set_remark,
    named_order=lambda _, body: _form(body).get("order_id"),
    whole_book=_whole_book,
    is_asked=_is_asked,
)
