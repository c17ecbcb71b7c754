"""The memory of alerts in this process keeps the contract that the table keeps."""

import pytest

from order_router.ports import SeenAlerts
from tests.contract.seen_alerts_contract import SeenAlertsContract
from tests.fakes.queues import MemorySeenAlerts


class TestMemorySeenAlerts(SeenAlertsContract):
    @pytest.fixture
    def seen(self) -> SeenAlerts:
        return MemorySeenAlerts()
