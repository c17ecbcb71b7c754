"""The stores of the kill switch in memory keep the contract that the tables keep."""

import pytest

from order_router.service.kill_desk import KillSwitches, KillTickets, KillWorks
from tests.contract.kill_stores_contract import KillSwitchesContract, KillTicketsContract, KillWorksContract
from tests.fakes.clock import FakeClock
from tests.fakes.kill import MemoryKillSwitches, MemoryKillTickets, MemoryKillWorks
from tests.fakes.order_store import MemoryOrderStore


class TestMemoryKillSwitches(KillSwitchesContract):
    @pytest.fixture
    def switches(self) -> KillSwitches:
        return MemoryKillSwitches(MemoryOrderStore(FakeClock()))


class TestMemoryKillWorks(KillWorksContract):
    @pytest.fixture
    def works(self) -> KillWorks:
        return MemoryKillWorks()


class TestMemoryKillTickets(KillTicketsContract):
    @pytest.fixture
    def tickets(self) -> KillTickets:
        return MemoryKillTickets()
