"""One structured line a decision, and notices to the trader among them."""

import json
import logging
import sys
from collections.abc import Mapping
from datetime import datetime
from typing import TextIO

from aws_lambda_powertools import Logger

from order_router.ports import Clock, Metrics, Notice

ROOT = "order_router"
notices = logging.getLogger(f"{ROOT}.notices")


def set_up(metrics: Metrics) -> None:
    """Write every logger of this package as JSON lines to standard output, and count those of errors.

    (Level: POWERTOOLS_LOG_LEVEL.) A worker sets up once; where it is done again, the last measure counts.
    """
    Logger(service=ROOT, utc=True)
    package = logging.getLogger(ROOT)
    for earlier in [one for one in package.handlers if isinstance(one, ErrorCount)]:
        package.removeHandler(earlier)
    package.addHandler(ErrorCount(metrics))


class ErrorCount(logging.Handler):
    """Counts the lines that tell of an error: what nobody expected, though a caller was answered or a message kept.

    Lambda's own count has none of them: of its function's errors it knows those that the function throws, and a batch
    of which records come back is no failure to it.
    Source: docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html, invocation metrics, read 2026-11-21.
    """

    def __init__(self, metrics: Metrics) -> None:
        super().__init__(logging.ERROR)
        self._metrics = metrics

    def emit(self, record: logging.LogRecord) -> None:
        """Count the line, whatever it says."""
        _ = record
        self._metrics.put({"unexpected_errors": 1})


class LogNotifier:
    """Tells the trader through the log, where an alarm can see it."""

    def tell(self, notice: Notice) -> bool:
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
        return True


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
