"""What the gate held an order to, in words."""

from datetime import timedelta
from decimal import Decimal

from order_router.domain.gate import Counter, Gate, Pace, PriceCheck
from order_router.domain.meter import Meter
from order_router.service.evidence import gate_evidence
from tests.fakes.clock import MONDAY_MORNING as NOW

METER = Meter(
    name="meter#account#mine#2026-11-23",
    whose="account mine",
    expires_at=NOW,
    adds={"gross": Decimal(7500), "open": Decimal(1)},
    at_most={"gross": Decimal(92500), "open": Decimal(19)},
    at_least={"loss": Decimal("-5000.5")},
)


def test_a_gate_that_asks_for_nothing_leaves_nothing() -> None:
    assert gate_evidence(Gate()) == ()


def test_limits_are_told_as_they_were_set_not_as_what_was_left_of_them() -> None:
    words = dict(gate_evidence(Gate(meters=(METER,))))["limits"]

    assert words == "account mine: gross at most 100000, open at most 20, loss at least -5000.5"


def test_the_broker_s_own_limits_are_told_before_the_trader_s() -> None:
    counters = (Counter("calls#mine#2026-11-23T04:30", 180, NOW), Counter("calls#mine#2026-11-23", 2700, NOW))

    words = dict(gate_evidence(Gate(counters=counters, meters=(METER,))))["limits"]

    assert words == (
        "calls#mine#2026-11-23T04:30 at most 180; calls#mine#2026-11-23 at most 2700; "
        "account mine: gross at most 100000, open at most 20, loss at least -5000.5"
    )


def test_the_band_around_the_last_price_is_told() -> None:
    check = PriceCheck(
        name="price#paper#NSE:INFY",
        oldest=NOW - timedelta(seconds=60),
        at_least=Decimal(1400),
        at_most=Decimal(1600),
    )
    known = PriceCheck(name="price#paper#NSE:INFY", oldest=NOW)

    assert dict(gate_evidence(Gate(price=check)))["price"] == (
        "last price at least 1400 and at most 1600, seen since 04:29:00 UTC"
    )
    assert dict(gate_evidence(Gate(price=known)))["price"] == "last price known, seen since 04:30:00 UTC"


def test_the_words_are_sorted_by_name_as_a_table_gives_them_back() -> None:
    gate = Gate(
        switches=("kill#global",),
        hold="hold#mine",
        counters=(Counter("orders#mine", 10, NOW),),
        meters=(METER,),
        pace=Pace("mine#NSE", 9, NOW),
    )
    names = [name for name, _ in gate_evidence(gate)]

    assert names == sorted(names) == ["calls_per_second", "limits", "switches"]
    assert dict(gate_evidence(gate))["switches"] == "off: global hold"
