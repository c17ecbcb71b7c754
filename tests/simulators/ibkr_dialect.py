"""Interactive Brokers' pages and error answers, as the chaos layer needs them."""

import json
from typing import Any
from uuid import uuid4

from order_router.adapter.http import HttpRequest
from tests.simulators.chaos_dialect import Dialect, Kind, Refusal, Row
from tests.simulators.ibkr_behaviours import LIMIT_PRICE, UNAVAILABLE
from tests.simulators.ibkr_login import sign
from tests.simulators.ibkr_vendor import error_body

# the words of the broker's README
REFUSED = (
    (200, "200", LIMIT_PRICE, "Rejected"),
    (200, "200", "Insufficient funds: the order needs 1,979.30 USD.", "InsufficientFunds"),
    (200, "200", "No trading permissions.", "PermissionDenied"),
    (200, "200", "No security definition has been found for the request", "InvalidSymbol"),
    (400, "400", "accountId is not valid", "InvalidOrder"),
    (400, "400", "Bad Request: no bridge", "SessionExpired"),
    (400, "400", "Please query /accounts first", "SessionExpired"),
    (401, "401", "not authenticated", "SessionExpired"),
    (410, "410", "Gone", "SessionExpired"),
    (429, "429", "Too many requests", "RateLimited"),
    (400, "400", "Bad Request", "OutcomeUnknown"),
    (200, "200", "Order couldn't be submitted: Local order ID=X is already registered.", "OutcomeUnknown"),
    (408, "408", "Request timeout", "OutcomeUnknown"),
)
UNSEEN = Refusal(
    status=200,
    code="200",
    message="OrderID 1 doesn't exist",
    means="OrderNotFound",
    names_an_order=True,
    elsewhere="Rejected",
)


def _read_tag(body: bytes) -> str | None:
    orders = json.loads(body or b"{}").get("orders", [{}])
    tag: str | None = orders[0].get("cOID")
    return tag


def _read_order_id(content: Any) -> str | None:
    return content[0].get("order_id") if isinstance(content, list) and content else None


def _rows(content: Any) -> list[Row]:
    if not isinstance(content, dict):
        return []
    rows: list[Row] = content.get("orders", [content] if "order_id" in content else [])
    return rows


def _set_tag(row: Row, tag: str | None) -> None:
    row.pop("order_ref", None)
    if tag is not None:
        row["order_ref"] = tag


def _whole_book(dialect: Dialect, request: HttpRequest) -> HttpRequest:
    host = request.headers["host"]
    headers = sign("GET", f"{host}{dialect.book_page}", uuid4().hex)
    return HttpRequest(method="GET", url=dialect.book_page, headers={"host": host, **headers})


IBKR = Dialect(
    pages=(
        (r"POST (/v1/api)?/iserver/account/\w+/orders", Kind.PLACE),
        (r"POST (/v1/api)?/iserver/account/\w+/order/\w+", Kind.MODIFY),
        (r"DELETE (/v1/api)?/iserver/account/\w+/order/\w+", Kind.CANCEL),
        (r"GET (/v1/api)?/iserver/account/orders", Kind.BOOK),
        (r"GET (/v1/api)?/iserver/account/order/status/\w+", Kind.ONE_ORDER),
    ),
    book_page="/iserver/account/orders",
    refusals=(
        *(
            Refusal(status=status, code=code, message=words, means=means)
            for status, code, words, means in REFUSED
        ),
        UNSEEN,
    ),
    failures=(
        (500, "500", "java.lang.NumberFormatException"),
        (502, "502", "Bad Gateway"),
        (503, "503", UNAVAILABLE),
        (503, "503", "Bad Request: no bridge"),
        (504, "504", "Insufficient funds"),
    ),
    render=error_body,
    read_tag=_read_tag,
    read_order_id=_read_order_id,
    rows=_rows,
    row_id="orderId",
    set_tag=_set_tag,
    shown_tag=lambda row: row.get("order_ref"),
    whole_book=_whole_book,
)
