"""Follows the functions' logs, as they arrive in the emulator's CloudWatch."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from infra.local.stack import Stack

PAUSE_S = 0.5


@dataclass(frozen=True)
class Line:
    """One line of one function's log."""

    function: str
    at: datetime
    text: str


def follow(stack: Stack, *, since: datetime) -> None:
    """Print new lines until interrupted."""
    seen: set[str] = set()
    start = since
    while True:
        for line in read_new_lines(stack, seen, since=start):
            print(f"{line.at:%H:%M:%S} {line.function:<11} {line.text}", flush=True)
        time.sleep(PAUSE_S)


def read_new_lines(stack: Stack, seen: set[str], *, since: datetime) -> Iterator[Line]:
    """Give the lines that were not given before, oldest first."""
    logs = stack.client("logs")
    found: list[Line] = []
    for group in logs.describe_log_groups(logGroupNamePrefix=f"/{stack.name}/")["logGroups"]:
        name = group["logGroupName"]
        for event in _events(logs, name, since):
            if event["eventId"] not in seen:
                seen.add(event["eventId"])
                found.append(_line(name, event))
    yield from sorted((line for line in found if line.text), key=lambda line: line.at)


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
        at=datetime.fromtimestamp(event["timestamp"] / 1000, tz=UTC),
        text=event["message"].strip(),
    )
