"""Turn an alert into queued orders: durable before anybody is told that it was taken."""

from dataclasses import dataclass
from datetime import datetime

from order_router.domain.account import Strategy
from order_router.domain.alert import Alert, alert_digest, deadline_of, requests_of
from order_router.domain.identity import client_order_id
from order_router.domain.vocabulary import Source
from order_router.ports import OrderQueue, PlaceOrder, SeenAlerts

RESEND_WINDOW_S = 30
"""TradingView resends after 5 s, up to three times: all of them within 30 s (support page 43000735201)."""


@dataclass(frozen=True, slots=True)
class Intake:
    """Where alerts go: the queue, and the memory of bodies that carry no time of their own."""

    queue: OrderQueue
    seen: SeenAlerts


def take_alert(
    intake: Intake, strategy: Strategy, alert: Alert, raw_body: bytes, received_at: datetime
) -> tuple[str, ...]:
    """Queue the orders that an alert asks for and return their client order ids.

    Raises AlertRefused or a ValidationError for an alert that can never become an order, StoreUnavailable when it may
    not have been stored: then the sender must send it again.
    """
    requests = requests_of(alert, strategy)
    key = _key(intake, strategy, alert, raw_body, received_at)
    deadline = deadline_of(alert, strategy, received_at)
    orders = [
        PlaceOrder(
            request=request,
            idempotency_key=key,
            source=Source.ALERT,
            received_at=received_at,
            deadline=deadline,
        )
        for request in requests
    ]
    intake.queue.put(orders)
    return tuple(client_order_id(order.request.account, key) for order in orders)


def _key(intake: Intake, strategy: Strategy, alert: Alert, raw_body: bytes, received_at: datetime) -> str:
    """Name the alert by its body: unique for good with a time in it, for 30 s without."""
    digest = alert_digest(strategy.name, raw_body)
    if alert.time is not None:
        return f"alert:{digest}"
    first = intake.seen.first_seen(digest, received_at, window_s=RESEND_WINDOW_S)
    return f"alert:{digest}:{first.isoformat()}"
