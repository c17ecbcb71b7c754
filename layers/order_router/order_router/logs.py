"""One structured line a decision, and notices to the trader among them."""

import json
import logging
import sys
from collections.abc import Mapping
from datetime import datetime
from typing import TextIO

from aws_lambda_powertools import Logger

from order_router.ports import Clock, Notice

ROOT = "order_router"
notices = logging.getLogger(f"{ROOT}.notices")


def set_up() -> None:
    """Write every logger of this package as JSON lines to standard output (level: POWERTOOLS_LOG_LEVEL)."""
    Logger(service=ROOT, utc=True)


class LogNotifier:
    """Tells the trader through the log, where an alarm can see it."""

    def tell(self, notice: Notice) -> None:
        """Write the notice as a warning."""
        notices.warning(
            "notice",
            extra={
                "kind": notice.kind,
                "account": notice.account,
                "words": notice.message,
                "client_order_id": notice.client_order_id,
            },
        )


UNITS = {"broker_latency_ms": "Milliseconds"}
NAMESPACE = "OrderRouter"


class LogMetrics:
    """Implements `ports.Metrics`: one line of CloudWatch's embedded metric format, which it reads from the log.

    Written by hand, at every log level: Powertools' Metrics takes four times as long (decisions/014).
    Source: docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html,
    read 2026-11-21.
    """

    def __init__(self, stack: str, clock: Clock, out: TextIO | None = None) -> None:
        self._stack = stack
        self._clock = clock
        self._out = out

    def put(self, values: Mapping[str, int], about: Mapping[str, str] | None = None) -> None:
        """Write them, for the stack as a whole and for what they are about."""
        about = about or {}
        told = {
            "Timestamp": _milliseconds(self._clock.now()),
            "CloudWatchMetrics": [
                {
                    "Namespace": NAMESPACE,
                    "Dimensions": [["stack"], *([["stack", *about]] if about else [])],
                    "Metrics": [{"Name": name, "Unit": UNITS.get(name, "Count")} for name in values],
                }
            ],
        }
        line = {"_aws": told, "stack": self._stack, **about, **values}
        # one write: a line that is torn is no metric, and no log line either
        (sys.stdout if self._out is None else self._out).write(json.dumps(line, separators=(",", ":")) + "\n")


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
