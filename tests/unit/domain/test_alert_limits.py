"""Where an alert's limits lie: the largest quantity, and what counts as closing."""

from dataclasses import replace

import pytest

from order_router.domain.account import Strategy
from order_router.domain.alert import Alert, AlertRefused, closes, requests_of

STRATEGY = Strategy.model_validate(
    {"name": "demo", "accounts": ["paper"], "order_type": "MARKET", "product": "MIS", "max_quantity": 100}
)
ALERT = Alert(ticker="INFY", exchange="NSE", action="buy", contracts="10", price="1500.05", time=None)


def test_a_strategy_trades_up_to_its_limit_and_not_past_it() -> None:
    assert requests_of(replace(ALERT, contracts="100"), STRATEGY)[0].quantity == 100
    with pytest.raises(AlertRefused, match="at most 100"):
        requests_of(replace(ALERT, contracts="101"), STRATEGY)


@pytest.mark.parametrize(
    ("action", "contracts", "position_size", "is_closing"),
    [
        ("sell", "10", "0", True),
        ("sell", "5", "5", True),
        ("buy", "5", "-5", True),
        ("buy", "10", "10", False),
        ("buy", "5", "15", False),
        ("sell", "20", "-10", False),
        ("sell", "1.5", "-0.5", False),
        ("sell", "15", "-5", False),
        ("buy", "0", "10", False),
        ("sell", "10", "-10", False),
        ("sell", "10", None, False),
        ("sell", None, "0", False),
        ("hold", "10", "0", False),
        ("sell", "10", "NaN", False),
    ],
)
def test_only_a_position_that_gets_smaller_on_its_side_is_closing(
    action: str, contracts: str | None, position_size: str | None, is_closing: bool
) -> None:
    alert = replace(ALERT, action=action, contracts=contracts, position_size=position_size)

    assert closes(alert, STRATEGY) is is_closing
