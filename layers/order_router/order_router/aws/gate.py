"""The gate's items: switches, counters and pace slots, as parts of a DynamoDB transaction."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from order_router.aws.meters import meter_update, price_check
from order_router.aws.values import to_attribute
from order_router.domain.gate import Counter, Gate, HoldChange, Pace, PaceExceeded

SLOT_REST = timedelta(milliseconds=1050)
"""How long a slot rests once its call has left at the latest: a second, and what clocks and roads may differ by."""

SLOT_KEPT = timedelta(hours=1)
KILL = "kill#"

Operation = dict[str, Any]


def epoch_ms(moment: datetime) -> int:
    """Return the moment in whole milliseconds."""
    return int(moment.timestamp() * 1000)


@dataclass(frozen=True, slots=True)
class Slot:
    """One of the calls of a second: slot `number` of a pace."""

    pace: Pace
    number: int

    @property
    def key(self) -> str:
        """Return the key of the slot's item."""
        return f"pace#{self.pace.name}#{self.number}"


class SlotMemory:
    """What this worker knows of slots in use, so that it does not ask for them in vain."""

    def __init__(self) -> None:
        self._used_at: dict[str, int] = {}

    def note(self, slot: Slot, used_at_ms: int) -> None:
        """Remember when a slot's last call has left at the latest."""
        if len(self._used_at) > 1000:  # noqa: PLR2004 - a worker that serves that many paces may forget
            self._used_at.clear()
        self._used_at[slot.key] = used_at_ms

    def choose(self, pace: Pace) -> Slot:
        """Return a slot that is not known to be busy, else the first to come free: the table has the last word."""
        start = secrets.randbelow(pace.calls_per_second)
        slots = [Slot(pace, (start + step) % pace.calls_per_second) for step in range(pace.calls_per_second)]
        return min(slots, key=lambda slot: max(0, self._wait_ms(slot)))

    def require_free(self, pace: Pace) -> None:
        """Raise PaceExceeded, with the wait until one comes free, if every slot is known to be busy."""
        wait_ms = min(self._wait_ms(Slot(pace, number)) for number in range(pace.calls_per_second))
        if wait_ms > 0:
            raise PaceExceeded(wait_ms / 1000)

    def _wait_ms(self, slot: Slot) -> int:
        return self._used_at.get(slot.key, 0) + _rest_ms() - epoch_ms(slot.pace.at)


def _rest_ms() -> int:
    return int(SLOT_REST.total_seconds() * 1000)


IS_OFF = "attribute_not_exists(engaged) OR engaged = :off"
LETS_EXITS = " OR lets_exits = :yes"


def switch_checks(table: str, names: Sequence[str], *, is_exit: bool) -> list[Operation]:
    """Return the conditions that no switch is on; what closes a position passes a kill switch that lets exits."""
    return [_switch_check(table, name, may_pass=is_exit and name.startswith(KILL)) for name in names]


def _switch_check(table: str, name: str, *, may_pass: bool) -> Operation:
    yes = {":yes": {"BOOL": True}} if may_pass else {}
    return {
        "ConditionCheck": {
            "TableName": table,
            "Key": {"gate": {"S": name}},
            "ConditionExpression": IS_OFF + (LETS_EXITS if may_pass else ""),
            "ExpressionAttributeValues": {":off": {"BOOL": False}, **yes},
        }
    }


def hold_check(table: str, name: str) -> Operation:
    """Return the condition that no order keeps this hold on."""
    return {
        "ConditionCheck": {
            "TableName": table,
            "Key": {"gate": {"S": name}},
            "ConditionExpression": "attribute_not_exists(orders)",
        }
    }


def hold_update(table: str, change: HoldChange) -> Operation:
    """Return the update that puts an order into the hold's set or takes it out (an emptied set is gone)."""
    return {
        "Update": {
            "TableName": table,
            "Key": {"gate": {"S": change.name}},
            "UpdateExpression": f"{'ADD' if change.is_on else 'DELETE'} orders :order SET expires_at = :expires_at",
            "ExpressionAttributeValues": {
                ":order": {"SS": [change.client_order_id]},
                ":expires_at": to_attribute(int(change.expires_at.timestamp())),
            },
        }
    }


def counter_updates(table: str, counters: Sequence[Counter]) -> list[Operation]:
    """Return the updates that count one more, on the condition that there is room."""
    return [
        {
            "Update": {
                "TableName": table,
                "Key": {"gate": {"S": f"count#{counter.name}"}},
                "UpdateExpression": "ADD #n :one SET expires_at = :expires_at",
                "ConditionExpression": "attribute_not_exists(#n) OR #n < :limit",
                "ExpressionAttributeNames": {"#n": "n"},
                "ExpressionAttributeValues": {
                    ":one": to_attribute(1),
                    ":limit": to_attribute(counter.limit),
                    ":expires_at": to_attribute(int(counter.expires_at.timestamp())),
                },
            }
        }
        for counter in counters
    ]


def slot_update(table: str, slot: Slot) -> Operation:
    """Return the update that takes the slot, on the condition that it has rested.

    `used_at` is when its call has left at the latest: what takes longer to leave does not leave.
    """
    return {
        "Update": {
            "TableName": table,
            "Key": {"gate": {"S": slot.key}},
            "UpdateExpression": "SET used_at = :used_at, expires_at = :expires_at",
            "ConditionExpression": "attribute_not_exists(used_at) OR used_at <= :rested",
            "ExpressionAttributeValues": {
                ":used_at": to_attribute(epoch_ms(slot.pace.good_until)),
                ":rested": to_attribute(epoch_ms(slot.pace.at) - _rest_ms()),
                ":expires_at": to_attribute(int((slot.pace.at + SLOT_KEPT).timestamp())),
            },
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
    }


def gate_operations(table: str, gate: Gate, slot: Slot | None) -> list[Operation]:
    """Return the gate's operations: switches, hold, counters, meters, price, slot, a change of a hold."""
    return [
        *switch_checks(table, gate.switches, is_exit=gate.is_exit),
        *([] if gate.hold is None else [hold_check(table, gate.hold)]),
        *counter_updates(table, gate.counters),
        *(meter_update(table, meter) for meter in gate.meters),
        *([] if gate.price is None else [price_check(table, gate.price)]),
        *([] if slot is None else [slot_update(table, slot)]),
        *([] if gate.hold_change is None else [hold_update(table, gate.hold_change)]),
    ]
