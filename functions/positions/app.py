"""Read positions, holdings and funds of one account or of all that the caller may see."""

from order_router import wiring
from order_router.api.answers import portfolio_answer
from order_router.api.endpoint import endpoint
from order_router.api.http import Answer, ApiRequest
from order_router.api.listing import visible_accounts
from order_router.service.portfolio import read_portfolio

world = wiring.world()
settings, desk = world.settings, world.reading_desk


def read(request: ApiRequest) -> Answer:
    """Answer `GET /v1/positions`, `/v1/holdings` and `/v1/funds`."""
    what = request.route.rpartition("/")[2]
    accounts = visible_accounts(request, settings)
    return portfolio_answer(what, read_portfolio(desk, what, accounts))


handler = endpoint(read)
