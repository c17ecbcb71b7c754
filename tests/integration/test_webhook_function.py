"""The webhook function as it ships: an alert that it cannot take for the moment does not get lost unseen."""

import json
import logging
import runpy
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest

from order_router import wiring
from order_router.aws.settings_table import digest_of
from order_router.domain.account import Strategy
from order_router.domain.vocabulary import OrderType, Product
from order_router.ports import StoreUnavailable
from tests.fakes.queues import MemoryNotifier
from tests.fakes.settings import MemorySettings
from tests.unit.api.events import event

APP = Path(__file__).resolve().parents[2] / "functions" / "webhook" / "app.py"
TOKEN = "canary-" + "t" * 36
ALERT = {
    "token": TOKEN,
    "ticker": "INFY",
    "exchange": "NSE",
    "action": "buy",
    "contracts": "5",
    "time": "2026-11-23T04:30:00Z",
}


class NoStore:
    """A queue, or settings, that do not answer."""

    def put(self, *_: object) -> None:
        raise StoreUnavailable("queueing an order: ServiceUnavailable")

    def strategy_of_token(self, _: str) -> None:
        raise StoreUnavailable("reading a setting (TOKEN): ThrottlingException")


def answered(changes: Mapping[str, Any]) -> dict[str, Any]:
    settings = MemorySettings()
    settings.put_strategy(
        Strategy(
            name="demo",
            accounts=("paper",),
            token_digests=(digest_of(TOKEN),),
            order_type=OrderType.MARKET,
            product=Product.MIS,
            max_quantity=100,
        )
    )
    intake = SimpleNamespace(queue=SimpleNamespace(put=lambda _: None), seen=None)
    usual: dict[str, Any] = {"settings": settings, "intake": intake, "notifier": MemoryNotifier()}
    world = SimpleNamespace(tradingview_addresses=frozenset(), **(usual | dict(changes)))
    with patch.object(wiring, "world", lambda: world):
        handler = runpy.run_path(str(APP))["handler"]
    answer: dict[str, Any] = handler(event("POST /v1/webhooks/tradingview", ALERT), None)
    return answer


def test_an_alert_is_answered_once_it_is_queued(caplog: pytest.LogCaptureFixture) -> None:
    answer = answered({})

    assert (answer["statusCode"], json.loads(answer["body"])["status"]) == (202, "queued")
    assert caplog.records == []


@pytest.mark.parametrize(
    "changes", [{"settings": NoStore()}, {"intake": SimpleNamespace(queue=NoStore(), seen=None)}]
)
def test_an_alert_that_cannot_be_taken_for_the_moment_is_an_error_in_the_log(
    changes: Mapping[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    answer = answered(changes)

    errors = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert (answer["statusCode"], errors) == (503, ["an alert was not taken"])
    assert "canary" not in caplog.text
