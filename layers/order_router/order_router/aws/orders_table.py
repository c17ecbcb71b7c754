"""Orders in DynamoDB: every write is conditional, and with a gate it is one transaction."""

import logging
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import Enum, auto
from functools import cached_property
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from order_router.aws.cursor import read_cursor, write_cursor
from order_router.aws.failures import may_have_happened, named_failures
from order_router.aws.gate import Operation, Slot, SlotMemory, epoch_ms, gate_operations
from order_router.aws.meters import price_unfit, require_room
from order_router.aws.order_record import RecordUnreadable, account_day, order_item, read_order
from order_router.aws.values import Item
from order_router.domain.gate import EntryHeld, Gate, SwitchOn, counter_full
from order_router.domain.order import Order
from order_router.ports import Clock, OrderPage, StoreConflict, StoreUnavailable

logger = logging.getLogger(__name__)
CONFLICT_TRIES = 8
CONFLICT_PAUSE_S = 0.01
PASSING = {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded", "RequestLimitExceeded"}
FAILED = "ConditionalCheckFailed"
DAY_KEY = frozenset({"account_day", "created_key", "client_order_id"})


class _AnswerLost(StoreUnavailable):
    """The write may stand although no answer says so."""


class _Written(Enum):
    """Which try wrote what stands: this one, or one whose answer was lost."""

    NOW = auto()
    BEFORE = auto()


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One try of a write through a gate."""

    order: Order
    replacing: Order | None
    gate: Gate
    slot: Slot | None


class OrdersTable:
    """Implements `ports.OrderStore` over a low-level DynamoDB client, the orders table and the gate table."""

    def __init__(self, client: Any, clock: Clock, *, orders: str, gates: str) -> None:  # noqa: ANN401 - botocore's clients have no type
        self._client = client
        self._clock = clock
        self._orders = orders
        self._gates = gates
        self._slots = SlotMemory()

    @cached_property
    def _worker(self) -> str:
        """What tells this worker's writes from another's: made at the first write, so no snapshot shares it."""
        return secrets.token_hex(8)

    def write(self, order: Order, *, replacing: Order | None, gate: Gate | None = None) -> datetime | None:
        """Store the order and pass the gate, all or nothing; a lost answer is recognised as our own success."""
        try:
            return self._write(order, replacing, gate)
        except _AnswerLost:
            # an intent that may stand with nobody to send it costs a look at the broker: ask once more
            return self._write(order, replacing, gate)

    def _write(self, order: Order, replacing: Order | None, gate: Gate | None) -> datetime | None:
        pace = None if gate is None else gate.pace
        for _ in range(CONFLICT_TRIES + (0 if pace is None else pace.calls_per_second)):
            if gate is None:
                if self._put_alone(order, replacing):
                    return None
                continue
            attempt = _Attempt(order, replacing, gate, self._free_slot(gate))
            written = self._transact(attempt)
            if written is not None:
                return _good_until(attempt, written)
        raise StoreUnavailable("writing an order: too many conflicts")

    def get(self, client_order_id: str) -> Order | None:
        """Return the order as last written."""
        with named_failures("reading an order"):
            answer = self._client.get_item(
                TableName=self._orders, Key={"client_order_id": {"S": client_order_id}}, ConsistentRead=True
            )
        return read_order(answer["Item"]) if "Item" in answer else None

    def list_day(self, account: str, day: date, *, limit: int, cursor: str | None = None) -> OrderPage:
        """Return the account's orders received on this exchange day, newest first."""
        key = account_day(account, day)
        start = {} if cursor is None else {"ExclusiveStartKey": read_cursor(cursor, DAY_KEY, account_day=key)}
        with named_failures("listing orders"):
            answer = self._client.query(
                TableName=self._orders,
                IndexName="by_account_day",
                KeyConditionExpression="account_day = :key",
                ExpressionAttributeValues={":key": {"S": key}},
                ScanIndexForward=False,
                Limit=limit,
                **start,
            )
        last = answer.get("LastEvaluatedKey")
        orders = tuple(_readable(answer["Items"]))
        unreadable = len(answer["Items"]) - len(orders)
        return OrderPage(orders, None if last is None else write_cursor(last), unreadable)

    def cursor_after(self, order: Order) -> str:
        """Return where the list of a stored order's day goes on behind it."""
        item = order_item(order, self._worker)
        return write_cursor({name: item[name] for name in DAY_KEY})

    def list_unsettled(self, account: str) -> tuple[Order, ...]:
        """Return the account's orders that have not ended, oldest first."""
        items: list[Item] = []
        start: dict[str, Any] = {}
        while True:
            with named_failures("listing open orders"):
                answer = self._client.query(
                    TableName=self._orders,
                    IndexName="attention",
                    KeyConditionExpression="attention_account = :key",
                    ExpressionAttributeValues={":key": {"S": account}},
                    **start,
                )
            items += answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return tuple(_readable(items))
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def _free_slot(self, gate: Gate) -> Slot | None:
        if gate.pace is None:
            return None
        # a try after a pause takes its call at the time it is made, or slots would come free too early
        return self._slots.choose(replace(gate.pace, at=max(gate.pace.at, self._clock.now())))

    def _put(self, order: Order, replacing: Order | None) -> Operation:
        return _put(self._orders, order_item(order, self._worker), replacing)

    def _put_alone(self, order: Order, replacing: Order | None) -> bool:
        """Try once; False when another write was in the way for the moment."""
        try:
            self._client.put_item(**self._put(order, replacing))
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == "TransactionConflictException":
                self._pause()
                return False
            if code != "ConditionalCheckFailedException":
                raise StoreUnavailable(f"writing an order: {code}") from None
            response: dict[str, Any] = dict(error.response)
            self._require_own(order, response.get("Item"))
        except BotoCoreError as error:
            raise StoreUnavailable(f"writing an order: {type(error).__name__}") from None
        return True

    def _transact(self, attempt: _Attempt) -> _Written | None:
        """Try once; None when it should be tried again. Raises what the gate or the stored order says."""
        put = {"Put": self._put(attempt.order, attempt.replacing)}
        operations = [put, *gate_operations(self._gates, attempt.gate, attempt.slot)]
        try:
            self._client.transact_write_items(TransactItems=operations)
        except ClientError as error:
            return self._judge_cancellation(attempt, error)
        except BotoCoreError as error:
            raise _AnswerLost(f"writing an order: {type(error).__name__}") from None
        self._note_slot(attempt.slot)
        return _Written.NOW

    def _judge_cancellation(self, attempt: _Attempt, error: ClientError) -> _Written | None:
        code = error.response["Error"]["Code"]
        reasons: list[dict[str, Any]] = dict(error.response).get("CancellationReasons") or []  # type: ignore[assignment]
        if code != "TransactionCanceledException" or not reasons:
            kind = _AnswerLost if may_have_happened(error) else StoreUnavailable
            raise kind(f"writing an order: {code}") from None
        if reasons[0].get("Code") == FAILED:
            self._require_own(attempt.order, reasons[0].get("Item"))
            _require_no_stop_since(attempt.gate, reasons[1:])
            return _Written.BEFORE
        self._judge_gate(attempt, reasons[1:])
        if any(reason.get("Code") in PASSING for reason in reasons):
            self._pause()
        return None

    def _pause(self) -> None:
        self._clock.sleep(CONFLICT_PAUSE_S * (1 + secrets.randbelow(4)))

    def _judge_gate(self, attempt: _Attempt, reasons: Sequence[dict[str, Any]]) -> None:
        gate, rest = attempt.gate, list(reasons)
        on = _switches_on(gate, rest)
        if on:
            raise SwitchOn(on[0])
        del rest[: len(gate.switches)]
        if gate.hold is not None and _has_failed(rest.pop(0)):
            raise EntryHeld
        _require_limits(gate, rest)
        if attempt.slot is not None and _has_failed(rest[0]):
            self._note_slot(attempt.slot, rest[0].get("Item"))
            self._slots.require_free(attempt.slot.pace)
        codes = {str(reason.get("Code")) for reason in reasons} - {"None", FAILED} - PASSING
        if codes:
            raise StoreUnavailable(f"writing an order: {', '.join(sorted(codes))}")

    def _note_slot(self, slot: Slot | None, item: Item | None = None) -> None:
        if slot is not None:
            used_at = epoch_ms(slot.pace.good_until) if item is None else int(item["used_at"]["N"])
            self._slots.note(slot, used_at)

    def _require_own(self, order: Order, item: Item | None) -> None:
        """Raise StoreConflict with what stands there, unless this worker wrote this very order."""
        current = self.get(order.client_order_id) if item is None else read_order(item)
        if item is None or current != order or item.get("write_id") != {"S": self._worker}:
            raise StoreConflict(current)


def _good_until(attempt: _Attempt, written: _Written) -> datetime | None:
    """Return until when the call may leave; one that an earlier try took is at least as old as the gate."""
    pace = attempt.slot.pace if attempt.slot is not None and written is _Written.NOW else attempt.gate.pace
    return None if pace is None else pace.good_until


def _require_limits(gate: Gate, rest: list[dict[str, Any]]) -> None:
    """Raise what a counter, a meter or the kept price says, and take their reasons off the list."""
    for counter in gate.counters:
        if _has_failed(rest.pop(0)):
            raise counter_full(counter)
    for meter in gate.meters:
        judged = rest.pop(0)
        if _has_failed(judged):
            require_room(meter, judged.get("Item"))
    if gate.price is not None:
        judged = rest.pop(0)
        if _has_failed(judged):
            raise price_unfit(judged.get("Item"))


def _has_failed(reason: dict[str, Any]) -> bool:
    return bool(reason.get("Code") == FAILED)


def _switches_on(gate: Gate, reasons: Sequence[dict[str, Any]]) -> list[str]:
    return [name for name, reason in zip(gate.switches, reasons, strict=False) if _has_failed(reason)]


def _require_no_stop_since(gate: Gate, reasons: Sequence[dict[str, Any]]) -> None:
    """Raise StoreUnavailable if a switch came on behind a write whose answer was lost: whoever wrote must not send."""
    on = _switches_on(gate, reasons)
    if on:
        raise StoreUnavailable(f"writing an order: its answer was lost, and switch {on[0]} is on since")


def _put(table: str, item: Item, replacing: Order | None) -> Operation:
    put: Operation = {
        "TableName": table,
        "Item": item,
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    if replacing is None:
        return {**put, "ConditionExpression": "attribute_not_exists(client_order_id)"}
    return {
        **put,
        "ConditionExpression": "version = :version",
        "ExpressionAttributeValues": {":version": {"N": str(replacing.version)}},
    }


def _readable(items: Sequence[Item]) -> Iterator[Order]:
    """Yield the orders that can be read: one that cannot must not hide the others, and the log tells of it."""
    for item in items:
        try:
            yield read_order(item)
        except RecordUnreadable:
            logger.exception("an order's record is not readable")
