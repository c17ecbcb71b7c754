"""Take a TradingView alert: authenticate it, queue its orders, answer once they are durable."""

from order_router import wiring
from order_router.api.endpoint import endpoint
from order_router.api.http import Answer, ApiRequest
from order_router.api.webhook import authenticated_alert, check_address
from order_router.service.signals import take_alert

world = wiring.world()
settings, intake, addresses = world.settings, world.intake, world.tradingview_addresses


def take(request: ApiRequest) -> Answer:
    """Answer `POST /v1/webhooks/tradingview`, its token in the body or as the last path segment."""
    check_address(request, addresses)
    alert, strategy = authenticated_alert(request, settings)
    order_ids = take_alert(intake, strategy, alert, request.body, request.received_at)
    return Answer(status=202, content={"status": "queued", "client_order_ids": list(order_ids)})


handler = endpoint(take)
