"""What is kept of what decides which orders pass: a breaker that opened or closed, limits that were set. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from order_router.domain.account import Account, Strategy
from order_router.domain.breaker import Breaker
from order_router.domain.errors import Reason
from order_router.domain.exchange_time import exchange_day
from order_router.domain.limits import OrderLimits
from order_router.domain.meter import Counted


class What(StrEnum):
    """What was done."""

    BREAKER_OPEN = "breaker_open"
    BREAKER_CLOSED = "breaker_closed"
    LIMITS_SET = "limits_set"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change: whose, by whom, when, and how it stood before and after (JSON values, money as text).

    `number`: which of its day it is, from 1 on; 0 before it is kept.
    """

    at: datetime
    what: What
    whose: Counted
    by: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    broker: str | None = None
    reason: Reason | None = None
    number: int = 0

    @property
    def day(self) -> date:
        """Return its day at the Indian exchanges."""
        return exchange_day(self.at)


def breaker_change(before: Breaker, after: Breaker) -> Change | None:
    """Return what to keep where a breaker opens or closes; None where it stays as it is for orders."""
    if before.is_engaged == after.is_engaged or after.since is None:
        return None
    return Change(
        at=after.since,
        what=What.BREAKER_OPEN if after.is_engaged else What.BREAKER_CLOSED,
        whose=Counted("account", after.account),
        broker=after.broker,
        by=after.by or "",
        reason=after.reason if after.is_engaged else None,
        before=_of_breaker(before),
        after=_of_breaker(after),
    )


def _of_breaker(breaker: Breaker) -> dict[str, Any]:
    since = None if breaker.since is None else breaker.since.isoformat()
    return {"state": str(breaker.state), "since": since, "by": breaker.by}


def limits_change(
    before: Account | Strategy, after: Account | Strategy, *, by: str, at: datetime
) -> Change | None:
    """Return what to keep where the limits of an account or a strategy are not the same any more."""
    if before.limits == after.limits:
        return None
    kind = "account" if isinstance(after, Account) else "strategy"
    return Change(
        at=at,
        what=What.LIMITS_SET,
        whose=Counted(kind, after.name),
        by=by,
        before=_of_limits(before.limits),
        after=_of_limits(after.limits),
    )


def _of_limits(limits: OrderLimits) -> dict[str, Any]:
    """Return the limits that there are, what is a set in a fixed order."""
    fields = limits.model_dump(mode="json").items()
    return {
        name: sorted(value) if isinstance(value, list) else value
        for name, value in fields
        if value not in (None, [])
    }
