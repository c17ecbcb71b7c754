"""Change an order that rests at its broker."""

from order_router import wiring
from order_router.api.endpoint import endpoint
from order_router.api.http import Answer, ApiRequest
from order_router.api.orders import changed_answer, changes_of, own_order
from order_router.api.touch import touchable
from order_router.domain.account import Scope
from order_router.service.change import modify_order

world = wiring.world()
desk = world.desk


def modify(request: ApiRequest) -> Answer:
    """Answer `PATCH /v1/orders/{client_order_id}`."""
    order = own_order(request, desk.store, Scope.TRADE)
    return changed_answer(modify_order(desk, order.client_order_id, changes_of(request)))


handler = touchable(endpoint(modify), world.seen_address)
