"""Every version of every order, each written once to a bucket whose lock lets nobody change or delete it."""

import json
import logging
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from order_router.aws.failures import named_failures
from order_router.aws.order_record import RecordUnreadable, read_order
from order_router.aws.values import Item, from_item
from order_router.domain.audit import jsonl, lines_of, whole
from order_router.domain.exchange_time import exchange_day
from order_router.domain.order import Order

logger = logging.getLogger(__name__)
IS_THERE = "PreconditionFailed"


class AuditBucket:
    """Keeps what the orders table's stream tells, over a low-level S3 client."""

    def __init__(self, client: Any, bucket: str) -> None:  # noqa: ANN401 - botocore's clients have no type
        self._client = client
        self._bucket = bucket

    def keep(self, record: Mapping[str, Any]) -> None:
        """Keep the version of an order that a stream's record tells of; StoreUnavailable if it may not be kept.

        Kept twice it is there once. A deletion is kept as what it is: nothing here deletes orders.
        """
        change = record["dynamodb"]
        if "NewImage" not in change:
            logger.error("an order was deleted", extra={"keys": str(change["Keys"])})
            self._put(_name("deleted", record), json.dumps({"deleted": from_item(change["Keys"])}))
            return
        self._put(*_version(record, change["NewImage"]))

    def _put(self, key: str, text: str) -> None:
        try:
            with named_failures("keeping an order's version"):
                self._put_new(key, text)
        except _IsThere:
            return

    def _put_new(self, key: str, text: str) -> None:
        try:
            self._client.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=text.encode(),
                ContentType="application/jsonl",
                # a lock's bucket takes nothing without a checksum
                ChecksumAlgorithm="SHA256",
                IfNoneMatch="*",
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == IS_THERE:
                raise _IsThere from None
            raise


class _IsThere(Exception):
    """This version was kept before."""


def _version(record: Mapping[str, Any], image: Item) -> tuple[str, str]:
    """Return the name and the text of a version; as it stands in the table where this release cannot read it."""
    try:
        order = read_order(image)
    except RecordUnreadable:
        logger.exception("an order's record is not readable: kept as it is")
        return _name("unreadable", record), json.dumps(image, sort_keys=True)
    return version_key(order), jsonl(whole(lines_of(order), about=_about(order)))


def _name(kind: str, record: Mapping[str, Any]) -> str:
    return f"orders/{kind}/{record['dynamodb']['SequenceNumber']}.json"


def version_key(order: Order) -> str:
    """Return where a version of an order is kept: by day, account and order."""
    day = exchange_day(order.received_at)
    return f"orders/{day}/{order.request.account}/{order.client_order_id}/{order.version:06d}.jsonl"


def _about(order: Order) -> dict[str, str | int]:
    return {
        "day": exchange_day(order.received_at).isoformat(),
        "client_order_id": order.client_order_id,
        "version": order.version,
    }
