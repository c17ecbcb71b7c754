"""What is kept of changes of breakers and limits, in the gate table, each in one transaction with the change.

gate                       holds
change-log#<day>#<number>  one change: whose, who, when, why, before and after; kept for good
change-count#<day>         how many changes the day has
"""

import json
import secrets
from datetime import date, datetime
from typing import Any

from botocore.exceptions import ClientError

from order_router.aws.failures import FAILED, PASSING, named_failures, reasons_of
from order_router.aws.values import Item, from_item, to_item
from order_router.domain.change_log import Change, What
from order_router.domain.errors import Reason
from order_router.domain.meter import Counted
from order_router.ports import Clock, StoreUnavailable

LOG, COUNT = "change-log#", "change-count#"
TRIES = 40
PAUSE_S = 0.005


class ChangeLogTable:
    """Keeps changes, over a low-level DynamoDB client and the gate table."""

    def __init__(self, client: Any, table: str, clock: Clock) -> None:  # noqa: ANN401 - botocore's clients have no type
        self._client = client
        self._table = table
        self._clock = clock

    def put_with(self, put: dict[str, Any], change: Change) -> bool:
        """Make the conditional put and keep the change, both or neither; False if the put's condition did not hold.

        Raises StoreUnavailable. A transaction that botocore repeats, its answer lost, is the same one by its token.
        """
        for _ in range(TRIES):
            operations = [{"Put": put}, *self._operations(change, self._count(change.day) + 1)]
            with named_failures(f"keeping a change ({change.what})"):
                try:
                    self._client.transact_write_items(TransactItems=operations)
                except ClientError as error:
                    codes = reasons_of(error)
                    if FAILED in codes[:1]:
                        return False
                    if FAILED not in codes and not PASSING.intersection(codes):
                        raise
                else:
                    return True
            # another change took the number, or an order on its way out checks the same item
            self._clock.sleep(PAUSE_S * (1 + secrets.randbelow(4)))
        raise StoreUnavailable(f"keeping a change ({change.what}): too many conflicts")

    def changes_on(self, day: date) -> tuple[Change, ...]:
        """Return a day's changes as they were kept; StoreUnavailable rather than one too few."""
        return tuple(self._kept(day, number) for number in range(1, self._count(day) + 1))

    def _kept(self, day: date, number: int) -> Change:
        item = self._get(_name(day, number))
        if item is None:
            raise StoreUnavailable(f"change {number} of {day} is not in its log")
        return change_of(item)

    def _count(self, day: date) -> int:
        item = self._get(f"{COUNT}{day}")
        return 0 if item is None else int(from_item(item)["changes"])

    def _get(self, name: str) -> Item | None:
        with named_failures("reading the log of changes"):
            answer = self._client.get_item(
                TableName=self._table, Key={"gate": {"S": name}}, ConsistentRead=True
            )
        found: Item | None = answer.get("Item")
        return found

    def _operations(self, change: Change, number: int) -> list[dict[str, Any]]:
        condition = "attribute_not_exists(changes)" if number == 1 else "changes = :before"
        before = {} if number == 1 else {":before": number - 1}
        counted = {
            "TableName": self._table,
            "Key": {"gate": {"S": f"{COUNT}{change.day}"}},
            "UpdateExpression": "SET changes = :number",
            "ConditionExpression": condition,
            "ExpressionAttributeValues": to_item({":number": number, **before}),
        }
        row = {
            "TableName": self._table,
            "Item": _item(change, number),
            "ConditionExpression": "attribute_not_exists(gate)",
        }
        return [{"Update": counted}, {"Put": row}]


def is_change(name: str) -> bool:
    """Return whether an item of the gate table, by its key, is what is kept of a change."""
    return name.startswith(LOG)


def change_of(item: Item) -> Change:
    """Return what is kept of a change; ValueError or KeyError for an item that is none."""
    fields = from_item(item)
    code = fields.get("reason_code")
    change = Change(
        at=datetime.fromisoformat(fields["at"]),
        what=What(fields["what"]),
        whose=Counted(fields["of"], fields["owner"]),
        by=fields["by"],
        before=json.loads(fields["before"]),
        after=json.loads(fields["after"]),
        broker=fields.get("broker"),
        reason=None if code is None else Reason(code, fields["reason_words"]),
        number=fields["number"],
    )
    if _name(change.day, change.number) != fields["gate"]:
        raise ValueError(f"{fields['gate'][:80]!r} is no change of its day")
    return change


def _item(change: Change, number: int) -> Item:
    return to_item(
        {
            "gate": _name(change.day, number),
            "number": number,
            "at": change.at.isoformat(),
            "what": str(change.what),
            "of": change.whose.kind,
            "owner": change.whose.owner,
            "by": change.by,
            "broker": change.broker,
            "reason_code": None if change.reason is None else change.reason.code,
            "reason_words": None if change.reason is None else change.reason.message,
            "before": json.dumps(dict(change.before), sort_keys=True),
            "after": json.dumps(dict(change.after), sort_keys=True),
        }
    )


def _name(day: date, number: int) -> str:
    return f"{LOG}{day}#{number}"
