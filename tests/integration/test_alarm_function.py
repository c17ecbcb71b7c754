"""The alarm function as it ships, over its own environment: an alarm that is set so stops everything."""

import json
import runpy
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from order_router import wiring
from order_router.aws.environment import Environment
from order_router.domain.kill_switch import EVERYTHING
from tests.fakes.clock import FakeClock
from tests.fakes.dynamodb import FakeDynamoDB, template_tables
from tests.fakes.queues import MemoryNotifier, MemoryReconcileQueue

REPOSITORY = Path(__file__).resolve().parents[2]
EVENT = REPOSITORY / "tests" / "events" / "sns-alarm.json"


def world(kills: str, notifier: MemoryNotifier) -> wiring.World:
    variables = {"SETTINGS_TABLE": "SettingsTable", "GATE_TABLE": "GateTable", "ALARMS_THAT_KILL": kills}
    made = wiring.World(Environment(variables), clock=FakeClock(), notifier=notifier)
    made.__dict__["dynamodb"] = FakeDynamoDB(template_tables())
    made.__dict__["reconcile_queue"] = MemoryReconcileQueue()
    return made


@pytest.mark.parametrize(("kills", "is_on"), [("", False), ("order-dead-letters,zerodha-errors", True)])
def test_an_alarm_stops_everything_where_the_stack_is_set_so(kills: str, is_on: bool) -> None:
    notifier = MemoryNotifier()
    made = world(kills, notifier)
    with patch.object(wiring, "world", lambda: made):
        scope: dict[str, Any] = runpy.run_path(str(REPOSITORY / "functions" / "alarm" / "app.py"))

    answer = scope["handler"](json.loads(EVENT.read_text()), None)

    state = made.kill_desk.switches.get(EVERYTHING)
    assert answer == {"alarms": ["router-zerodha-errors"]}
    assert state.is_on is is_on
    assert [notice.kind for notice in notifier.notices] == (["kill_on"] if is_on else []) + ["alarm"]
    if is_on:
        assert state.by == "alarm router-zerodha-errors"
