"""Ask brokers what changes nothing: positions, holdings and funds; quotes, option chains and margins."""

from functools import partial

from order_router import wiring
from order_router.api.answers import portfolio_answer
from order_router.api.combinations import answer_combination
from order_router.api.endpoint import route
from order_router.api.http import Answer, ApiRequest
from order_router.api.listing import visible_accounts
from order_router.api.market import answer_margin, answer_option_chain, answer_quotes
from order_router.api.touch import touchable
from order_router.service.portfolio import read_portfolio

world = wiring.world()
settings, desk = world.settings, world.reading_desk


def read(request: ApiRequest) -> Answer:
    """Answer `GET /v1/positions`, `/v1/holdings` and `/v1/funds`."""
    what = request.route.rpartition("/")[2]
    accounts = visible_accounts(request, settings)
    return portfolio_answer(what, read_portfolio(desk, what, accounts))


answer_http = route(
    {
        "GET /v1/positions": read,
        "GET /v1/holdings": read,
        "GET /v1/funds": read,
        "GET /v1/quotes": partial(answer_quotes, settings=settings, desk=desk),
        "GET /v1/option-chain": partial(answer_option_chain, settings=settings, desk=desk),
        "POST /v1/instruments/combinations": partial(
            answer_combination, settings=settings, desk=world.combination_desk
        ),
        "POST /v1/margin": partial(answer_margin, settings=settings, desk=desk),
    }
)
handler = touchable(answer_http, world.seen_address)
