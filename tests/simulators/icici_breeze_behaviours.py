"""What the Breeze simulator can be told to do instead of behaving well (`error_type` is the Status inside)."""

from typing import Any

from tests.simulators.kite_behaviours import Answer

BUSINESS = "500"
PRESETS: dict[str, dict[str, Any]] = {
    "reject_at_door": {
        "before": Answer(error_type=BUSINESS, message="Price should be in multiples of: 0.05")
    },
    "no_margin_at_door": {
        "before": Answer(error_type=BUSINESS, message="Insufficient limit available for this order")
    },
    "expired_session": {"before": Answer(status=401, error_type="401", message="Unauthorized")},
    "too_many_requests": {
        "before": Answer(
            status=401, error_type="5", message="Limit exceed: API call per minute:Try after some time"
        )
    },
    "reject_after_acknowledging": {"effect": "reject"},
    "accept_then_drop": {"after": Answer(drop=True)},
    "drop_unseen": {"before": Answer(drop=True)},
    "accept_then_fail": {"after": Answer(status=502, body="<html>502 Bad Gateway</html>")},
    "fail_unseen": {"before": Answer(status=503, error_type="503", message="Service unavailable")},
    "accept_then_garbage": {"after": Answer(body='{"Success":{"order_id":')},
    "accept_slowly": {"after": Answer(slow_s=60)},
    "rest": {"effect": "rest"},
    "fill": {"effect": "fill"},
    "fill_partially": {"effect": "fill_partially"},
    "filled_before_cancel": {"effect": "fill_then_refuse"},
    "cancel_acknowledged_but_filled": {"effect": "fill_then_acknowledge"},
    # issue 238 of the vendor's client: a change is answered with success and not made
    "acknowledge_without_effect": {"effect": "nothing"},
}
