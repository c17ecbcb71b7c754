"""Take a TradingView alert: authenticate it, queue its orders, answer once they are durable."""

from order_router import wiring
from order_router.api.endpoint import endpoint
from order_router.api.http import Answer, ApiRequest
from order_router.api.webhook import (
    alert_of,
    check_address,
    outages_logged,
    refusals_told,
    sender_of,
    unreadable_told,
)
from order_router.service.signals import take_alert

world = wiring.world()
settings, intake, addresses = world.settings, world.intake, world.tradingview_addresses
notifier = world.notifier


@outages_logged()
def take(request: ApiRequest) -> Answer:
    """Answer `POST /v1/webhooks/tradingview`, its token in the body or as the last path segment."""
    check_address(request, addresses)
    with unreadable_told(notifier):
        sender = sender_of(request, settings)
    with refusals_told(notifier, request, sender):
        alert = alert_of(request, sender)
        order_ids = take_alert(intake, sender.strategy, alert, request.body, request.received_at)
    return Answer(status=202, content={"status": "queued", "client_order_ids": list(order_ids)})


handler = endpoint(take)
