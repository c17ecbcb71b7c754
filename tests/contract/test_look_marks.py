"""Marks of next looks in memory keep the contract."""

import pytest

from tests.contract.look_marks_contract import LookMarksContract
from tests.fakes.look_marks import MemoryLookMarks


class TestMemoryLookMarks(LookMarksContract):
    @pytest.fixture
    def marks(self) -> MemoryLookMarks:
        return MemoryLookMarks()
