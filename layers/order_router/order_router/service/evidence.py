"""What a gate held an order to, in words for its history: written in the step that passes the gate."""

from collections.abc import Iterator
from decimal import Decimal

from order_router.domain.gate import Gate, PriceCheck
from order_router.domain.history import Evidence
from order_router.domain.meter import Meter


def gate_evidence(gate: Gate) -> Evidence:
    """Return what was so as an order passed this gate, sorted by name; what the gate did not ask for is left out."""
    found = {
        "switches": _switches(gate),
        "limits": "; ".join(_limits(gate)),
        "price": None if gate.price is None else _price(gate.price),
        "calls_per_second": None if gate.pace is None else str(gate.pace.calls_per_second),
    }
    return tuple(sorted((name, words) for name, words in found.items() if words))


def _switches(gate: Gate) -> str:
    """Return which switches were off, by their kinds: whose they are, the order says."""
    kinds = [name.removeprefix("kill#").split("#")[0] for name in gate.switches]
    kinds += [] if gate.hold is None else ["hold"]
    words = "off, or letting exits through" if gate.is_exit else "off"
    return f"{words}: {' '.join(kinds)}" if kinds else ""


def _limits(gate: Gate) -> Iterator[str]:
    for counter in gate.counters:
        yield f"{counter.name} at most {counter.limit}"
    for meter in gate.meters:
        bounds = ", ".join(_bounds(meter))
        if bounds:
            yield f"{meter.whose}: {bounds}"


def _bounds(meter: Meter) -> Iterator[str]:
    """Yield how each amount may stand with this order among it."""
    for name, most in sorted(meter.at_most.items()):
        yield f"{name} at most {_plain(most + meter.room_for(name))}"
    for name, least in sorted(meter.at_least.items()):
        yield f"{name} at least {_plain(least + meter.room_for(name))}"


def _price(check: PriceCheck) -> str:
    bounds = [
        f"at least {_plain(check.at_least)}" if check.at_least is not None else "",
        f"at most {_plain(check.at_most)}" if check.at_most is not None else "",
    ]
    within = " and ".join(bound for bound in bounds if bound) or "known"
    return f"last price {within}, seen since {check.oldest:%H:%M:%S} UTC"


def _plain(amount: Decimal) -> str:
    return format(amount, "f")
