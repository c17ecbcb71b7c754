"""What the IBKR simulator can be told to do instead of behaving well, as data."""

from typing import Any

from tests.simulators.kite_behaviours import Answer

LIMIT_PRICE = (
    "We cannot accept an order at the limit price you selected. Please submit your order using a limit price that is"
    " closer to the current market price."
)
UNAVAILABLE = "Service Unavailable"
QUESTIONS = {
    "o354": "You are submitting an order without market data. Are you sure you want to submit this order?",
    "o10153": "<h4>Confirm Mandatory Cap Price</h4>IB may set a cap on the price of your order.",
    "o163": "The following order price exceeds \nthe Percentage constraint of 3%.",
    "o451": "The following order value estimate exceeds \nthe Total Value Limit of 100,000 USD.",
}
PRESETS: dict[str, dict[str, Any]] = {
    "reject_at_door": {"before": Answer(message=LIMIT_PRICE, error_type="200")},
    "no_margin_at_door": {"before": Answer(message="Insufficient funds.", error_type="200")},
    "no_bridge": {"before": Answer(status=400, message="Bad Request: no bridge", error_type="400")},
    "dead_token": {"before": Answer(status=401, message="not authenticated", error_type="401")},
    "too_many_requests": {"before": Answer(status=429, message="Too many requests", error_type="429")},
    "reject_after_acknowledging": {"effect": "reject"},
    "accept_then_drop": {"after": Answer(drop=True)},
    "drop_unseen": {"before": Answer(drop=True)},
    "accept_then_time_out": {"after": Answer(status=503, message=UNAVAILABLE, error_type="503")},
    "time_out_unseen": {"before": Answer(status=503, message=UNAVAILABLE, error_type="503")},
    "accept_then_fail": {"after": Answer(status=502, body="<html>502 Bad Gateway</html>")},
    "accept_then_garbage": {"after": Answer(body='[{"order_id":"19')},
    "accept_slowly": {"after": Answer(slow_s=60)},
    "ask": {"effect": "ask o354"},
    "ask_twice": {"effect": "ask o354 o10153"},
    "ask_a_guard": {"effect": "ask o163"},
    "ask_a_guard_second": {"effect": "ask o354 o451"},
    "ask_for_ever": {"effect": "ask" + " o354" * 50},
    "rest": {"effect": "rest"},
    "fill": {"effect": "fill"},
    "fill_partially": {"effect": "fill_partially"},
    "filled_before_cancel": {"effect": "fill_then_refuse"},
    "cancel_acknowledged_but_filled": {"effect": "fill_then_acknowledge"},
}
