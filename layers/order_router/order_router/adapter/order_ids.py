"""A broker's order ids, held to their shape before they go into an address, and to each other in answers."""

import re

from order_router.adapter.errors import OutcomeUnknown, Unsupported


def known_id(broker_order_id: str, shape: re.Pattern[str], title: str) -> str:
    """Return the id if it has the shape of this broker's; Unsupported otherwise: nothing is sent."""
    if not shape.fullmatch(broker_order_id):
        raise Unsupported(f"{title} has no order ids such as {broker_order_id[:40]!r}")
    return broker_order_id


def require_same_id(answered: str, named: str, title: str) -> None:
    """Raise OutcomeUnknown unless the answer is for the order that was named."""
    if answered != named:
        raise OutcomeUnknown(f"{title} answered for another order than the one that was named")
