"""The one file that maps errors to HTTP: problem details (RFC 9457) with a stable code."""

import math
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from order_router.api.http import EMPTY, Answer
from order_router.domain.errors import RouterError
from order_router.domain.gate import PaceExceeded

STATUS_OF_CODE: dict[str, int] = {
    "BODY_UNREADABLE": 400,
    "INVALID_CURSOR": 400,
    "API_KEY_UNKNOWN": 401,
    "WEBHOOK_TOKEN_UNKNOWN": 401,
    "POSTBACK_TOKEN_UNKNOWN": 401,
    "SCOPE_MISSING": 403,
    "ACCOUNT_FORBIDDEN": 403,
    "ADDRESS_FORBIDDEN": 403,
    "FORBIDDEN": 403,
    "LOGIN_LINK_INVALID": 403,
    "KILL_LINK_INVALID": 403,
    "POSTBACK_REFUSED": 403,
    "ORDER_NOT_FOUND": 404,
    "NO_SUCH_INSTRUMENT": 404,
    "NO_INSTRUMENT_LIST": 404,
    "NOT_FOUND": 404,
    "CHANNEL_UNKNOWN": 404,
    "POSTBACK_ADDRESS_UNKNOWN": 404,
    "ORDER_IN_PROGRESS": 409,
    "ORDER_ALREADY_FINAL": 409,
    "ORDER_NOT_OPEN": 409,
    "ORDER_NOT_UNKNOWN": 409,
    "CHANGE_IN_PROGRESS": 409,
    "ENTRY_HELD": 409,
    "CONFLICT": 409,
    "COMBINATION_TAKEN": 409,
    "BODY_TOO_LARGE": 413,
    "RATE_LIMITED": 429,
    "BUSY": 429,
    "STORE_UNAVAILABLE": 503,
    "SETTING_UNREADABLE": 503,
    "CHANNEL_UNAVAILABLE": 503,
    "SECRET_UNAVAILABLE": 503,
    "LISTINGS_UNAVAILABLE": 503,
    "BROKER_UNREACHABLE": 503,
    "BROKER_SESSION_EXPIRED": 503,
    "BROKER_RATE_LIMITED": 503,
    "LOGIN_PENDING": 503,
    "LOGIN_UNCLEAR": 503,
    "SESSION_RENEWER_UNAVAILABLE": 503,
    "BROKER_OUTCOME_UNKNOWN": 503,
    "BROKER_NOT_READ": 503,
    "BOOK_TOO_EARLY": 503,
    "DEADLINE_PASSED": 503,
    "SLOT_LAPSED": 503,
    "INTERNAL_ERROR": 500,
}
REFUSED = 422
"""The status of every code that the table does not name: a rule, ours or the broker's, said no."""

RETRY_AFTER_S = {
    "ORDER_IN_PROGRESS": 1,
    "CHANGE_IN_PROGRESS": 1,
    "ENTRY_HELD": 5,
    "STORE_UNAVAILABLE": 1,
    "BROKER_NOT_READ": 1,
    "BOOK_TOO_EARLY": 5,
    "BUSY": 1,
}


def problem(
    code: str,
    detail: str,
    *,
    status: int | None = None,
    headers: Mapping[str, str] = EMPTY,
    members: Mapping[str, object] = EMPTY,
) -> Answer:
    """Return a problem answer; `members` are further ones, such as the order or the list of bad fields."""
    status = STATUS_OF_CODE.get(code, REFUSED) if status is None else status
    content: dict[str, Any] = {
        "type": f"urn:order-router:problem:{code.lower().replace('_', '-')}",
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "code": code,
        "detail": detail,
        **members,
    }
    waits = {"retry-after": str(RETRY_AFTER_S[code])} if code in RETRY_AFTER_S else {}
    return Answer(
        status=status, content=content, headers={**waits, **headers}, content_type="application/problem+json"
    )


def problem_of(error: RouterError, members: Mapping[str, object] = EMPTY) -> Answer:
    """Return the answer to one of our errors."""
    if isinstance(error, PaceExceeded):
        wait = {"retry-after": str(max(1, math.ceil(error.retry_after_s)))}
        return problem(error.code, error.message, headers=wait, members=members)
    return problem(error.code, error.reason.message, members=members)


def problem_of_validation(error: ValidationError) -> Answer:
    """Return the answer that names every bad field and what was expected of it."""
    errors = [
        {"field": _field(line["loc"]), "message": line["msg"].removeprefix("Value error, ")}
        for line in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    fields = ", ".join(sorted({line["field"] for line in errors}))
    return problem("INVALID_REQUEST", f"these fields are not valid: {fields}", members={"errors": errors})


ORDER_TYPES = {"MARKET", "LIMIT", "SL", "SL_M"}


def _field(location: tuple[int | str, ...]) -> str:
    # the first part names the order type that the other fields are judged by
    parts = [str(part) for part in location if part not in ORDER_TYPES]
    return ".".join(parts) or "order_type"
