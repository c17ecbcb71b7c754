"""Follows the functions' logs, as they arrive in the emulator's CloudWatch."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from infra.local.stack import Stack

PAUSE_S = 1
# Lambda's own lines around each invocation.
PLATFORM = ("START RequestId", "END RequestId", "REPORT RequestId", "INIT_START")
# A line can arrive later than its own time says.
LOOK_BACK = timedelta(seconds=60)


@dataclass(frozen=True)
class Line:
    """One line of one function's log."""

    function: str
    stream: str
    at: datetime
    text: str


def follow(stack: Stack, *, since: datetime) -> None:
    """Print new lines until interrupted."""
    seen: set[Line] = set()
    while True:
        window = max(since, datetime.now(tz=UTC) - LOOK_BACK)
        for line in read_new_lines(stack, seen, since=window):
            print(f"{line.at:%H:%M:%S} {line.function:<11} {line.text}", flush=True)
        # what is older is not asked for again
        seen = {line for line in seen if line.at >= window}
        time.sleep(PAUSE_S)


def read_new_lines(stack: Stack, seen: set["Line"], *, since: datetime) -> list["Line"]:
    """Give the lines that were not given before, oldest first, and note them as seen."""
    logs = stack.client("logs")
    groups = logs.describe_log_groups(logGroupNamePrefix=f"/{stack.name}/")["logGroups"]
    names = [group["logGroupName"] for group in groups]
    lines = {_line(name, event) for name in names for event in _events(logs, name, since)}
    new = {line for line in lines if line.text and not line.text.startswith(PLATFORM)} - seen
    seen |= new
    return sorted(new, key=lambda line: line.at)


def _events(logs: Any, group: str, since: datetime) -> Iterator[dict[str, Any]]:  # noqa: ANN401  # a boto3 client
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=group,
        startTime=int(since.timestamp() * 1000),
    )
    for page in pages:
        yield from page["events"]


def _line(group: str, event: dict[str, Any]) -> Line:
    return Line(
        function=group.rsplit("/", 1)[-1],
        stream=event["logStreamName"],
        at=datetime.fromtimestamp(event["timestamp"] / 1000, tz=UTC),
        text=event["message"].strip(),
    )
