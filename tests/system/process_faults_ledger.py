"""Our records beside the brokers' books: judged at every look, added up at the end."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from botocore.exceptions import BotoCoreError

from infra.operate import Target
from order_router.adapter.http import HttpRequest
from order_router.aws.orders_table import OrdersTable
from order_router.domain.exchange_time import exchange_day
from order_router.domain.lifecycle import EventKind, State
from order_router.domain.order import Order
from order_router.ports import Clock, StoreUnavailable
from order_router.service.day_orders import orders_of_day
from order_router.transport.clock import SystemClock
from tests.system.process_faults_traffic import Intent

UNSETTLED = {State.RECEIVED, State.SUBMITTING, State.UNKNOWN}
NEVER_AT_BROKER = {State.REFUSED, State.STALE, State.REJECTED}
"""What an order that no broker holds may have ended as; the last only by a broker's own no, or by its last books."""
ENDED = {"COMPLETE": State.FILLED, "CANCELLED": State.CANCELLED, "REJECTED": State.REJECTED}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One order in a broker's book, in our words."""

    broker_order_id: str
    state: State
    quantity: int
    filled_quantity: int
    limit_price: Decimal


def kite_row(row: Mapping[str, Any]) -> Row:
    """Read a row of Kite's book."""
    return _row(row, str(row["order_id"]), row["price"])


def paper_row(row: Mapping[str, Any]) -> Row:
    """Read a row of the paper exchange's book."""
    return _row(row, str(row["broker_order_id"]), row["limit_price"] or 0)


def _row(row: Mapping[str, Any], broker_order_id: str, limit_price: object) -> Row:
    filled = int(row["filled_quantity"])
    working = State.PARTIALLY_FILLED if filled else State.OPEN
    return Row(
        broker_order_id=broker_order_id,
        state=ENDED.get(str(row["status"]), working),
        quantity=int(row["quantity"]),
        filled_quantity=filled,
        limit_price=Decimal(str(limit_price)),
    )


Rows = dict[str, list[Row]]


@dataclass(frozen=True, kw_only=True)
class Sources:
    """Where the ledger looks: the stack, the Kite book's rows, what was wanted, and what a person was told.

    `refused`: the orders that Kite gave a definite no to.
    """

    target: Target
    accounts: Mapping[str, str]
    kite_rows: Callable[[], list[dict[str, Any]]]
    intents: Mapping[str, Intent]
    told: Callable[[], frozenset[str]]
    refused: Callable[[], frozenset[str]]


@dataclass
class Ledger:
    """What was seen. `violations` holds every broken promise, in words; it must stay empty."""

    sources: Sources
    clock: Clock = field(default_factory=SystemClock)
    violations: list[str] = field(default_factory=list)
    records: dict[str, Order] = field(default_factory=dict)
    rows: Rows = field(default_factory=dict)
    told: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()
    looks: int = 0

    def __post_init__(self) -> None:
        target = self.sources.target
        tables = {"orders": target.outputs["OrdersTableName"], "gates": target.outputs["GateTableName"]}
        self._store = OrdersTable(target.dynamodb, self.clock, **tables)
        self._started_at = self.clock.now()
        self._lock = threading.Lock()

    def try_to_look(self) -> bool:
        """Look, unless the tables do not answer: a busy machine's emulator may take no connection for a minute."""
        try:
            self.look()
        except (BotoCoreError, StoreUnavailable):
            return False
        return True

    def look(self) -> None:
        """Read all records and both books, and judge what must hold at every moment."""
        with self._lock:
            self.told, self.refused = self.sources.told(), self.sources.refused()
            records = {order.client_order_id: order for order in self._read_records()}
            self.rows = self._read_rows()
            self.looks += 1
            for order in records.values():
                self._judge_step(order)
            self.records |= records
            for tag, rows in self.rows.items():
                self._judge_rows(tag, rows)

    def open_accounts(self) -> dict[str, str]:
        """What is wrong still, by order: empty once every intent is accounted for."""
        found = {}
        for order_id, intent in list(self.sources.intents.items()):
            fault = self._fault_of(intent, self.records.get(order_id), self.rows.get(order_id, []))
            if fault:
                found[order_id] = fault
        return found

    def told_unknown(self) -> list[Order]:
        """Orders whose outcome nobody knows, of which a person was told."""
        return [one for one in self.records.values() if self._is_told(one)]

    def times_to_settle(self) -> list[float]:
        """Seconds from each accepted order's arrival to a settled record, ascending."""
        return sorted(_seconds(one) for one in self.records.values() if one.state not in UNSETTLED)

    def states(self) -> Counter[str]:
        """How many records are in each state."""
        return Counter(str(one.state) for one in self.records.values())

    def _judge_step(self, order: Order) -> None:
        before = self.records.get(order.client_order_id)
        if order.client_order_id not in self.sources.intents:
            self._violated(order.client_order_id, "a record that nobody asked for")
        if before is None or order.version <= before.version:
            return  # this reader's index may be a moment behind
        if order.history[: len(before.history)] != before.history:
            self._violated(
                order.client_order_id, f"its history was rewritten: {before.history} {order.history}"
            )
        if before.state.is_final and order.state is not before.state:
            self._violated(order.client_order_id, f"ended as {before.state} and is {order.state} now")
        if order.filled_quantity < before.filled_quantity:
            self._violated(order.client_order_id, "its fill shrank")

    def _judge_rows(self, tag: str, rows: list[Row]) -> None:
        if len(rows) > 1:
            self._violated(tag, f"DUPLICATE: the broker holds {[row.broker_order_id for row in rows]}")
        if tag not in self.sources.intents:
            self._violated(tag, "the broker holds an order that nobody asked for")

    def _violated(self, order_id: str, words: str) -> None:
        text = f"{order_id}: {words}"
        if text not in self.violations:
            self.violations.append(text)

    def _fault_of(self, intent: Intent, record: Order | None, rows: list[Row]) -> str | None:
        if record is None:
            if rows:
                return "LOST: at the broker, and we have no record"
            return None if not intent.is_accepted else "LOST: accepted, and we have no record"
        if record.state is State.UNKNOWN and not rows:
            return None if self._is_told(record) else "unknown, and nobody was told"
        if record.state in UNSETTLED:
            return f"still {record.state}"
        return _difference(record, rows[0]) if rows else self._fault_of_absent(record)

    def _fault_of_absent(self, record: Order) -> str | None:
        if record.state is State.REJECTED and not self._had_a_no(record):
            return "LOST: rejected, and the broker said no such thing"
        return None if record.state in NEVER_AT_BROKER else f"LOST: {record.state}, and not at the broker"

    def _had_a_no(self, order: Order) -> bool:
        return order.client_order_id in self.refused or order.has(EventKind.CLOSED_ABSENT)

    def _is_told(self, order: Order) -> bool:
        return order.state is State.UNKNOWN and order.client_order_id in self.told

    def _read_records(self) -> Iterator[Order]:
        days = {exchange_day(self._started_at), exchange_day(self.clock.now())}
        for account in self.sources.accounts:
            for day in days:
                yield from orders_of_day(self._store, account, day)

    def _read_rows(self) -> Rows:
        found: Rows = {}
        for row in self.sources.kite_rows():
            found.setdefault(str(row["tag"]), []).append(kite_row(row))
        for account, broker in self.sources.accounts.items():
            if broker == "paper":
                for row in self._paper_book(account):
                    found.setdefault(str(row["client_tag"]), []).append(paper_row(row))
        return found

    def _paper_book(self, account: str) -> list[dict[str, Any]]:
        headers = {"authorization": f"paper {account}"}
        request = HttpRequest(method="GET", url="paper://exchange/orders", headers=headers)
        answer = self.sources.target.paper_exchange.handle(request)
        assert answer.status == 200, answer
        return list(json.loads(answer.body)["orders"])


def _difference(record: Order, row: Row) -> str | None:
    ours: list[object] = [record.broker_order_id, record.state, record.filled_quantity]
    theirs: list[object] = [row.broker_order_id, row.state, row.filled_quantity]
    if record.state not in {State.CANCELLED, State.REJECTED, State.EXPIRED}:
        # of an order that ended unfilled only the end is the broker's to tell
        ours += [record.request.quantity, getattr(record.request, "limit_price", None) or Decimal(0)]
        theirs += [row.quantity, row.limit_price]
    if ours == theirs:
        return None
    prefix = "LOST: " if record.state in NEVER_AT_BROKER else ""
    return f"{prefix}ours {ours} is not the broker's {theirs}"


def _seconds(order: Order) -> float:
    settled = next(step for step in order.history if step.state not in UNSETTLED)
    return (settled.event.at - order.received_at).total_seconds()
