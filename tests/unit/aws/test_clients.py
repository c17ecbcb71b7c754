"""How long AWS may keep us waiting, held against what the order path allows."""

from datetime import timedelta
from typing import Any

import pytest

from order_router.aws.clients import CONFIG as TYPED_CONFIG
from order_router.aws.clients import make_client, make_hasty_client, make_steady_client
from order_router.service.timing import LEASE, PLACE_FUNCTION_TIMEOUT

CONFIG: Any = TYPED_CONFIG  # botocore sets its options at run time
BACKOFF_S = 1 + 2
"""The longest waits between three tries: https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html,
read 2026-11-21."""
GATED_WRITE_TRIES = 2


def test_a_write_that_never_answers_gives_up_before_its_lease_and_its_function_end() -> None:
    tries = CONFIG.retries["total_max_attempts"]
    worst = timedelta(seconds=GATED_WRITE_TRIES * (tries * CONFIG.read_timeout + BACKOFF_S))

    assert worst < PLACE_FUNCTION_TIMEOUT < LEASE


def test_a_client_takes_region_keys_and_endpoint_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-south-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")

    client = make_client("sqs")

    assert client.meta.endpoint_url == "http://127.0.0.1:9"
    assert client.meta.region_name == "ap-south-1"
    assert client.meta.config.read_timeout == CONFIG.read_timeout
    assert client.meta.config.retries["mode"] == "standard"


def test_a_client_for_what_must_not_keep_an_order_asks_once_and_gives_up_soon(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-south-1")

    config = make_hasty_client("sqs").meta.config

    assert config.retries["total_max_attempts"] == 1
    assert config.connect_timeout + config.read_timeout <= 2


def test_a_client_for_work_that_nobody_waits_for_is_patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-south-1")

    config = make_steady_client("dynamodb").meta.config

    assert (config.connect_timeout, config.read_timeout) == (CONFIG.connect_timeout, 10)
    assert config.retries["total_max_attempts"] == 5
    assert config.retries["mode"] == "standard"
