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
from order_router.domain.notices import NoticeNotQueued
from order_router.service.kill_switch import Release, release
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


def alarm_function(made: wiring.World) -> Any:
    """The handler of the function over this world."""
    with patch.object(wiring, "world", lambda: made):
        return runpy.run_path(str(REPOSITORY / "functions" / "alarm" / "app.py"))["handler"]


@pytest.mark.parametrize(("kills", "is_on"), [("", False), ("order-dead-letters,zerodha-errors", True)])
def test_an_alarm_stops_everything_where_the_stack_is_set_so(kills: str, is_on: bool) -> None:
    notifier = MemoryNotifier()
    made = world(kills, notifier)
    handler = alarm_function(made)

    answer = handler(json.loads(EVENT.read_text()), None)

    state = made.kill_desk.switches.get(EVERYTHING)
    assert answer == {"alarms": ["router-zerodha-errors"]}
    assert state.is_on is is_on
    assert [notice.kind for notice in notifier.notices] == (["kill_on"] if is_on else []) + ["alarm"]
    if is_on:
        assert state.by == "alarm router-zerodha-errors"


@pytest.mark.parametrize("untold", [1, 2])
def test_an_alarm_that_comes_again_because_it_was_not_told_stops_nothing_that_was_let_go(untold: int) -> None:
    notifier = MemoryNotifier(fails=untold)
    made = world("zerodha-errors", notifier)
    handler = alarm_function(made)
    event = json.loads(EVENT.read_text())
    with pytest.raises(NoticeNotQueued):
        handler(event, None)
    command = Release(switch=EVERYTHING, by="k-admin", reason="seen to", asked_at=FakeClock().now())
    release(made.kill_desk, command)

    handler(event, None)

    state = made.kill_desk.switches.get(EVERYTHING)
    assert (state.is_on, state.version) == (False, 2)
    assert notifier.notices[-1].kind == "alarm"


def test_a_stop_whose_notice_could_not_be_queued_is_told_when_its_alarm_comes_again() -> None:
    notifier = MemoryNotifier(fails=1)
    made = world("zerodha-errors", notifier)
    handler = alarm_function(made)
    event = json.loads(EVENT.read_text())
    with pytest.raises(NoticeNotQueued):
        handler(event, None)

    handler(event, None)

    assert made.kill_desk.switches.get(EVERYTHING).version == 1
    assert [notice.kind for notice in notifier.notices] == ["alarm", "kill_on", "alarm"]
