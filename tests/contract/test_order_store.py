"""The order store in memory keeps the contract that the table keeps."""

import pytest

from tests.contract.order_store_contract import OrderStoreContract, World
from tests.fakes.clock import FakeClock
from tests.fakes.order_store import MemoryOrderStore, Tables


class TestMemoryOrderStore(OrderStoreContract):
    @pytest.fixture
    def world(self) -> World:
        clock, tables = FakeClock(), Tables()
        operator = MemoryOrderStore(clock, tables)
        return World(
            clock,
            lambda: MemoryOrderStore(clock, tables),
            lambda name, engaged: operator.set_switch(name, engaged=engaged),
            lambda name: operator.set_switch(name, engaged=True, lets_exits=True),
        )
