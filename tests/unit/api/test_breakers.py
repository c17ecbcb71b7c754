"""Circuit breakers over the API: who sees them, who closes one, and what is answered."""

from functools import partial
from typing import Any

import pytest

from order_router.api.breakers import close_breaker, list_breakers
from order_router.api.endpoint import answer_event
from order_router.api.http import Answer
from order_router.api.operations import OPERATIONS
from order_router.domain.account import Account
from order_router.domain.errors import Reason
from order_router.service.breaker import BreakerDesk, open_breaker
from tests.fakes.breakers import MemoryBreakers
from tests.fakes.clock import FakeClock
from tests.fakes.queues import MemoryNotifier, MemoryReconcileQueue
from tests.fakes.settings import MemorySettings
from tests.unit.api.events import ADMIN, NOBODY, READER, TRADER, event

LIST, CLOSE = "GET /v1/breakers", "DELETE /v1/breakers/{account}"
LIVE = Account(name="live", broker="zerodha")


@pytest.fixture
def desk() -> BreakerDesk:
    settings = MemorySettings()
    for account in (LIVE, Account(name="paper", broker="paper")):
        settings.put_account(account)
    return BreakerDesk(
        settings=settings,
        breakers=MemoryBreakers(),
        clock=FakeClock(),
        notifier=MemoryNotifier(),
        reconcile=MemoryReconcileQueue(),
    )


def call(desk: BreakerDesk, route: str, **changes: Any) -> Answer:
    handler = {LIST: list_breakers, CLOSE: close_breaker}[route]
    return answer_event(event(route, **changes), partial(handler, desk))


def opened(desk: BreakerDesk) -> None:
    open_breaker(desk, LIVE, by="alarm zerodha-errors", reason=Reason("ALARM", "half of the calls failed"))


def test_every_breaker_is_told_as_it_stands(desk: BreakerDesk) -> None:
    opened(desk)

    answer = call(desk, LIST)

    live, paper = answer.content["breakers"]
    assert live == {
        "account": "live",
        "broker": "zerodha",
        "state": "open",
        "failures": 0,
        "since": "2026-11-23T04:30:00.000Z",
        "next_probe_at": "2026-11-23T04:30:15.000Z",
        "by": "alarm zerodha-errors",
        "reason": {"code": "ALARM", "message": "half of the calls failed"},
    }
    assert (paper["account"], paper["state"], paper["since"], paper["reason"]) == (
        "paper",
        "closed",
        None,
        None,
    )
    schema = OPERATIONS[CLOSE].answer
    assert set(live) == set(schema["required"]) == set(schema["properties"])


def test_a_key_sees_its_own_accounts(desk: BreakerDesk) -> None:
    assert [one["account"] for one in call(desk, LIST, caller=READER).content["breakers"]] == ["paper"]
    assert call(desk, LIST, caller=READER, query={"account": "live"}).content["code"] == "ACCOUNT_FORBIDDEN"


def test_an_admin_closes_one(desk: BreakerDesk) -> None:
    opened(desk)

    closed = call(desk, CLOSE, path={"account": "live"})

    assert closed.status == 200
    assert (closed.content["state"], closed.content["by"], closed.content["reason"]) == (
        "closed",
        "k-admin",
        None,
    )


@pytest.mark.parametrize(
    ("caller", "status"),
    [(READER, 403), (TRADER, 403), (NOBODY, 401), (ADMIN | {"accounts": "paper"}, 403)],
)
def test_nobody_else_does(desk: BreakerDesk, caller: dict[str, str], status: int) -> None:
    opened(desk)

    assert call(desk, CLOSE, path={"account": "live"}, caller=caller).status == status
    assert desk.breakers.get("zerodha", "live").is_engaged


def test_a_breaker_of_no_account_is_none(desk: BreakerDesk) -> None:
    assert call(desk, CLOSE, path={"account": "other"}).content["code"] == "ACCOUNT_UNKNOWN"
