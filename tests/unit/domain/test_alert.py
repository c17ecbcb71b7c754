"""From an alert to orders: nothing guessed, nothing outside what its strategy allows."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from order_router.domain.account import Strategy
from order_router.domain.alert import Alert, AlertRefused, alert_digest, closes, deadline_of, requests_of
from tests.fakes.clock import MONDAY_MORNING

ALERT = Alert(ticker="RELIANCE", exchange="NSE", action="buy", contracts="10", price="1500.05", time=None)


def strategy(**changes: Any) -> Strategy:
    usual = {
        "name": "demo",
        "accounts": ["paper"],
        "order_type": "MARKET",
        "product": "MIS",
        "max_quantity": 100,
    }
    return Strategy.model_validate(usual | changes)


def test_an_alert_becomes_one_order_for_each_account() -> None:
    orders = requests_of(ALERT, strategy(accounts=["paper", "second"]))

    assert [(order.account, order.side, order.quantity, str(order.instrument)) for order in orders] == [
        ("paper", "BUY", 10, "NSE:RELIANCE"),
        ("second", "BUY", 10, "NSE:RELIANCE"),
    ]
    assert {order.strategy for order in orders} == {"demo"}


def test_a_limit_strategy_takes_the_alert_s_price() -> None:
    assert str(requests_of(ALERT, strategy(order_type="LIMIT"))[0].limit_price) == "1500.05"


def test_a_limit_strategy_refuses_an_alert_without_a_price() -> None:
    with pytest.raises(ValidationError, match="limit_price"):
        requests_of(replace(ALERT, price=None), strategy(order_type="LIMIT"))


def test_an_alert_for_after_the_market_needs_a_strategy_whose_orders_can_wait() -> None:
    alert = replace(ALERT, after_market=True)

    assert requests_of(alert, strategy())[0].after_market
    assert requests_of(ALERT, strategy(validity="IOC"))[0].after_market is None
    with pytest.raises(ValidationError, match="must not have validity IOC"):
        requests_of(alert, strategy(validity="IOC"))


def test_a_fixed_quantity_overrules_the_alert_s_contracts() -> None:
    assert requests_of(replace(ALERT, contracts=None), strategy(quantity=3))[0].quantity == 3


@pytest.mark.parametrize("feed", ["NSE", "NSE_DL", "NSE_DLY"])
def test_a_delayed_feed_s_exchange_is_the_exchange(feed: str) -> None:
    assert str(requests_of(replace(ALERT, exchange=feed), strategy())[0].instrument) == "NSE:RELIANCE"


def test_a_mapped_ticker_is_the_instrument_that_the_strategy_names() -> None:
    mapped = strategy(symbols={"NIFTY1!": "NFO:NIFTY26NOVFUT"})

    assert str(requests_of(replace(ALERT, ticker="NIFTY1!"), mapped)[0].instrument) == "NFO:NIFTY26NOVFUT"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"action": "flat"}, "action must be buy or sell"),
        ({"action": ""}, "action must be buy or sell"),
        ({"exchange": "LSE"}, "exchange must be one of"),
        ({"exchange": None}, "exchange must be one of"),
        ({"ticker": "NIFTY1!"}, "expected EXCHANGE:TRADINGSYMBOL"),
        ({"contracts": "101"}, "allows at most 100, the alert asks for 101"),
    ],
)
def test_an_alert_that_cannot_be_an_order_says_why(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(AlertRefused, match=words):
        requests_of(replace(ALERT, **changes), strategy())


def test_a_strategy_trades_only_its_own_instruments() -> None:
    with pytest.raises(AlertRefused, match="may not trade NSE:RELIANCE"):
        requests_of(ALERT, strategy(instruments=["NSE:INFY"]))


def test_a_disabled_strategy_trades_nothing() -> None:
    with pytest.raises(AlertRefused) as raised:
        requests_of(ALERT, strategy(is_enabled=False))

    assert raised.value.code == "STRATEGY_DISABLED"


def test_the_alert_s_own_time_makes_the_deadline_earlier_and_never_later() -> None:
    late = replace(ALERT, time=MONDAY_MORNING - timedelta(minutes=2))
    early = replace(ALERT, time=MONDAY_MORNING + timedelta(minutes=2))

    assert deadline_of(late, strategy(), MONDAY_MORNING) == MONDAY_MORNING - timedelta(seconds=90)
    assert deadline_of(early, strategy(), MONDAY_MORNING) == MONDAY_MORNING + timedelta(seconds=30)
    assert deadline_of(late, strategy(time_is="bar"), MONDAY_MORNING) == MONDAY_MORNING + timedelta(
        seconds=30
    )


def test_a_resend_is_the_same_alert_and_another_strategy_s_is_not() -> None:
    assert alert_digest("demo", b"body") == alert_digest("demo", b"body")
    assert alert_digest("demo", b"body") != alert_digest("other", b"body")
    assert alert_digest("demo", b"body") != alert_digest("demo", b"body ")


@pytest.mark.parametrize(
    ("action", "contracts", "position_size", "does_close"),
    [
        ("sell", "10", "0", True),
        ("sell", "4", "6", True),
        ("buy", "4", "-6", True),
        ("buy", "10", "0", True),
        ("buy", "10", "10", False),
        ("buy", "5", "15", False),
        ("sell", "20", "-10", False),
        ("buy", "20", "10", False),
        ("sell", "10", "-10", False),
        ("sell", "10", None, False),
        ("sell", "10", "NaN", False),
        ("sell", "10", "1e999999", False),
        ("sell", "10", f"{'9' * 30}e999970", False),
        ("sell", "10", "1e-999999", True),
        ("sell", "10", "-1e-999999", False),
        ("sell", "10", "1e9999999999999999999", False),
        ("sell", "10", "{{strategy.position_size}}", False),
        ("sell", None, "0", False),
        ("short", "10", "0", False),
    ],
)
def test_an_alert_closes_only_if_it_says_that_the_position_gets_smaller(
    action: str, contracts: str | None, position_size: str | None, does_close: bool
) -> None:
    alert = replace(ALERT, action=action, contracts=contracts, position_size=position_size)

    assert closes(alert, strategy()) is does_close


@pytest.mark.parametrize("contracts", ["4", None])
@pytest.mark.parametrize(("position_size", "does_close"), [("0", True), ("6", False)])
def test_a_fixed_quantity_closes_only_what_leaves_the_strategy_flat(
    position_size: str, does_close: bool, contracts: str | None
) -> None:
    part = replace(ALERT, action="sell", contracts=contracts, position_size=position_size)

    assert closes(part, strategy(quantity=100)) is does_close


def test_an_alert_that_leaves_the_strategy_flat_closes() -> None:
    flat = replace(ALERT, action="sell", market_position="flat")

    assert requests_of(flat, strategy())[0].position_effect == "CLOSE"
    assert requests_of(ALERT, strategy())[0].position_effect is None
