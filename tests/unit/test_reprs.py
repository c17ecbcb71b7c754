"""Values that hold a secret or a body do not show it when they are printed."""

import pytest

from order_router.adapter.http import HttpRequest, HttpResponse
from order_router.adapter.session import BrokerSession, Secret
from order_router.api.alert import parse_alert
from order_router.ports import Letter, LoginTicket
from order_router.service.logins import _CameBack
from tests.fakes.clock import MONDAY_MORNING

CANARY = "canary-7741"
HELD = {"x-token": CANARY}
ALERT = {"token": CANARY, "ticker": "INFY", "exchange": "NSE", "action": "buy"}


@pytest.mark.parametrize(
    "value",
    [
        Secret(CANARY),
        BrokerSession("main", "https://broker.example", {"access_token": Secret(CANARY)}),
        HttpRequest(
            method="POST", url=f"https://broker.example/?t={CANARY}", headers=HELD, body=CANARY.encode()
        ),
        HttpResponse(status=200, body=CANARY.encode()),
        Letter("m-1", CANARY),
        _CameBack(LoginTicket(digest="d", account="main", expires_at=MONDAY_MORNING), HELD),
        parse_alert(ALERT),
        parse_alert(ALERT).to_alert(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_no_value_shows_its_secret(value: object) -> None:
    assert CANARY not in repr(value)
    assert CANARY not in str(value)
    assert CANARY not in f"{value}"
