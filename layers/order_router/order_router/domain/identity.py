"""Where names come from: the same request has the same client order id everywhere."""

import base64
import hashlib
import json

from order_router.domain.request import OrderRequest, dump_request

CLIENT_ORDER_ID_LENGTH = 20


def client_order_id(account: str, idempotency_key: str) -> str:
    """Derive the id of the order that this key asks for (20 characters A-Z2-7: the whole of it fits a Kite tag)."""
    material = json.dumps([account, idempotency_key]).encode()
    return base64.b32encode(hashlib.sha256(material).digest()).decode()[:CLIENT_ORDER_ID_LENGTH]


def request_digest(request: OrderRequest) -> str:
    """Return a digest that two requests share only when they ask for the same order."""
    canonical = json.dumps(dump_request(request), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
