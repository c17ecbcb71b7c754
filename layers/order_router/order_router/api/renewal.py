"""What the other functions ask of the session function, and what it answers them."""

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from order_router.adapter.errors import NotSent, SessionExpired
from order_router.adapter.login import LoginFailed
from order_router.domain.errors import RouterError
from order_router.ports import RenewalPending
from order_router.service.session_desk import SessionDesk
from order_router.service.sessions import Wanted, renew, report_dead

logger = logging.getLogger(__name__)
WORDS: tuple[tuple[type[NotSent], str], ...] = (
    (SessionExpired, "expired"),
    (LoginFailed, "failed"),
    (RenewalPending, "pending"),
)


def answer_call(desk: SessionDesk, call: Mapping[str, Any]) -> dict[str, Any]:
    """Answer `{"renew": account, "refused", "until"}` or `{"dead": account, "refused"}`; nothing in it is a secret."""
    if "dead" in call:
        report_dead(desk, call["dead"], call["refused"])
        return {}
    try:
        renew(
            desk, call["renew"], Wanted(refused=call["refused"], until=datetime.fromisoformat(call["until"]))
        )
    except RouterError as error:
        logger.info("not renewed", extra={"account": call["renew"], "code": error.code})
        word = next((word for kind, word in WORDS if isinstance(error, kind)), "unavailable")
        return {"renewal": word, "code": error.code, "message": error.message}
    return {"renewal": "done"}
