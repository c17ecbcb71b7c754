"""What nobody expected is counted where it is caught, and what was expected is not."""

import logging
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from order_router.api.endpoint import answer_event
from order_router.api.http import Answer, ApiRequest
from order_router.api.pages import or_page
from order_router.api.records import each_record
from order_router.api.webhook import outages_logged
from order_router.domain.errors import RouterError, SettingUnreadable
from order_router.logs import ROOT, set_up
from order_router.ports import StoreUnavailable
from order_router.service.reconcile import reconcile_all
from tests.fakes.metrics import MemoryMetrics
from tests.fakes.world import World
from tests.unit.api.events import ADMIN, event

RECORD = {"messageId": "m-1", "receiptHandle": "r-1"}


@pytest.fixture
def metrics() -> Iterator[MemoryMetrics]:
    package = logging.getLogger(ROOT)
    before = package.__dict__ | {"handlers": list(package.handlers), "filters": list(package.filters)}
    metrics = MemoryMetrics()
    set_up(metrics)
    yield metrics
    package.__dict__.clear()
    package.__dict__.update(before)
    package.setLevel(package.level)  # forgets what other loggers remember of this level


def counted(metrics: MemoryMetrics) -> int:
    return sum(metrics.of("unexpected_errors"))


def answering(error: Exception) -> Answer:
    def handle(request: ApiRequest) -> Answer:
        raise error

    return answer_event(event("GET /v1/orders", caller=ADMIN), handle)


def taking(error: Exception) -> dict[str, Any]:
    def take(record: Mapping[str, Any]) -> None:
        raise error

    return each_record(take)({"Records": [RECORD]}, None)


def test_an_answer_that_hides_a_defect_is_counted(metrics: MemoryMetrics) -> None:
    assert answering(KeyError("status")).status == 500

    assert counted(metrics) == 1


def test_a_message_that_comes_again_for_a_defect_is_counted(metrics: MemoryMetrics) -> None:
    assert taking(KeyError("status"))["batchItemFailures"] == [{"itemIdentifier": "m-1"}]

    assert counted(metrics) == 1


def test_an_account_that_could_not_be_looked_at_is_counted(
    metrics: MemoryMetrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World()

    def list_unsettled(account: str) -> object:
        raise KeyError(account)

    monkeypatch.setattr(world.store, "list_unsettled", list_unsettled)
    reconcile_all(world.desk)

    assert counted(metrics) == 1


def test_a_setting_that_this_release_cannot_read_is_counted_wherever_it_is_answered(
    metrics: MemoryMetrics,
) -> None:
    error = SettingUnreadable("STRATEGY demo is not readable")

    def raising() -> Answer:
        raise error

    shown = or_page(raising, failed="not shown", refused="Not shown", unexpected=("Failed", "It failed."))

    assert (answering(error).status, shown.status) == (503, 503)
    assert counted(metrics) == 2


def test_an_alert_that_could_not_be_taken_for_the_moment_is_counted(metrics: MemoryMetrics) -> None:
    with pytest.raises(StoreUnavailable), outages_logged():
        raise StoreUnavailable("queueing an order: ServiceUnavailable")
    with pytest.raises(RouterError), outages_logged():
        raise RouterError("no", code="WEBHOOK_TOKEN_UNKNOWN")

    assert counted(metrics) == 1


@pytest.mark.parametrize("error", [StoreUnavailable("later"), RouterError("no", code="NOT_FOUND")])
def test_what_has_a_code_of_ours_is_expected(metrics: MemoryMetrics, error: RouterError) -> None:
    answering(error)
    taking(error)

    assert counted(metrics) == 0


def test_a_worker_that_is_set_up_again_counts_once(metrics: MemoryMetrics) -> None:
    again = MemoryMetrics()

    set_up(again)
    answering(KeyError("status"))

    assert (counted(metrics), counted(again)) == (0, 1)
