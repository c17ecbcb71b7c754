"""Cancel one order, or every open order of an account."""

from order_router import wiring
from order_router.api.endpoint import route
from order_router.api.http import Answer, ApiRequest
from order_router.api.orders import account_to_cancel, cancel_all_answer, changed_answer, own_order
from order_router.api.touch import touchable
from order_router.domain.account import Scope
from order_router.service.change import cancel_all, cancel_order

world = wiring.world()
desk = world.desk


def cancel_one(request: ApiRequest) -> Answer:
    """Answer `DELETE /v1/orders/{client_order_id}`."""
    order = own_order(request, desk.store, Scope.TRADE)
    return changed_answer(cancel_order(desk, order.client_order_id))


def cancel_every(request: ApiRequest) -> Answer:
    """Answer `POST /v1/orders/cancel-all`."""
    account = account_to_cancel(request)
    return cancel_all_answer(account, cancel_all(desk, account))


answer_http = route(
    {"DELETE /v1/orders/{client_order_id}": cancel_one, "POST /v1/orders/cancel-all": cancel_every}
)
handler = touchable(answer_http, world.seen_address)
