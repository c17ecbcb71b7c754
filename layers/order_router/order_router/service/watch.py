"""What the watch measures of order calls; it hurts no order and asks nobody."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from order_router.adapter.errors import AdapterDefect, BrokerError, SlotLapsed
from order_router.adapter.http import Send
from order_router.adapter.session import BrokerSession
from order_router.domain.account import Account
from order_router.ports import Clock, Metrics
from order_router.service.attempt import WatchedSend
from order_router.service.breaker import is_transport_failure


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
