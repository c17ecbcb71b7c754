"""The stores of sessions in memory keep the contract that the tables keep."""

import pytest

from order_router.ports import LoginTickets, SessionRecords, StrayPostbacks
from tests.contract.session_stores_contract import (
    LoginTicketsContract,
    SessionRecordsContract,
    StrayPostbacksContract,
)
from tests.fakes.sessions import MemorySessionRecords, MemoryStrays, MemoryTickets


class TestMemorySessionRecords(SessionRecordsContract):
    @pytest.fixture
    def records(self) -> SessionRecords:
        return MemorySessionRecords()


class TestMemoryTickets(LoginTicketsContract):
    @pytest.fixture
    def tickets(self) -> LoginTickets:
        return MemoryTickets()


class TestMemoryStrays(StrayPostbacksContract):
    @pytest.fixture
    def strays(self) -> StrayPostbacks:
        return MemoryStrays()
