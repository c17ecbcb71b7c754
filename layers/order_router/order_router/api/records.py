"""Answer a batch of queue records: a failed one comes back, a poisonous one is told and let go."""

import logging
import math
from collections.abc import Callable, Mapping
from typing import Any

from order_router.domain.errors import RouterError
from order_router.domain.gate import PaceExceeded

logger = logging.getLogger(__name__)
RETRY_DELAY_S = 2

Take = Callable[[Mapping[str, Any]], None]
Release = Callable[[str, int], None]


def each_record(
    take: Take, release: Release | None = None
) -> Callable[[Mapping[str, Any], object], dict[str, Any]]:
    """Make a handler of partial batch answers; after the first failure the rest of a FIFO batch goes back too."""

    def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
        records = event["Records"]
        for position, record in enumerate(records):
            delay_s = _delay_of(take, record)
            if delay_s is not None:
                left = records[position:]
                _release(release, left, delay_s)
                return {"batchItemFailures": [{"itemIdentifier": one["messageId"]} for one in left]}
        return {"batchItemFailures": []}

    return handler


def _delay_of(take: Take, record: Mapping[str, Any]) -> int | None:
    """Take the record; return after how many seconds it is to come again, None if it is done with."""
    try:
        take(record)
    except PaceExceeded as full:
        # no sooner: a message that comes too often for nothing ends among the dead letters
        logger.info("record waits", extra={"code": full.code, "message_id": record["messageId"]})
        return max(RETRY_DELAY_S, math.ceil(full.retry_after_s))
    except RouterError as error:
        logger.warning("record goes back", extra={"code": error.code, "message_id": record["messageId"]})
        return RETRY_DELAY_S
    except Exception:  # the queue keeps the message, and its dead-letter queue in the end: nothing is lost
        logger.exception("record failed", extra={"message_id": record["messageId"]})
        return RETRY_DELAY_S
    return None


def _release(release: Release | None, records: list[Mapping[str, Any]], delay_s: int) -> None:
    """Make failed messages visible soon: waiting for the visibility timeout would make the next alerts too old."""
    if release is None:
        return
    for record in records:
        try:
            release(record["receiptHandle"], delay_s)
        except RouterError as error:
            logger.warning("could not release", extra={"code": error.code})
