"""What the watch measures of order calls and sessions; it hurts no order and asks nobody."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

from order_router.adapter.errors import AdapterDefect, BrokerError, SlotLapsed
from order_router.adapter.http import Send
from order_router.adapter.login import LoginKind
from order_router.adapter.session import BrokerSession
from order_router.domain.account import Account
from order_router.domain.broker_session import SessionState
from order_router.domain.exchange_time import IST
from order_router.ports import Clock, Metrics
from order_router.service.attempt import WatchedSend
from order_router.service.breaker import is_transport_failure
from order_router.service.sessions import SessionStatus

LAST_LOOKS = (time(8, 15), time(9, 30))
"""When a look at the sessions is the last before an Indian market opens: earlier ones leave time to log in."""


@dataclass(slots=True)
class WatchedCall:
    """A call of a change or a cancel that remembers how long its write took, and how it failed.

    What lapsed before it left is no call, and no failure.
    """

    call: Callable[[Send, BrokerSession], None]
    clock: Clock
    took: timedelta | None = field(default=None, init=False)
    failure: BrokerError | None = field(default=None, init=False)

    def __call__(self, send: Send, session: BrokerSession) -> None:
        """Make the call; raises what it raises."""
        watched = WatchedSend(send, self.clock)
        try:
            self.call(watched, session)
        except SlotLapsed:
            raise
        except Exception as error:
            self.took = watched.took
            self.failure = error if isinstance(error, BrokerError) else AdapterDefect(type(error).__name__)
            raise
        self.took = watched.took


def measure_call(
    metrics: Metrics, account: Account, took: timedelta | None, failure: BrokerError | None
) -> None:
    """Measure one order call: how long its broker took, and whether it came to nothing on the wire."""
    if took is None:
        return
    milliseconds = took // timedelta(milliseconds=1)
    failures = int(is_transport_failure(failure))
    metrics.put({"broker_latency_ms": milliseconds, "broker_failures": failures}, {"broker": account.broker})


def measure_sessions(
    metrics: Metrics, accounts: Iterable[Account], looked: Iterable[SessionStatus], at: datetime
) -> None:
    """Measure how many enabled accounts have no session for the day, if this look is the last before the open."""
    if not LAST_LOOKS[0] <= at.astimezone(IST).time() < LAST_LOOKS[1]:
        return
    good = {one.account for one in looked if one.login is LoginKind.NONE or one.state is SessionState.VALID}
    missing = [one for one in accounts if one.is_enabled and one.name not in good]
    metrics.put({"sessions_missing": len(missing)})
