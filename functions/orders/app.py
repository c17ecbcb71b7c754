"""Read orders: one with its history, a page of an account's day, or what happened to them line by line."""

from order_router import wiring
from order_router.api.answers import order_json
from order_router.api.audit import AuditDesk, answer_audit
from order_router.api.endpoint import route
from order_router.api.http import Answer, ApiRequest
from order_router.api.listing import list_orders
from order_router.api.orders import own_order
from order_router.domain.account import Scope

world = wiring.world()
store, settings = world.store, world.settings


def read_one(request: ApiRequest) -> Answer:
    """Answer `GET /v1/orders/{client_order_id}`."""
    return Answer(content=order_json(own_order(request, store, Scope.READ)))


def read_many(request: ApiRequest) -> Answer:
    """Answer `GET /v1/orders`."""
    return list_orders(request, store, settings)


def read_audit(request: ApiRequest) -> Answer:
    """Answer `GET /v1/audit`."""
    desk = AuditDesk(
        store=store,
        settings=settings,
        switches=world.kill_switches,
        changes_on=world.change_log.changes_on,
    )
    return answer_audit(desk, request)


handler = route(
    {
        "GET /v1/orders/{client_order_id}": read_one,
        "GET /v1/orders": read_many,
        "GET /v1/audit": read_audit,
    }
)
