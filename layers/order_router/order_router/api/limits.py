"""The HTTP face of limits: what an account or a strategy may have, and what is counted of it today."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from order_router.api.answers import time_text
from order_router.api.http import Answer, ApiRequest, Forbidden
from order_router.api.listing import QueryInvalid
from order_router.domain.account import Account, Caller, Scope
from order_router.domain.meter import BASED_AT, CODES, MONEY, NET, RESERVED, Counted
from order_router.domain.request import plain
from order_router.service.limit_settings import (
    LimitsDesk,
    LimitsFound,
    change_limits,
    model_of,
    show_limits,
)

ZERO = Decimal(0)
COUNTED = (*(name for name in CODES if "@" not in name), NET, RESERVED)


def answer_limits(desk: LimitsDesk, request: ApiRequest) -> Answer:
    """Answer `GET /v1/limits`, of one account or one strategy."""
    return _answer(_own(desk, request, Scope.READ))


def replace_limits(desk: LimitsDesk, request: ApiRequest) -> Answer:
    """Answer `PUT /v1/limits`: these limits and no others hold from now on; workers see it within 15 s.

    With `If-Match`, only if nobody has changed the setting since it was read.
    """
    counted, by = _own(desk, request, Scope.ADMIN).counted, request.require(Scope.ADMIN).key_id
    wanted = model_of(counted).model_validate(request.json_object())
    version = request.headers.get("if-match", "").strip('"') or None
    return _answer(change_limits(desk, counted, lambda _: wanted, by=by, version=version))


def _own(desk: LimitsDesk, request: ApiRequest, scope: Scope) -> LimitsFound:
    """Return the limits that the query names; Forbidden unless every account they hold is the caller's."""
    caller = request.require(scope)
    counted = _named(request)
    if counted.kind == "account":
        request.require_account(scope, counted.owner)
    found = show_limits(desk, counted)
    _require_all_own(caller, found)
    return found


def _named(request: ApiRequest) -> Counted:
    named = [Counted(kind, request.query[kind]) for kind in ("account", "strategy") if kind in request.query]
    if len(named) != 1:
        raise QueryInvalid("name one account or one strategy: ?account=NAME or ?strategy=NAME")
    return named[0]


def _require_all_own(caller: Caller, found: LimitsFound) -> None:
    setting = found.setting
    accounts = (setting.name,) if isinstance(setting, Account) else setting.accounts
    if not all(caller.may_see(account) for account in accounts):
        raise Forbidden(f"this key is not for every account of {found.counted}", code="ACCOUNT_FORBIDDEN")


def _answer(found: LimitsFound) -> Answer:
    return Answer(content=limits_json(found), headers={"etag": f'"{found.version}"'})


def limits_json(found: LimitsFound) -> dict[str, Any]:
    """Return limits as callers see them: an absent one is null, a list that allows everything is empty."""
    return {
        found.counted.kind: found.counted.owner,
        "version": found.version,
        "limits": _sorted(found.limits.model_dump(mode="json")),
        "counted": counted_json(found),
        "warnings": list(found.warnings),
    }


def counted_json(found: LimitsFound) -> dict[str, Any]:
    """Return what is counted on its day; money as text, positions by the time at which they were read."""
    amounts = found.amounts
    based_at = amounts.get(BASED_AT)
    return {
        "day": f"{found.day}",
        **{name: _number(name, amounts.get(name, ZERO)) for name in COUNTED},
        "positions_read_at": None
        if based_at is None
        else time_text(datetime.fromtimestamp(int(based_at), UTC)),
        "instruments": {
            instrument: {name: _number(name, amounts.get(f"{name}@{instrument}", ZERO)) for name in MONEY}
            for instrument in sorted(_instruments(amounts))
        },
    }


def _instruments(amounts: Iterable[str]) -> set[str]:
    return {name.partition("@")[2] for name in amounts if "@" in name}


def _number(name: str, amount: Decimal) -> int | str:
    return int(amount) if name in {"orders", "open"} else str(plain(amount))


def _sorted(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields with what is a set in a fixed order."""
    return {name: sorted(value) if isinstance(value, list) else value for name, value in fields.items()}
