"""The breakers in memory keep the contract that the table keeps."""

import pytest

from tests.contract.breakers_contract import BreakersContract, BreakerWorld
from tests.fakes.breakers import MemoryBreakers
from tests.fakes.clock import FakeClock
from tests.fakes.order_store import MemoryOrderStore


class TestMemoryBreakers(BreakersContract):
    @pytest.fixture
    def world(self) -> BreakerWorld:
        orders = MemoryOrderStore(FakeClock())

        def set_switch(name: str, engaged: bool) -> None:
            orders.set_switch(name, engaged=engaged)

        return BreakerWorld(MemoryBreakers(orders.tables), orders, set_switch)
