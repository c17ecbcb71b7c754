"""Counting and kept prices in memory keep the contract that the table keeps."""

import pytest

from tests.contract.limits_contract import Limits, LimitsContract
from tests.fakes.clock import FakeClock
from tests.fakes.meters import MemoryMeters, MemoryPrices
from tests.fakes.order_store import MemoryOrderStore, Tables


class TestMemoryLimits(LimitsContract):
    @pytest.fixture
    def limits(self) -> Limits:
        clock, tables = FakeClock(), Tables()
        return Limits(lambda: MemoryOrderStore(clock, tables), MemoryMeters(tables), MemoryPrices(tables))
