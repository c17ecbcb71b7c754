"""Take the records of a stream in their order: the first that fails comes again, and all behind it."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from order_router.domain.errors import RouterError

logger = logging.getLogger(__name__)

Keep = Callable[[Mapping[str, Any]], None]


def each_change(keep: Keep) -> Callable[[Mapping[str, Any], object], dict[str, Any]]:
    """Make a handler of a table's stream that answers with the first record that was not kept."""

    def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
        for record in event["Records"]:
            if not _is_kept(keep, record):
                return {"batchItemFailures": [{"itemIdentifier": record["dynamodb"]["SequenceNumber"]}]}
        return {"batchItemFailures": []}

    return handler


def _is_kept(keep: Keep, record: Mapping[str, Any]) -> bool:
    try:
        keep(record)
    except RouterError as error:
        logger.warning("a change comes again", extra={"code": error.code, "words": error.message})
        return False
    except (
        Exception
    ):  # the stream keeps it for a day, and its place goes to the dead letters: nothing is lost
        logger.exception("a change was not kept")
        return False
    return True
