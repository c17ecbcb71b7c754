"""Every version of every order, every turn of a kill switch and every change of a breaker or of limits.

Each is once in a bucket whose lock holds it there.

Nobody can change or delete what is there while its years last.
"""

import json
import logging
from collections.abc import Mapping
from datetime import date
from typing import Any

from botocore.exceptions import ClientError

from order_router.aws.change_log import change_of, is_change
from order_router.aws.failures import named_failures
from order_router.aws.kill_tables import is_turn, turn_of
from order_router.aws.order_record import RecordUnreadable, read_order
from order_router.aws.values import Item, from_item
from order_router.domain.audit import CHANGES, TURNS, jsonl, line_of_change, line_of_turn, lines_of, whole
from order_router.domain.exchange_time import exchange_day
from order_router.domain.kill_switch import SwitchState
from order_router.domain.order import Order

logger = logging.getLogger(__name__)
IS_THERE = "PreconditionFailed"
ORDERS, SWITCHES, CHANGED = "orders", "switches", "changes"


class AuditBucket:
    """Keeps what the streams of orders and of the gate's two logs tell, over a low-level S3 client."""

    def __init__(self, client: Any, bucket: str) -> None:  # noqa: ANN401 - botocore's clients have no type
        self._client = client
        self._bucket = bucket

    def keep(self, record: Mapping[str, Any]) -> None:
        """Keep what a stream's record tells of; StoreUnavailable if it may not be kept.

        Kept twice it is there once. A deletion is kept as what it is: nothing here deletes orders or turns. What else
        is in the gate is nobody's history.
        """
        change = record["dynamodb"]
        gate = change.get("Keys", {}).get("gate")
        kind = ORDERS if gate is None else _log_of(gate["S"])
        if kind is None:
            return
        if "NewImage" not in change:
            logger.error("a record was deleted", extra={"keys": str(change["Keys"])})
            self._put(_name(kind, "deleted", record), json.dumps({"deleted": from_item(change["Keys"])}))
            return
        if gate is None:
            self._put(*_version(record, change["NewImage"]))
        else:
            self._put(*_logged(kind, record, change["NewImage"]))

    def _put(self, key: str, text: str) -> None:
        try:
            with named_failures("keeping a record in the archive"):
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
        return _name(ORDERS, "unreadable", record), json.dumps(image, sort_keys=True)
    return version_key(order), jsonl(whole(lines_of(order), about=_about(order)))


def _log_of(gate: str) -> str | None:
    """Return the folder of what an item of the gate's table logs; None: it is of no log."""
    if is_turn(gate):
        return SWITCHES
    return CHANGED if is_change(gate) else None


def _logged(kind: str, record: Mapping[str, Any], image: Item) -> tuple[str, str]:
    """Return the name and the text of a turn or a change; as it stands where it cannot be read or was there before.

    Each is written once: what changes one is kept beside it, and is not taken for it.
    """
    as_it_stands = json.dumps(image, sort_keys=True)
    if record["eventName"] != "INSERT":
        logger.error("what was kept of a turn or a change was changed", extra={"gate": image["gate"]["S"]})
        return _name(kind, "changed", record), as_it_stands
    try:
        return _turn(image) if kind == SWITCHES else _change(image)
    except (ValueError, KeyError):
        logger.exception("a record of a log is not readable: kept as it is")
        return _name(kind, "unreadable", record), as_it_stands


def _turn(image: Item) -> tuple[str, str]:
    at, turn = turn_of(image)
    day = exchange_day(at)
    about = {"day": day.isoformat(), TURNS: 1, "switch": turn.switch.key, "turn": turn.version}
    return turn_key(day, turn), jsonl(whole([line_of_turn(turn)], about=about))


def _change(image: Item) -> tuple[str, str]:
    change = change_of(image)
    about = {"day": change.day.isoformat(), CHANGES: 1, "change": change.number}
    key = f"{CHANGED}/{change.day}/{change.number:06d}.jsonl"
    return key, jsonl(whole([line_of_change(change)], about=about))


def turn_key(day: date, turn: SwitchState) -> str:
    """Return where a turn is kept: by day, switch and number."""
    switch = turn.switch
    of = str(switch.scope) if switch.name is None else f"{switch.scope}/{switch.name}"
    return f"{SWITCHES}/{day}/{of}/{turn.version:06d}.jsonl"


def _name(kind: str, what: str, record: Mapping[str, Any]) -> str:
    return f"{kind}/{what}/{record['dynamodb']['SequenceNumber']}.json"


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
