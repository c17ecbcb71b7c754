"""Move the paper market: set an instrument's last price, and settle what that fills."""

from order_router import wiring
from order_router.api.endpoint import endpoint
from order_router.api.http import Answer, ApiRequest
from order_router.api.paper import price_of
from order_router.domain.account import Scope
from order_router.service.follow_up import AT_ONCE

world = wiring.world()


def put_price(request: ApiRequest) -> Answer:
    """Answer `PUT /v1/paper/prices/{instrument}`."""
    request.require(Scope.ADMIN)
    instrument, last_price = price_of(request)
    accounts = world.paper_exchange.set_price(instrument, last_price)
    for account in accounts:
        world.reconcile_queue.put(account, delay_s=0, look=AT_ONCE)
    return Answer(
        content={"instrument": str(instrument), "last_price": str(last_price), "accounts": list(accounts)}
    )


handler = endpoint(put_price)
