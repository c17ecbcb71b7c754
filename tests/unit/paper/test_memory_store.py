"""The store in memory keeps the same contract as the table."""

import pytest

from tests.fakes.paper_store import MemoryPaperStore
from tests.fakes.paper_store_contract import PaperStoreContract


class TestMemoryPaperStore(PaperStoreContract):
    @pytest.fixture
    def store(self) -> MemoryPaperStore:
        return MemoryPaperStore()
