"""What the stream of the orders table says of one write: the order, and how much of its history is older."""

import logging
from collections.abc import Mapping
from typing import Any

from order_router.aws.order_record import RecordUnreadable, read_order
from order_router.domain.order import Order

logger = logging.getLogger(__name__)


def read_change(record: Mapping[str, Any]) -> tuple[Order, int] | None:
    """Return the order as written and how many of its steps stood there before; None if nothing can be told of it."""
    images = record["dynamodb"]
    if "NewImage" not in images:
        return None
    try:
        order = read_order(images["NewImage"])
        before = read_order(images["OldImage"]) if "OldImage" in images else None
    except RecordUnreadable as error:
        # it would be as unreadable the next time, and all that follows would wait behind it
        logger.error("a change of an order is not readable", extra={"words": error.message})  # noqa: TRY400
        return None
    return order, 0 if before is None else len(before.history)
