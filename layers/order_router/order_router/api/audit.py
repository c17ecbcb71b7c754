"""A day's orders as lines of an audit."""

from order_router.api.http import Answer, ApiRequest
from order_router.api.listing import page_of_orders
from order_router.domain.account import Scope
from order_router.domain.audit import lines_of
from order_router.ports import OrderStore, Settings


def answer_audit(request: ApiRequest, store: OrderStore, settings: Settings) -> Answer:
    """Answer `GET /v1/audit`: a page of a day's orders, a line for each thing that happened to them."""
    request.require(Scope.ADMIN)
    page = page_of_orders(request, store, settings)
    lines = [dict(line) for order in page.orders for line in lines_of(order)]
    return Answer(content={"lines": lines, "next_cursor": page.next_cursor})
