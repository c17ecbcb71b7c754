"""Move the paper market: set an instrument's last price, and settle what that fills."""

from order_router import wiring
from order_router.api.endpoint import endpoint
from order_router.api.http import Answer, ApiRequest
from order_router.api.paper import price_of
from order_router.domain.account import Scope

set_price = wiring.paper_prices()


def put_price(request: ApiRequest) -> Answer:
    """Answer `PUT /v1/paper/prices/{instrument}`."""
    request.require(Scope.ADMIN)
    instrument, last_price = price_of(request)
    accounts = set_price(instrument, last_price)
    return Answer(content={"instrument": str(instrument), "last_price": str(last_price), "accounts": list(accounts)})


handler = endpoint(put_price)
