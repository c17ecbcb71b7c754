"""Turns at order books in memory keep the contract."""

import pytest

from tests.contract.book_turns_contract import BookTurnsContract
from tests.fakes.book_turns import MemoryBookTurns


class TestMemoryBookTurns(BookTurnsContract):
    @pytest.fixture
    def turns(self) -> MemoryBookTurns:
        return MemoryBookTurns()
