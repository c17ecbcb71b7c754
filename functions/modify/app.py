"""Change an order that rests at its broker, or settle one that only a person can."""

from order_router import wiring
from order_router.api.answers import order_json
from order_router.api.endpoint import route
from order_router.api.http import Answer, ApiRequest
from order_router.api.orders import changed_answer, changes_of, own_order
from order_router.api.stating import statement_of
from order_router.api.touch import touchable
from order_router.domain.account import Scope
from order_router.service.change import modify_order
from order_router.service.stating import settle_by_word

world = wiring.world()
desk = world.desk


def modify(request: ApiRequest) -> Answer:
    """Answer `PATCH /v1/orders/{client_order_id}`."""
    order = own_order(request, desk.store, Scope.TRADE)
    return changed_answer(modify_order(desk, order.client_order_id, changes_of(request)))


def settle(request: ApiRequest) -> Answer:
    """Answer `POST /v1/orders/{client_order_id}/settle`."""
    order = own_order(request, desk.store, Scope.ADMIN)
    return Answer(content=order_json(settle_by_word(desk, order.client_order_id, statement_of(request))))


answer_http = route(
    {
        "PATCH /v1/orders/{client_order_id}": modify,
        "POST /v1/orders/{client_order_id}/settle": settle,
    }
)
handler = touchable(answer_http, world.seen_address)
