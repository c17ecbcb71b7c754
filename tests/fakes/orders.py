"""Orders that a trader would recognise, for tests to start from."""

from dataclasses import replace
from datetime import datetime, timedelta

from order_router.adapter.profile import Profile
from order_router.domain.account import Account
from order_router.domain.gate import Gate
from order_router.domain.identity import client_order_id, request_digest
from order_router.domain.order import Order, Ownership, take_ownership
from order_router.domain.request import OrderRequest, parse_request
from order_router.domain.vocabulary import Source
from order_router.service.gates import entry_gate
from tests.fakes.clock import MONDAY_MORNING


def a_request(**changes: object) -> OrderRequest:
    """Return a request for 5 INFY at 1500.05, with these fields changed (None leaves one out)."""
    usual: dict[str, object] = {
        "account": "paper",
        "instrument": "NSE:INFY",
        "side": "BUY",
        "quantity": 5,
        "order_type": "LIMIT",
        "limit_price": "1500.05",
        "product": "MIS",
    }
    return parse_request(usual | changes)


def an_order(
    key: str = "k-1", *, at: datetime = MONDAY_MORNING, broker: str = "paper", **changes: object
) -> Order:
    """Return a received order for `a_request(**changes)` under this idempotency key."""
    request = a_request(**changes)
    return Order(
        client_order_id=client_order_id(request.account, key),
        request=request,
        request_digest=request_digest(request),
        broker=broker,
        source=Source.API,
        received_at=at,
        deadline=at + timedelta(seconds=30),
        updated_at=at,
    )


def a_submitting_order(
    key: str = "k-1", *, at: datetime = MONDAY_MORNING, owner: str = "w-1", **changes: object
) -> Order:
    """Return the order as its owner stores it before it sends."""
    ownership = Ownership(owner=owner, lease_until=at + timedelta(seconds=20))
    return take_ownership(an_order(key, at=at, **changes), ownership, at)  # type: ignore[arg-type]


def gate_before_entry(account: Account, profile: Profile, request: OrderRequest, at: datetime) -> Gate:
    """Return the gate before a new order for this request."""
    return entry_gate(account, profile, replace(a_submitting_order(), request=request), at)
