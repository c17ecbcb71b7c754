"""What an HTTPS order is before any service sees it, and what a sender is told of a passing fault."""

from datetime import timedelta

import pytest

from order_router.adapter.errors import OutcomeUnknown
from order_router.api.orders import KeyInvalid, command_of
from order_router.api.problems import problem_of
from order_router.domain.errors import RouterError, SettingUnreadable
from order_router.domain.vocabulary import Source
from order_router.ports import PlaceOrder, StoreUnavailable
from tests.fakes.clock import MONDAY_MORNING
from tests.unit.api.events import ORDER, request

MAX_AGE = timedelta(seconds=10)


def command(**headers: str) -> PlaceOrder:
    asked = request(
        "POST /v1/orders", ORDER, headers={name.replace("_", "-"): v for name, v in headers.items()}
    )
    return command_of(asked, max_age=MAX_AGE)


def test_an_https_order_s_time_counts_from_its_arrival_at_the_gateway() -> None:
    wanted = command()

    assert (wanted.received_at, wanted.deadline) == (MONDAY_MORNING, MONDAY_MORNING + MAX_AGE)
    assert wanted.source is Source.API


def test_no_caller_s_key_is_an_alert_s_key() -> None:
    assert command(idempotency_key="alert:0123").idempotency_key == "api:alert:0123"


def test_two_calls_without_a_key_are_two_orders() -> None:
    assert command().idempotency_key != command().idempotency_key


@pytest.mark.parametrize("key", ["", "a b", "é", "x" * 129, "a\n"])
def test_a_key_that_cannot_be_repeated_exactly_is_refused(key: str) -> None:
    with pytest.raises(KeyInvalid):
        command(idempotency_key=key)


@pytest.mark.parametrize(
    "error",
    [
        StoreUnavailable("the queue did not answer"),
        OutcomeUnknown("no answer"),
        SettingUnreadable("STRATEGY demo is not readable"),
    ],
)
def test_a_passing_fault_is_one_that_tradingview_sends_again(error: RouterError) -> None:
    status = problem_of(error).status

    # TradingView resends on 500 to 599 but not on 504 (support page 43000735201)
    assert status == 503
