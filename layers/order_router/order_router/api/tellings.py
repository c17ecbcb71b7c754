"""Take what is to be told: changes of orders from their stream, and messages of the queue of notices."""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

from order_router.domain.channel import ChannelDown, wait_s
from order_router.domain.errors import RouterError
from order_router.domain.notices import Notice
from order_router.domain.order import Order
from order_router.domain.order_news import news_of
from order_router.domain.telling import Delivery, Flush
from order_router.service.telling import TellingDesk, deliver, flush, spread

logger = logging.getLogger(__name__)
Record = Mapping[str, Any]
Handler = Callable[[Mapping[str, Any]], dict[str, Any]]
ReadChange = Callable[[Record], tuple[Order, int] | None]
"""Return an order as it was written and how many of its steps stood there before."""

ReadTelling = Callable[[str], Notice | Delivery | Flush | None]


class NoticeQueue(Protocol):
    """Where notices are put, and messages put back."""

    def put(self, notice: Notice, at: datetime) -> None:
        """Store a notice that is to be spread; may StoreUnavailable."""

    def release(self, receipt_handle: str, delay_s: int) -> None:
        """Let a message come again after this many seconds; may StoreUnavailable."""


def tell_changes(queue: NoticeQueue, read: ReadChange) -> Handler:
    """Make a handler of the orders' stream: what is news is queued. A failure brings the whole batch again.

    What was queued already is then queued twice, and told once: a step of an order is always the same news.
    """

    def handler(event: Mapping[str, Any]) -> dict[str, Any]:
        for record in event["Records"]:
            change = read(record)
            if change is None:
                continue
            order, known_steps = change
            for notice in news_of(order, known_steps=known_steps):
                queue.put(notice, order.updated_at)
        return {}

    return handler


def tell_messages(desk: TellingDesk, queue: NoticeQueue, read: ReadTelling) -> Handler:
    """Make a handler of the queue of notices: what cannot be told comes again, later each time."""

    def handler(event: Mapping[str, Any]) -> dict[str, Any]:
        left = [record for record in event["Records"] if not is_told(record)]
        return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in left]}

    def is_told(record: Record) -> bool:
        try:
            _take(desk, read(record["body"]), record["messageId"])
        except RouterError as error:
            logger.warning("not told yet", extra={"code": error.code, "words": error.message})
            _put_back(queue, record, error.retry_after_s if isinstance(error, ChannelDown) else None)
            return False
        except Exception:  # the queue keeps it, and its dead-letter queue in the end: nothing is lost
            logger.exception("telling failed", extra={"message_id": record["messageId"]})
            return False
        return True

    return handler


def _take(desk: TellingDesk, command: Notice | Delivery | Flush | None, message_id: str) -> None:
    if isinstance(command, Notice):
        spread(desk, command, message_id)
    elif isinstance(command, Delivery):
        deliver(desk, command)
    elif isinstance(command, Flush):
        flush(desk, command)


def _put_back(queue: NoticeQueue, record: Record, asked_for_s: int | None) -> None:
    failures = int(record["attributes"]["ApproximateReceiveCount"])
    try:
        queue.release(record["receiptHandle"], wait_s(failures, asked_for_s))
    except RouterError as error:
        # it comes again when the queue shows it again by itself
        logger.warning("could not put back", extra={"code": error.code})
