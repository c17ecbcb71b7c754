"""Both forms of an alarm read alike, and what is none is refused."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from order_router.api.alarm import AlarmUnreadable, read_alarms
from order_router.domain.alarm import Act, Alarm, AlarmState

EVENTS = Path(__file__).resolve().parents[2] / "events"
EXPECTED = Alarm(
    name="router-zerodha-errors",
    state=AlarmState.ALARM,
    before=AlarmState.OK,
    act=Act.BREAKER,
    words="Orders come to nothing.",
    reason="Threshold Crossed",
    broker="zerodha",
    changed_at="2026-11-23T04:30:15.490+0000",
)


def event(name: str) -> Any:
    return json.loads((EVENTS / f"{name}.json").read_text())


@pytest.mark.parametrize("name", ["cloudwatch-alarm", "sns-alarm"])
def test_an_alarm_is_read_as_it_comes(name: str) -> None:
    assert read_alarms(event(name)) == (EXPECTED,)


def test_an_alarm_over_a_formula_is_read_by_its_parts() -> None:
    told = event("sns-alarm")
    message = json.loads(told["Records"][0]["Sns"]["Message"])
    dimensions = message["Trigger"].pop("Dimensions")
    metric = {"MetricStat": {"Metric": {"Dimensions": dimensions}}, "ReturnData": False}
    message["Trigger"]["Metrics"] = [{"Expression": "m1 / 2", "Id": "e1"}, metric]
    told["Records"][0]["Sns"]["Message"] = json.dumps(message)

    assert read_alarms(told) == (EXPECTED,)


def test_an_alarm_without_description_or_metric_is_told() -> None:
    told = event("cloudwatch-alarm")
    del told["alarmData"]["configuration"]

    (alarm,) = read_alarms(told)

    assert (alarm.act, alarm.words, alarm.broker) == (Act.TELL, "", None)


def the_time(told: Any, form: str, time: object) -> Any:
    """Return the event with another time of the change; `...` leaves it out."""
    message = json.loads(told["Records"][0]["Sns"]["Message"]) if form == "sns-alarm" else {}
    place, key = (message, "StateChangeTime") if message else (told["alarmData"]["state"], "timestamp")
    del place[key]
    if time is not ...:
        place[key] = time
    if message:
        told["Records"][0]["Sns"]["Message"] = json.dumps(message)
    return told


@pytest.mark.parametrize("form", ["cloudwatch-alarm", "sns-alarm"])
@pytest.mark.parametrize(
    ("time", "changed_at"),
    [(..., None), (None, None), ("", None), ("soon", "soon"), (1763872215, "1763872215"), ([1], "[1]")],
)
def test_an_alarm_with_an_odd_time_is_an_alarm(form: str, time: object, changed_at: str | None) -> None:
    (alarm,) = read_alarms(the_time(event(form), form, time))

    assert (alarm.state, alarm.changed_at) == (AlarmState.ALARM, changed_at)


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"Records": [{"Sns": {"Message": "no JSON"}}]},
        {"Records": [{"Sns": {"Message": "[]"}}]},
        {"Records": [{"Sns": {}}]},
        {"alarmData": {"alarmName": "a"}},
        {"alarmData": {"alarmName": "a", "state": {"value": "RED"}, "previousState": {"value": "OK"}}},
        {"alarmData": None},
    ],
)
def test_what_is_no_alarm_is_refused(told: dict[str, Any]) -> None:
    with pytest.raises(AlarmUnreadable):
        read_alarms(told)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(JSON)
def test_whatever_a_topic_carries_is_an_alarm_or_refused(message: object) -> None:
    told = {"Records": [{"Sns": {"Message": json.dumps(message)}}]}

    with pytest.raises(AlarmUnreadable):
        read_alarms(told)
