"""Circuit breakers over the API: how they stand, and closing one by hand."""

from typing import Any

from order_router.api.answers import time_text
from order_router.api.http import Answer, ApiRequest
from order_router.api.listing import visible_accounts
from order_router.domain.account import Scope
from order_router.domain.breaker import Breaker
from order_router.service.breaker import BreakerDesk, breakers_of, reset_breaker


def list_breakers(desk: BreakerDesk, request: ApiRequest) -> Answer:
    """Answer `GET /v1/breakers`."""
    found = breakers_of(desk, visible_accounts(request, desk.settings))
    return Answer(content={"breakers": [breaker_json(one) for one in found]})


def close_breaker(desk: BreakerDesk, request: ApiRequest) -> Answer:
    """Answer `DELETE /v1/breakers/{account}`: close it by hand, and forget what was counted."""
    name = request.path.get("account", "")
    caller = request.require_account(Scope.ADMIN, name)
    return Answer(content=breaker_json(reset_breaker(desk, desk.account(name), by=caller.key_id)))


def breaker_json(breaker: Breaker) -> dict[str, Any]:
    """Return a breaker as callers see it."""
    reason = breaker.reason if breaker.is_engaged else None
    times = {"since": breaker.since, "next_probe_at": breaker.probe_at}
    return {
        "account": breaker.account,
        "broker": breaker.broker,
        "state": str(breaker.state),
        "failures": len(breaker.failures),
        **{name: None if moment is None else time_text(moment) for name, moment in times.items()},
        "by": breaker.by,
        "reason": None if reason is None else {"code": reason.code, "message": reason.message},
    }
