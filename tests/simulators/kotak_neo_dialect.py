"""Kotak Neo's pages and error answers, as the chaos layer needs them."""

import json
from typing import Any
from urllib.parse import parse_qsl

from tests.simulators.chaos_dialect import Dialect, Kind, Refusal, Row
from tests.simulators.kotak_neo_vendor import error_body

# the codes and words of the broker's README
REFUSED = (
    (200, "1009", "please provide valid quantity", "InvalidOrder"),
    (200, "1009", "please provide valid trading symbol", "InvalidSymbol"),
    (400, "10300", "Validation Errors! price is mandatory", "InvalidOrder"),
    (400, "400", "Missing required field 'qt'", "InvalidOrder"),
    (200, "1004", "insufficient balance", "InsufficientFunds"),
    (200, "1017", "Market order with Algo Id not allowed", "Rejected"),
    (200, "1037", "session ip doesnt match with reqest ip", "PermissionDenied"),
    (403, "100008", "unauthorized", "PermissionDenied"),
    (403, "100022", "invalid session token", "SessionExpired"),
    (200, "100022", "invalid session token", "SessionExpired"),
    (429, "429", "Too many requests to the API", "RateLimited"),
    (200, "32", "error from core", "OutcomeUnknown"),
    (200, "100021", "invalid  access type", "OutcomeUnknown"),
    (408, "1004", "insufficient balance", "OutcomeUnknown"),
)
UNSEEN = Refusal(
    status=200,
    code="1006",
    message="order not found",
    means="OrderNotFound",
    names_an_order=True,
    elsewhere="OutcomeUnknown",
)


def _fields(body: bytes) -> dict[str, str]:
    fields: dict[str, str] = json.loads(dict(parse_qsl(body.decode())).get("jData", "{}"))
    return fields


def _named_order(path: str, body: bytes) -> str | None:
    fields = _fields(body)
    return fields.get("no") or fields.get("on") or path.rpartition("/")[2]


def _read_order_id(content: Any) -> str | None:
    return content.get("nOrdNo") if isinstance(content, dict) else None


def _rows(content: Any) -> list[Row]:
    rows: list[Row] = content.get("data", []) if isinstance(content, dict) else []
    return rows


def _set_tag(row: Row, tag: str | None) -> None:
    row["GuiOrdId"] = "" if tag is None else tag


KOTAK_NEO = Dialect(
    pages=(
        (r"POST /quick/order/rule/ms/place", Kind.PLACE),
        (r"POST /quick/order/vr/modify", Kind.MODIFY),
        (r"POST /quick/order/cancel", Kind.CANCEL),
        (r"GET /quick/user/orders", Kind.BOOK),
        (r"GET /quick/user/orders/\w+", Kind.ONE_ORDER),
    ),
    book_page="/quick/user/orders",
    refusals=(
        *(
            Refusal(status=status, code=code, message=words, means=means)
            for status, code, words, means in REFUSED
        ),
        UNSEEN,
    ),
    failures=(
        (500, "500", "Unexpected error"),
        (502, "502", "Not able to communicate with OMS"),
        (502, "1004", "insufficient balance"),
        (503, "503", "Trade API service is unavailable"),
        (504, "504", "Gateway timeout, trade API is unreachable"),
    ),
    render=error_body,
    read_tag=lambda body: _fields(body).get("ig"),
    read_order_id=_read_order_id,
    rows=_rows,
    row_id="nOrdNo",
    set_tag=_set_tag,
    shown_tag=lambda row: row["GuiOrdId"],
    named_order=_named_order,
)
