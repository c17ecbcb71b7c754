"""What the Kite simulator can be told to do instead of behaving well, as data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

TIMED_OUT = "Order request timed out. Please check the order book and confirm before placing again."


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An answer in place of the true one; `drop`: none, the connection closes; `slow_s`: it is late."""

    status: int = 200
    error_type: str | None = None
    message: str = ""
    body: str | None = None
    drop: bool = False
    slow_s: float = 0


@dataclass(kw_only=True)
class Behaviour:
    """How the next `times` calls of `on` that match go.

    `before` answers in place of doing the call, `after` once it is done; `effect` becomes of the order.
    """

    on: str
    match: Mapping[str, str] = field(default_factory=dict)
    times: int = 1
    before: Answer | None = None
    after: Answer | None = None
    effect: str | None = None
    quantity: int | None = None

    def fits(self, call: str, fields: Mapping[str, str]) -> bool:
        """Return whether it is this behaviour's turn (a call matches by its fields: tag, quantity, ...)."""
        return self.times > 0 and self.on == call and all(fields.get(k) == v for k, v in self.match.items())


PLAIN = Behaviour(on="")
PRESETS: dict[str, dict[str, Any]] = {
    "reject_at_door": {"before": Answer(status=400, error_type="InputException", message="Invalid `price`.")},
    "no_margin_at_door": {
        "before": Answer(status=400, error_type="MarginException", message="Insufficient funds.")
    },
    "expired_token": {
        "before": Answer(
            status=403, error_type="TokenException", message="Incorrect `api_key` or `access_token`."
        )
    },
    "too_many_requests": {
        "before": Answer(status=429, error_type="NetworkException", message="Too many requests")
    },
    "reject_after_acknowledging": {"effect": "reject"},
    "accept_then_drop": {"after": Answer(drop=True)},
    "drop_unseen": {"before": Answer(drop=True)},
    "accept_then_time_out": {"after": Answer(status=400, error_type="OrderException", message=TIMED_OUT)},
    "time_out_unseen": {"before": Answer(status=400, error_type="OrderException", message=TIMED_OUT)},
    "accept_then_fail": {"after": Answer(status=502, body="<html>502 Bad Gateway</html>")},
    "fail_unseen": {
        "before": Answer(status=503, error_type="NetworkException", message="Unable to reach the OMS.")
    },
    "accept_then_garbage": {"after": Answer(body='{"status":"success","data":{"order_id":')},
    "accept_slowly": {"after": Answer(slow_s=60)},
    "rest": {"effect": "rest"},
    "fill": {"effect": "fill"},
    "fill_partially": {"effect": "fill_partially"},
    "filled_before_cancel": {"effect": "fill_then_refuse"},
    "cancel_acknowledged_but_filled": {"effect": "fill_then_acknowledge"},
}


class Behaviours:
    """The behaviours still to come, first told first served."""

    def __init__(self, presets: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        self._presets = PRESETS if presets is None else presets
        self._waiting: list[Behaviour] = []

    def tell(self, name: str, told: Mapping[str, Any]) -> None:
        """Add a preset; `told` may say `on`, `match`, `times`, `quantity`, and how its answer differs."""
        preset = dict(self._presets[name])
        changed = {key: told[key] for key in ("status", "slow_s", "message", "error_type") if key in told}
        for when in ("before", "after"):
            if when in preset and changed:
                preset[when] = Answer(**(vars(preset[when]) | changed))
        own = {key: told[key] for key in ("match", "times", "quantity") if key in told}
        self._waiting.append(Behaviour(on=told.get("on", "place"), **preset, **own))

    def take(self, call: str, fields: Mapping[str, str]) -> Behaviour:
        """Return how this call goes, and use it up."""
        for behaviour in self._waiting:
            if behaviour.fits(call, fields):
                behaviour.times -= 1
                return behaviour
        return PLAIN

    def forget(self) -> None:
        """Drop all of them."""
        self._waiting.clear()
