"""The ledger of a run over tables in memory: what it calls clean, and when it may be closed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

from infra.operate import Target
from order_router.aws.orders_table import OrdersTable
from order_router.domain.errors import Reason
from order_router.domain.history import Event
from order_router.domain.lifecycle import EventKind
from order_router.domain.order import Order, apply
from order_router.service.reconcile import reconcile_account
from tests.fakes.dynamodb import FakeDynamoDB, template_tables
from tests.fakes.transport import Fault
from tests.fakes.world import World
from tests.system.process_faults import left_open, settle
from tests.system.process_faults_ledger import Ledger, Sources
from tests.system.process_faults_traffic import Intent

OUTPUTS = {"OrdersTableName": "OrdersTable", "GateTableName": "GateTable"}
LATE_S = 20


@dataclass
class LateBroker:
    """Zerodha, which takes in `row` a while after the run began."""

    world: World
    row: dict[str, Any] | None = None
    no: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._began = self.world.clock.now()

    @property
    def _has_come(self) -> bool:
        return (self.world.clock.now() - self._began).total_seconds() >= LATE_S

    def rows(self) -> list[dict[str, Any]]:
        return [self.row] if self.row is not None and self._has_come else []

    def refused(self) -> frozenset[str]:
        return frozenset(self.no)

    def calm(self) -> None:
        """It makes no other trouble."""

    def waiting(self) -> int:
        return int(self.row is not None and not self._has_come)


@dataclass
class Office:
    """A world whose account `paper` stands for one at Zerodha, and the ledger of what its orders table holds."""

    world: World = field(default_factory=World)
    told: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self.database = FakeDynamoDB(template_tables())
        self.intents: dict[str, Intent] = {}
        self.broker = LateBroker(self.world)

    def ledger(self) -> Ledger:
        """Return the ledger of the records as they stand."""
        target = cast("Target", SimpleNamespace(dynamodb=self.database, outputs=OUTPUTS))
        sources = Sources(
            target=target,
            accounts={"paper": "zerodha"},
            kite_rows=self.broker.rows,
            intents=self.intents,
            told=lambda: self.told,
            refused=self.broker.refused,
        )
        return Ledger(sources, self.world.clock)

    def expect(self, client_order_id: str) -> None:
        """Note an order that was asked for and accepted."""
        self.intents[client_order_id] = Intent(client_order_id, "paper", "zerodha", "alert", is_accepted=True)

    def lose(self, end: Callable[[World, Order], Order]) -> Order:
        """Place an order whose request is lost, let it end so, and store every version of it."""
        self.world.transport.writes = [Fault.REQUEST_LOST]
        lost = self.world.place(limit_price="1400").order
        self.expect(lost.client_order_id)
        order = end(self.world, lost)
        table = OrdersTable(self.database, self.world.clock, orders="OrdersTable", gates="GateTable")
        table.write(order, replacing=None)
        return order


def wrongly_rejected(world: World, order: Order) -> Order:
    """Take silence for a no."""
    reason = Reason("ORDER_REJECTED", "nobody said so")
    return apply(order, Event(kind=EventKind.REJECTED, at=world.clock.now(), reason=reason))


def looked_for(world: World, order: Order) -> Order:
    """Leave it unknown, as the reconciler does, which stores that a person is told."""
    world.clock.advance(40)
    reconcile_account(world.desk, "paper")
    found = world.store.get(order.client_order_id)
    assert found is not None
    return found


def kite_row(order: Order) -> dict[str, Any]:
    return {
        "order_id": "199",
        "tag": order.client_order_id,
        "status": "COMPLETE",
        "quantity": 5,
        "filled_quantity": 5,
        "price": "1400",
    }


@pytest.fixture
def office() -> Office:
    return Office()


def test_a_lost_order_that_was_called_rejected_and_is_accepted_late_is_found(office: Office) -> None:
    order = office.lose(wrongly_rejected)
    office.broker.row = kite_row(order)
    ledger = office.ledger()

    settle(ledger, office.broker)

    (fault,) = left_open(ledger, office.broker).values()
    assert fault.startswith("LOST")


def test_a_ledger_is_closed_as_soon_as_nothing_waits_and_all_is_accounted_for(office: Office) -> None:
    order = office.lose(looked_for)
    office.told = frozenset({order.client_order_id})
    ledger = office.ledger()

    settle(ledger, office.broker)

    assert left_open(ledger, office.broker) == {}
    assert office.world.clock.slept == []


def test_a_lost_order_that_was_called_rejected_is_open_unless_the_broker_said_so(office: Office) -> None:
    order = office.lose(wrongly_rejected)
    ledger = office.ledger()

    words = "LOST: rejected, and the broker said no such thing"
    assert left_open(ledger, office.broker) == {order.client_order_id: words}
    office.broker.no.add(order.client_order_id)
    assert left_open(ledger, office.broker) == {}


def test_a_broker_that_never_takes_in_what_waits_is_told_of(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(office.broker, "waiting", lambda: 2)
    ledger = office.ledger()

    settle(ledger, office.broker)

    assert left_open(ledger, office.broker) == {"broker": "2 order writes are still to be taken in"}


def test_an_unknown_order_is_open_until_a_channel_was_told_whatever_its_record_says(office: Office) -> None:
    order = office.lose(looked_for)
    ledger = office.ledger()

    assert order.has(EventKind.PERSON_TOLD)
    assert left_open(ledger, office.broker) == {order.client_order_id: "unknown, and nobody was told"}
    office.told = frozenset({order.client_order_id})
    assert left_open(ledger, office.broker) == {}
    assert ledger.told_unknown() == [order]


def test_an_account_of_an_accepted_alert_that_has_no_record_is_open(office: Office) -> None:
    order = office.lose(looked_for)
    office.told = frozenset({order.client_order_id})
    office.expect("SECONDACCOUNTNOTSENT")

    faults = left_open(office.ledger(), office.broker)

    assert faults == {"SECONDACCOUNTNOTSENT": "LOST: accepted, and we have no record"}
