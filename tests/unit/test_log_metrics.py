"""Metrics go to the log in the form that CloudWatch reads, at any log level."""

import io
import json

import pytest

from order_router.logs import LogMetrics
from tests.fakes.clock import MONDAY_MORNING, FakeClock


def written(**about: str) -> str:
    out = io.StringIO()
    LogMetrics("router", FakeClock(), out).put({"broker_latency_ms": 120, "broker_failures": 0}, about)
    return out.getvalue()


def test_a_metric_is_one_line_of_the_embedded_format() -> None:
    text = written(broker="zerodha")

    assert text.endswith("\n")
    assert text.count("\n") == 1
    assert json.loads(text) == {
        "_aws": {
            "Timestamp": int(MONDAY_MORNING.timestamp()) * 1000,
            "CloudWatchMetrics": [
                {
                    "Namespace": "OrderRouter",
                    "Dimensions": [["stack"], ["stack", "broker"]],
                    "Metrics": [
                        {"Name": "broker_latency_ms", "Unit": "Milliseconds"},
                        {"Name": "broker_failures", "Unit": "Count"},
                    ],
                }
            ],
        },
        "stack": "router",
        "broker": "zerodha",
        "broker_latency_ms": 120,
        "broker_failures": 0,
    }


def test_what_is_about_nobody_is_measured_once() -> None:
    (told,) = json.loads(written())["_aws"]["CloudWatchMetrics"]

    assert told["Dimensions"] == [["stack"]]


def test_it_goes_where_the_function_s_log_goes(capsys: pytest.CaptureFixture[str]) -> None:
    LogMetrics("router", FakeClock()).put({"unknown_orders": 1})

    assert json.loads(capsys.readouterr().out)["unknown_orders"] == 1
