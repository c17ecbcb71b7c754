"""Answer a batch of queue records: a failed one comes back, a poisonous one is told and let go."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from order_router.domain.errors import RouterError

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
            if not _taken(take, record):
                left = records[position:]
                _release(release, left)
                return {"batchItemFailures": [{"itemIdentifier": one["messageId"]} for one in left]}
        return {"batchItemFailures": []}

    return handler


def _taken(take: Take, record: Mapping[str, Any]) -> bool:
    try:
        take(record)
    except RouterError as error:
        logger.warning("record goes back", extra={"code": error.code, "message_id": record["messageId"]})
        return False
    except Exception:  # the queue keeps the message, and its dead-letter queue in the end: nothing is lost
        logger.exception("record failed", extra={"message_id": record["messageId"]})
        return False
    return True


def _release(release: Release | None, records: list[Mapping[str, Any]]) -> None:
    """Make failed messages visible soon: waiting for the visibility timeout would make the next alerts too old."""
    if release is None:
        return
    for record in records:
        try:
            release(record["receiptHandle"], RETRY_DELAY_S)
        except RouterError as error:
            logger.warning("could not release", extra={"code": error.code})
