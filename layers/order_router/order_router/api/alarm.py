"""What CloudWatch says of an alarm, as it comes: from the alarm itself, or through a topic.

Source of both forms: docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-actions-Lambda.html and
Notify_Users_Alarm_Changes.html, read 2026-11-21.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from order_router.domain.alarm import Alarm, AlarmState, Asked, read_description
from order_router.domain.errors import RouterError

MAX_REASON = 300


class AlarmUnreadable(RouterError):
    """What came is no alarm that we can read."""

    code = "ALARM_UNREADABLE"


class _Change(NamedTuple):
    before: str
    after: str
    reason: str
    at: object


def read_alarms(event: Mapping[str, Any]) -> tuple[Alarm, ...]:
    """Return the changes that an invocation brings; AlarmUnreadable if one is none."""
    try:
        return tuple(_alarms(event))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise AlarmUnreadable(f"an alarm could not be read ({type(error).__name__})") from error


def _alarms(event: Mapping[str, Any]) -> Iterator[Alarm]:
    if "alarmData" in event:
        yield _direct(event["alarmData"])
        return
    for record in event["Records"]:
        yield _told(json.loads(record["Sns"]["Message"]))


def _direct(data: Mapping[str, Any]) -> Alarm:
    told = data.get("configuration") or {}
    metrics = [one.get("metricStat", {}).get("metric", {}) for one in told.get("metrics") or ()]
    dimensions = {name: text for metric in metrics for name, text in (metric.get("dimensions") or {}).items()}
    asked = read_description(told.get("description") or "", dimensions)
    state = data["state"]
    change = _Change(
        data["previousState"]["value"], state["value"], state.get("reason") or "", state.get("timestamp")
    )
    return _alarm(data["alarmName"], asked, change)


def _told(message: Mapping[str, Any]) -> Alarm:
    trigger = message.get("Trigger") or {}
    stats = [one.get("MetricStat", {}).get("Metric", {}) for one in trigger.get("Metrics") or ()]
    pairs = [pair for metric in (trigger, *stats) for pair in metric.get("Dimensions") or ()]
    asked = read_description(message.get("AlarmDescription") or "", _named(pairs))
    reason, at = message.get("NewStateReason") or "", message.get("StateChangeTime")
    change = _Change(message["OldStateValue"], message["NewStateValue"], reason, at)
    return _alarm(message["AlarmName"], asked, change)


def _named(pairs: Iterable[Mapping[str, str]]) -> dict[str, str]:
    lowered = ({key.lower(): text for key, text in pair.items()} for pair in pairs)
    return {pair["name"]: pair["value"] for pair in lowered}


def _alarm(name: str, asked: Asked, change: _Change) -> Alarm:
    return Alarm(
        name=str(name),
        state=AlarmState(change.after),
        before=AlarmState(change.before),
        act=asked.act,
        words=asked.words,
        reason=change.reason[:MAX_REASON],
        broker=asked.broker,
        account=asked.account,
        # never parsed: an alarm must not be lost for a time that reads oddly
        changed_at=str(change.at) if change.at else None,
    )
