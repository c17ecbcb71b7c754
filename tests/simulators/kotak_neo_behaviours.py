"""What the Kotak Neo simulator can be told to do instead of behaving well (`error_type` is the stCode)."""

from typing import Any

from tests.simulators.kite_behaviours import Answer

PRESETS: dict[str, dict[str, Any]] = {
    "reject_at_door": {
        "before": Answer(status=200, error_type="1009", message="please provide valid quantity")
    },
    "no_margin_at_door": {"before": Answer(status=200, error_type="1004", message="insufficient balance")},
    "expired_session": {"before": Answer(status=403, error_type="100022", message="invalid session token")},
    "invalid_session": {"before": Answer(status=200, error_type="1003", message="Invalid session")},
    "market_closed": {"before": Answer(status=200, error_type="1008", message="Market closed")},
    "address_not_registered": {"before": Answer(status=200, error_type="100008", message="unauthorized")},
    "address_of_another_session": {
        "before": Answer(status=200, error_type="1037", message="session ip doesnt match with reqest ip")
    },
    "too_many_requests": {
        "before": Answer(status=429, error_type="429", message="Too many requests to the API")
    },
    "reject_after_acknowledging": {"effect": "reject"},
    "accept_then_drop": {"after": Answer(drop=True)},
    "drop_unseen": {"before": Answer(drop=True)},
    "accept_then_fail": {"after": Answer(status=502, body="<html>502 Bad Gateway</html>")},
    "fail_unseen": {
        "before": Answer(status=502, error_type="502", message="Not able to communicate with OMS")
    },
    "accept_then_garbage": {"after": Answer(body='{"nOrdNo":"26')},
    "accept_then_error_from_core": {"after": Answer(status=200, error_type="32", message="error from core")},
    "accept_slowly": {"after": Answer(slow_s=60)},
    "rest": {"effect": "rest"},
    "fill": {"effect": "fill"},
    "fill_partially": {"effect": "fill_partially"},
    "filled_before_cancel": {"effect": "fill_then_refuse"},
    "cancel_acknowledged_but_filled": {"effect": "fill_then_acknowledge"},
}
