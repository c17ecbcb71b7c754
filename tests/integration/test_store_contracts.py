"""The tables keep the contracts that the stores in memory keep."""

from collections.abc import Iterator

import pytest

from order_router.aws.book_turns import BookTurnsTable
from order_router.aws.look_marks import LookMarksTable
from order_router.aws.meters import MetersTable, PricesTable
from order_router.aws.orders_table import OrdersTable
from order_router.aws.seen_alerts import SeenAlertsTable
from order_router.ports import LookMarks, SeenAlerts
from order_router.service.book_turns import BookTurns
from tests.contract.book_turns_contract import BookTurnsContract
from tests.contract.limits_contract import Limits, LimitsContract
from tests.contract.look_marks_contract import LookMarksContract
from tests.contract.order_store_contract import OrderStoreContract, World
from tests.contract.seen_alerts_contract import SeenAlertsContract
from tests.fakes.aws import aws_client, aws_in_memory, empty_tables, make_table
from tests.fakes.clock import FakeClock
from tests.fakes.gate_switches import Switches


class TestOrdersTable(OrderStoreContract):
    @pytest.fixture
    def world(self) -> Iterator[World]:
        with aws_in_memory():
            clock, client = FakeClock(), aws_client("dynamodb")
            orders, gates = make_table(client, "OrdersTable"), make_table(client, "GateTable")
            switches = Switches(client, gates, clock)
            yield World(
                clock,
                lambda: OrdersTable(client, clock, orders=orders, gates=gates),
                lambda name, engaged: switches.set(name, engaged=engaged),
                lambda name: switches.set(name, engaged=True, lets_exits=True),
                lambda: empty_tables(client, orders, gates),
            )


class TestMetersTable(LimitsContract):
    @pytest.fixture
    def limits(self) -> Iterator[Limits]:
        with aws_in_memory():
            clock, client = FakeClock(), aws_client("dynamodb")
            orders, gates = make_table(client, "OrdersTable"), make_table(client, "GateTable")
            yield Limits(
                lambda: OrdersTable(client, clock, orders=orders, gates=gates),
                MetersTable(client, gates),
                PricesTable(client, gates),
                lambda: empty_tables(client, orders, gates),
            )


class TestLookMarksTable(LookMarksContract):
    @pytest.fixture
    def marks(self) -> Iterator[LookMarks]:
        with aws_in_memory():
            client = aws_client("dynamodb")
            yield LookMarksTable(client, make_table(client, "GateTable"))


class TestBookTurnsTable(BookTurnsContract):
    @pytest.fixture
    def turns(self) -> Iterator[BookTurns]:
        with aws_in_memory():
            client = aws_client("dynamodb")
            yield BookTurnsTable(client, make_table(client, "GateTable"))


class TestSeenAlertsTable(SeenAlertsContract):
    @pytest.fixture
    def seen(self) -> Iterator[SeenAlerts]:
        with aws_in_memory():
            client = aws_client("dynamodb")
            yield SeenAlertsTable(client, make_table(client, "GateTable"))
