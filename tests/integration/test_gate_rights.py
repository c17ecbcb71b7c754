"""Functions whose role names their keys of the gate's table ask for these and no others."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any

import pytest

from order_router.aws.breakers_table import BreakersTable
from order_router.aws.change_log import ChangeLogTable
from order_router.aws.dead_letters import DeadLettersTable
from order_router.aws.meters import MetersTable
from order_router.aws.orders_table import OrdersTable
from order_router.aws.seen_alerts import SeenAlertsTable
from order_router.aws.settings_table import SettingsTable
from order_router.domain.account import Account
from order_router.domain.breaker import Breaker, opened
from order_router.domain.errors import Reason
from order_router.domain.exchange_time import exchange_day
from order_router.domain.lifecycle import State
from order_router.domain.limits import Limits
from order_router.domain.meter import OPEN, Counted
from order_router.ports import Letter, ResumeOrder
from order_router.service.dead_letters import bury_order, bury_unreadable
from order_router.service.desk import RecordDesk
from tests.architecture.template import logical_ids, statements
from tests.fakes.client_errors import client_error
from tests.fakes.clock import MONDAY_MORNING, FakeClock
from tests.fakes.dynamodb import FakeDynamoDB, template_tables
from tests.fakes.orders import an_order
from tests.fakes.queues import MemoryNotifier
from tests.fakes.world import World

GATE = "GateTable"
SINGLE = {
    "get_item": "dynamodb:GetItem",
    "put_item": "dynamodb:PutItem",
    "update_item": "dynamodb:UpdateItem",
}
IN_TRANSACTIONS = {
    "Put": "dynamodb:PutItem",
    "Update": "dynamodb:UpdateItem",
    "ConditionCheck": "dynamodb:ConditionCheckItem",
}
LETTER = Letter("m-1", "{}")


class HeldToRole:
    """A client that refuses, as AWS does, what the template's role does not let it do in the gate's table."""

    def __init__(self, inner: FakeDynamoDB, role: str) -> None:
        self._inner = inner
        self._rows = [row for row in statements(role) if GATE in logical_ids(row["Resource"])]
        self.asked: set[str] = set()

    def __getattr__(self, operation: str) -> Any:
        call = getattr(self._inner, operation)

        def held(**request: Any) -> Any:
            for action, key in _in_gate(operation, request):
                self._require(action, key)
            return call(**request)

        return held

    def _require(self, action: str, key: str) -> None:
        self.asked.add(key.partition("#")[0])
        if not any(action in row["Action"] and _fits(row, key) for row in self._rows):
            raise client_error("Call", "AccessDeniedException", f"{action} on {key}")


def _in_gate(operation: str, request: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    asked = [(SINGLE.get(operation), request)]
    if operation == "transact_write_items":
        asked = [
            (IN_TRANSACTIONS[kind], one) for item in request["TransactItems"] for kind, one in item.items()
        ]
    for action, one in asked:
        if action is not None and one["TableName"] == GATE:
            yield action, (one.get("Key") or one["Item"])["gate"]["S"]


def _fits(row: Mapping[str, Any], key: str) -> bool:
    patterns = row["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
    return any(fnmatchcase(key, pattern) for pattern in patterns)


@pytest.fixture
def tables() -> FakeDynamoDB:
    return FakeDynamoDB(template_tables())


def desk_over(client: Any) -> RecordDesk:
    world = World()
    store = OrdersTable(client, FakeClock(), orders="OrdersTable", gates=GATE)
    return RecordDesk(store=store, settings=world.settings, clock=world.clock, notifier=MemoryNotifier())


def test_the_webhook_remembers_alerts_by_its_role(tables: FakeDynamoDB) -> None:
    client = HeldToRole(tables, "WebhookRole")
    seen = SeenAlertsTable(client, GATE)

    first = [seen.first_seen("digest", MONDAY_MORNING, window_s=60) for _ in range(2)]

    assert first == [MONDAY_MORNING] * 2
    assert client.asked == {"seen"}


@pytest.mark.parametrize("is_counted", [True, False])
def test_a_message_that_was_given_up_is_buried_by_its_role(tables: FakeDynamoDB, *, is_counted: bool) -> None:
    client = HeldToRole(tables, "DeadLettersRole")
    desk, letters = desk_over(client), DeadLettersTable(client, GATE)
    order = replace(an_order(strategy="demo"), counted_price=Decimal("1500.05") if is_counted else None)
    desk_over(tables).store.write(order, replacing=None)

    bury_unreadable(desk, letters, LETTER)
    bury_order(desk, letters, LETTER, World().command("k-2", strategy="demo"))
    bury_order(desk, letters, LETTER, ResumeOrder(order.client_order_id))

    ended = desk.store.get(order.client_order_id)
    assert ended is not None
    assert ended.state is State.STALE
    assert client.asked == ({"dead", "meter"} if is_counted else {"dead"})
    found = MetersTable(tables, GATE).read(f"meter#account#paper#{order.day}")
    assert found.get(OPEN) == (-1 if is_counted else None)


def test_what_the_role_does_not_name_is_refused(tables: FakeDynamoDB) -> None:
    client = HeldToRole(tables, "WebhookRole")

    with pytest.raises(Exception, match="AccessDenied"):
        MetersTable(client, GATE).rebase("meter#x", {}, seen={}, at=MONDAY_MORNING + timedelta(1))


def test_limits_are_set_and_kept_by_their_role(tables: FakeDynamoDB) -> None:
    client = HeldToRole(tables, "LimitsRole")
    clock = FakeClock()
    settings = SettingsTable(client, "SettingsTable", clock, ChangeLogTable(client, GATE, clock))
    settings.put_account(Account(name="paper", broker="paper"))
    stored = settings.stored(Counted("account", "paper"))
    assert stored is not None
    wanted = stored.setting.model_copy(update={"limits": Limits(max_quantity=5)})

    assert settings.replace(stored, wanted, by="k-admin")

    assert client.asked == {"change-count", "change-log"}


def test_a_breaker_is_opened_and_the_audit_reads_of_it_by_their_roles(tables: FakeDynamoDB) -> None:
    clock, closed = FakeClock(), Breaker(broker="paper", account="paper")
    after = opened(closed, MONDAY_MORNING, by="alarm", reason=Reason("ALARM", "it is down"))
    BreakersTable(HeldToRole(tables, "AlarmRole"), GATE, clock).write(after, replacing=closed)

    log = ChangeLogTable(HeldToRole(tables, "OrdersRole"), GATE, clock)

    assert [change.by for change in log.changes_on(exchange_day(MONDAY_MORNING))] == ["alarm"]
