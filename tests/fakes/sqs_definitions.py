"""How queues are set up: by the template, or by CreateQueue.

Source: Amazon SQS API Reference, "SetQueueAttributes".
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

from tests.architecture.template import resources

KNOWN = frozenset(
    {
        "ContentBasedDeduplication",
        "DeduplicationScope",
        "DelaySeconds",
        "FifoQueue",
        "FifoThroughputLimit",
        "MessageRetentionPeriod",
        "RedrivePolicy",
        "SqsManagedSseEnabled",
        "VisibilityTimeout",
    }
)
ARN = "arn:aws:sqs:ap-south-1:123456789012:"


@dataclass(frozen=True, slots=True)
class QueueDefinition:
    """What CreateQueue was told; `dead_letters` is the name of the queue that takes what fails too often."""

    name: str
    is_fifo: bool = False
    visibility: timedelta = timedelta(seconds=30)
    delay: timedelta = timedelta()
    retention: timedelta = timedelta(days=4)
    deduplicates_by_group: bool = False
    deduplicates_by_content: bool = False
    dead_letters: str | None = None
    max_receives: int = 0


@cache
def template_queues() -> Mapping[str, QueueDefinition]:
    """Return the template's queues by logical name; a FIFO queue is called that and `.fifo`."""
    found = resources("AWS::SQS::Queue")
    names = {name: name + (".fifo" if found[name].get("FifoQueue") else "") for name in found}
    return {name: define_queue(names[name], found[name], names) for name in found}


def define_queue(
    name: str, properties: Mapping[str, Any], names: Mapping[str, str] | None = None
) -> QueueDefinition:
    """Return the definition of a queue; `names` are the other queues' by logical name."""
    if not properties.keys() <= KNOWN:
        raise NotImplementedError(f"a queue with {sorted(properties.keys() - KNOWN)}")
    redrive = properties.get("RedrivePolicy") or {}
    redrive = json.loads(redrive) if isinstance(redrive, str) else redrive
    usual = QueueDefinition(name)
    return QueueDefinition(
        name=name,
        is_fifo=is_true(properties.get("FifoQueue")),
        visibility=_span(properties, "VisibilityTimeout", usual.visibility),
        delay=_span(properties, "DelaySeconds", usual.delay),
        retention=_span(properties, "MessageRetentionPeriod", usual.retention),
        deduplicates_by_group=properties.get("DeduplicationScope") == "messageGroup",
        deduplicates_by_content=is_true(properties.get("ContentBasedDeduplication")),
        dead_letters=_dead_letters(redrive.get("deadLetterTargetArn"), names or {}),
        max_receives=int(redrive.get("maxReceiveCount", 0)),
    )


def is_true(value: object) -> bool:
    """Return whether a property is true, written as YAML or as AWS does."""
    return value in {True, "true"}


def _span(properties: Mapping[str, Any], name: str, usual: timedelta) -> timedelta:
    return timedelta(seconds=int(properties[name])) if name in properties else usual


def _dead_letters(target: Any, names: Mapping[str, str]) -> str | None:
    if isinstance(target, Mapping):  # !GetAtt Name.Arn
        return names[target["Fn::GetAtt"].removesuffix(".Arn")]
    return None if target is None else str(target).rpartition(":")[2]


def settings_of(definition: QueueDefinition) -> dict[str, str]:
    """Return what GetQueueAttributes says of a queue's settings."""
    whole = {
        "VisibilityTimeout": definition.visibility,
        "DelaySeconds": definition.delay,
        "MessageRetentionPeriod": definition.retention,
    }
    found = {name: str(int(span.total_seconds())) for name, span in whole.items()}
    found["QueueArn"] = ARN + definition.name
    if definition.is_fifo:
        found["FifoQueue"] = "true"
    if definition.dead_letters is not None:
        target = {"deadLetterTargetArn": ARN + definition.dead_letters}
        found["RedrivePolicy"] = json.dumps({**target, "maxReceiveCount": definition.max_receives})
    return found
