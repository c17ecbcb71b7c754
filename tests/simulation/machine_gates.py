"""What refuses an order whatever its own terms are, read where it is kept: switches, breakers, limits."""

from collections.abc import Mapping
from typing import Any

from order_router.aws.settings_table import SettingsTable
from order_router.domain.exchange_time import exchange_day
from order_router.domain.kill_switch import EVERYTHING, KillSwitch, StopScope
from order_router.domain.limits import OrderLimits
from order_router.domain.meter import Counted
from tests.simulation.limited import METER
from tests.simulation.machine_inputs import Terms
from tests.simulation.stack import Stack

BROKERS = {"paper": "paper", "kite": "zerodha"}
OWNERS = (
    Counted("account", "paper"),
    Counted("account", "kite"),
    Counted("strategy", "demo"),
    Counted("strategy", "swing"),
)
SWITCHES = (
    EVERYTHING,
    KillSwitch(StopScope.ACCOUNT, "paper"),
    KillSwitch(StopScope.ACCOUNT, "kite"),
    KillSwitch(StopScope.STRATEGY, "demo"),
)
LIMIT_CODES = {
    "QUANTITY_LIMIT",
    "INSTRUMENT_DENIED",
    "PRODUCT_NOT_ALLOWED",
    "DAILY_LIMIT_REACHED",
    "OPEN_ORDERS_LIMIT",
}


def gate_item(stack: Stack, name: str) -> Mapping[str, Any]:
    """Return an item of the gate table, empty if there is none."""
    key = {"gate": {"S": name}}
    found: Mapping[str, Any] = stack.dynamodb.get_item(TableName="GateTable", Key=key).get("Item", {})
    return found


def is_engaged(stack: Stack, name: str) -> bool:
    """Return whether a switch or a breaker is on."""
    return bool(gate_item(stack, name).get("engaged", {}).get("BOOL", False))


def stops(stack: Stack, terms: Terms) -> set[str]:
    """Return the codes by which switches and breakers refuse these terms now."""
    is_exit = terms.get("position_effect") == "CLOSE"
    names = ["kill#global", f"kill#account#{terms['account']}"]
    names += [f"kill#strategy#{terms['strategy']}"] if "strategy" in terms else []
    on = [name for name in names if is_engaged(stack, name) and not (is_exit and _lets_exits(stack, name))]
    broken = is_engaged(stack, f"breaker#{BROKERS[terms['account']]}#{terms['account']}")
    return ({"KILL_SWITCH_ON"} if on else set()) | ({"BROKER_CIRCUIT_OPEN"} if broken else set())


def _lets_exits(stack: Stack, name: str) -> bool:
    return bool(gate_item(stack, name).get("lets_exits", {}).get("BOOL", False))


def beyond(stack: Stack, terms: Terms) -> set[str]:
    """Return the codes by which the limits of the account and the strategy refuse these terms now."""
    owners = [Counted("account", terms["account"])]
    owners += [Counted("strategy", terms["strategy"])] if "strategy" in terms else []
    return {code for one in owners for code in _beyond(stack, one, terms)}


def limits_of(stack: Stack, owner: Counted) -> OrderLimits:
    """Return limits as they are stored."""
    stored = SettingsTable(stack.dynamodb, "SettingsTable", stack.hub).stored(owner)
    assert stored is not None
    return stored.setting.limits


def _beyond(stack: Stack, owner: Counted, terms: Terms) -> set[str]:
    limits = limits_of(stack, owner)
    found = set()
    if limits.max_quantity is not None and terms["quantity"] > limits.max_quantity:
        found.add("QUANTITY_LIMIT")
    if terms.get("position_effect") == "CLOSE":
        return found
    if terms["instrument"] in map(str, limits.denied_instruments):
        found.add("INSTRUMENT_DENIED")
    if limits.products and terms["product"] not in limits.products:
        found.add("PRODUCT_NOT_ALLOWED")
    meter = gate_item(stack, f"{METER}{owner.kind}#{owner.owner}#{exchange_day(stack.hub.now())}")
    for counted, most, code in (
        ("orders", limits.max_orders_per_day, "DAILY_LIMIT_REACHED"),
        ("open", limits.max_open_orders, "OPEN_ORDERS_LIMIT"),
    ):
        if most is not None and int(meter.get(counted, {"N": "0"})["N"]) >= most:
            found.add(code)
    return found
