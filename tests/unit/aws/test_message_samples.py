"""Messages that an earlier release queued stay readable: a deployment finds them waiting."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from order_router.aws.kill_queue import PassAsked, read_pass
from order_router.aws.notice_queue import read_telling
from order_router.aws.queues import read_message
from order_router.aws.refresh_queue import RefreshAsked, read_refresh
from order_router.domain.notices import Notice
from order_router.domain.telling import Delivery, Flush
from order_router.domain.vocabulary import Source
from order_router.ports import PlaceOrder, ResumeOrder
from tests.fakes.orders import a_request

SAMPLES = Path(__file__).parents[2] / "samples" / "messages"
AT = datetime(2026, 11, 23, 4, 30, 0, 123456, tzinfo=UTC)
LOST = Notice(
    kind="unknown",
    account="swing",
    message="INFY: बाज़ार",
    client_order_id="AXBAAZPAPJX3FDMGFV",
    subject="AXBAAZPAPJX3FDMGFV",
    at=AT,
)

QUEUED: dict[str, tuple[Callable[[str], Any], object]] = {
    "order-1": (
        read_message,
        PlaceOrder(
            request=a_request(
                order_type="SL", trigger_price="1499.5", limit_price="1510", strategy="breakout"
            ),
            idempotency_key="alert:9f2c",
            source=Source.ALERT,
            received_at=AT,
            deadline=AT + timedelta(seconds=30),
        ),
    ),
    "order-1-resume": (read_message, ResumeOrder("AXBAAZPAPJX3FDMGFV")),
    "notice-1": (read_telling, LOST),
    "notice-1-delivery": (read_telling, Delivery(delivery_id="d-1", channel="phone", notice=LOST, at=AT)),
    "notice-1-flush": (read_telling, Flush("phone", AT)),
    "kill": (read_pass, PassAsked("kill-work#swing", "w-1")),
    "refresh": (read_refresh, RefreshAsked("zerodha", takes_any_count=True)),
}
"""What each sample holds."""


@pytest.mark.parametrize("name", QUEUED)
def test_what_an_earlier_release_queued_is_read(name: str) -> None:
    read, wanted = QUEUED[name]

    assert read((SAMPLES / f"{name}.json").read_text(encoding="utf-8")) == wanted


def test_every_sample_is_read() -> None:
    assert {path.stem for path in SAMPLES.glob("*.json")} == set(QUEUED)
