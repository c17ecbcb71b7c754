"""What the watch measures of sessions: how many are missing before the open."""

from collections.abc import Iterable
from datetime import datetime, time

from order_router.adapter.login import LoginKind
from order_router.domain.account import Account
from order_router.domain.broker_session import SessionState
from order_router.domain.exchange_time import IST
from order_router.ports import Metrics
from order_router.service.sessions import SessionStatus

LAST_LOOKS = (time(8, 15), time(9, 30))
"""When a look at the sessions is the last before an Indian market opens: earlier ones leave time to log in."""


def measure_sessions(
    metrics: Metrics, accounts: Iterable[Account], looked: Iterable[SessionStatus], at: datetime
) -> None:
    """Measure how many enabled accounts have no session for the day, if this look is the last before the open."""
    if not LAST_LOOKS[0] <= at.astimezone(IST).time() < LAST_LOOKS[1]:
        return
    good = {one.account for one in looked if one.login is LoginKind.NONE or one.state is SessionState.VALID}
    missing = [one for one in accounts if one.is_enabled and one.name not in good]
    metrics.put({"sessions_missing": len(missing)})
