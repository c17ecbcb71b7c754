"""Which fault meets which request: a mix, a rate and a seed."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

SIDES = {"writes": (True,), "reads": (False,), "both": (True, False)}
SPANS = ("late_s", "lag_s")
NUMBERS = ("rate", "drip_s", "hold_s")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to play. The same plan gives request number n the same fault with the same dice.

    `faults` weighs fault names, `on` says on order writes, on reads or on both, `rate` how many of those are hit.
    `late_s` is how late an order is accepted, `lag_s` how old a lagging book is, `drip_s` what lies between two bytes
    of a slow answer, `hold_s` how long a silent connection is held if the client does not give up before.
    """

    faults: Mapping[str, float] = field(default_factory=dict)
    on: str = "both"
    rate: float = 1.0
    seed: int = 0
    late_s: tuple[float, float] = (1, 600)
    lag_s: tuple[float, float] = (0, 60)
    drip_s: float = 0.1
    hold_s: float = 60

    def dice(self, number: int | str) -> Random:
        """Return the chance that decides all about one request."""
        return Random(f"{self.seed}/{number}")  # noqa: S311 - a plan, not a secret

    def draw(self, dice: Random, possible: Collection[str]) -> str | None:
        """Return the fault for a request to which these can be done, or None."""
        weights = {name: weight for name, weight in self.faults.items() if name in possible}
        is_hit = dice.random() < self.rate
        if not weights or not is_hit:
            return None
        return dice.choices(list(weights), list(weights.values()))[0]


CALM = Plan()


def read_plan(told: Mapping[str, Any], known: Collection[str]) -> Plan:
    """Read a plan as JSON has it; ValueError names what does not fit."""
    unknown = [name for name in told if not hasattr(CALM, name)]
    if unknown or told.get("on", "both") not in SIDES:
        raise ValueError(f"expected the fields of a plan, received {', '.join(unknown) or told['on']}")
    faults = told.get("faults", {})
    faults = dict.fromkeys(faults, 1.0) if isinstance(faults, list) else dict(faults)
    strangers = [name for name in faults if name not in known]
    if strangers:
        raise ValueError(f"no fault is called {', '.join(strangers)}; there are {', '.join(known)}")
    spans = {name: (float(told[name][0]), float(told[name][1])) for name in SPANS if name in told}
    numbers = {name: float(told[name]) for name in NUMBERS if name in told}
    values: dict[str, Any] = {**spans, **numbers, "faults": faults}
    return Plan(**values, on=told.get("on", "both"), seed=int(told.get("seed", 0)))
