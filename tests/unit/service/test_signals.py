"""Alerts into the queue: durable or refused, and a resend is the same order."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from order_router.domain.account import Strategy
from order_router.domain.alert import Alert, AlertRefused
from order_router.ports import StoreUnavailable
from order_router.service.signals import Intake, take_alert
from tests.fakes.clock import MONDAY_MORNING
from tests.fakes.queues import MemoryOrderQueue, MemorySeenAlerts

STRATEGY = Strategy.model_validate(
    {
        "name": "demo",
        "accounts": ["paper", "second"],
        "order_type": "MARKET",
        "product": "MIS",
        "max_quantity": 100,
    }
)
ALERT = Alert(
    ticker="RELIANCE", exchange="NSE", action="buy", contracts="10", price="2900", time=MONDAY_MORNING
)
TIMELESS = replace(ALERT, time=None)


@pytest.fixture
def intake() -> Intake:
    return Intake(MemoryOrderQueue(), MemorySeenAlerts())


def take(intake: Intake, alert: Alert, body: bytes = b"body", *, after_s: float = 0) -> tuple[str, ...]:
    at: datetime = MONDAY_MORNING + timedelta(seconds=after_s)
    return take_alert(intake, STRATEGY, alert, body, at)


def test_an_alert_is_queued_once_for_each_account(intake: Intake) -> None:
    ids = take(intake, ALERT)

    assert len(set(ids)) == 2
    assert [order.request.account for order in intake.queue.orders] == ["paper", "second"]  # type: ignore[attr-defined]


def test_a_resend_of_an_alert_with_a_time_is_the_same_order_for_good(intake: Intake) -> None:
    assert len({take(intake, ALERT, after_s=after) for after in (0, 5, 10, 15, 3600)}) == 1


def test_another_body_is_another_order(intake: Intake) -> None:
    assert take(intake, ALERT, b'{"position_size": 10}') != take(intake, ALERT, b'{"position_size": 20}')


def test_a_timeless_alert_is_the_same_order_for_thirty_seconds_and_then_a_new_one(intake: Intake) -> None:
    first, resend, last, new = (take(intake, TIMELESS, after_s=after) for after in (0, 15, 29.9, 30))

    assert first == resend == last
    assert new != first


def test_the_deadline_counts_from_the_alert_s_own_time(intake: Intake) -> None:
    take(intake, ALERT, after_s=12)

    order = intake.queue.orders[0]  # type: ignore[attr-defined]
    assert order.received_at == MONDAY_MORNING + timedelta(seconds=12)
    assert order.deadline == MONDAY_MORNING + timedelta(seconds=30)


def test_an_alert_that_can_never_be_an_order_is_refused_and_not_queued(intake: Intake) -> None:
    with pytest.raises(AlertRefused):
        take(intake, replace(ALERT, action="flat"))

    assert intake.queue.orders == []  # type: ignore[attr-defined]


def test_an_alert_that_may_not_be_durable_is_not_taken(intake: Intake) -> None:
    intake.queue.is_down = True  # type: ignore[attr-defined]

    with pytest.raises(StoreUnavailable):
        take(intake, ALERT)
