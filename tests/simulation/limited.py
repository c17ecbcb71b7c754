"""What the simulated accounts and strategies may have, and what is counted of them: judged at every write."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from order_router.domain.lifecycle import FINAL, State
from order_router.domain.limits import Limits, OrderLimits
from order_router.domain.meter import CODES, GROSS, LOSS, NET_IF_BOUGHT, NET_IF_SOLD, OPEN, ORDERS, RESERVED

Item = dict[str, Any]
ZERO = Decimal(0)
METER = "meter#"


@dataclass(frozen=True)
class Held:
    """The limits of every account, and of every strategy."""

    account: Limits = field(default_factory=Limits)
    strategy: OrderLimits = field(default_factory=OrderLimits)

    def of(self, kind: str) -> OrderLimits:
        """Return the limits of an account or of a strategy."""
        return self.account if kind == "account" else self.strategy


FREE = Held()
HOLDING = (
    FREE,
    Held(account=Limits(price_band_percent=Decimal(5), max_open_orders=4, max_daily_loss=Decimal(200_000))),
    Held(
        account=Limits(
            max_quantity=3000,
            max_order_value=Decimal(3_500_000),
            max_orders_per_day=8,
            max_open_orders=3,
            max_gross_exposure=Decimal(6_000_000),
            max_net_exposure=Decimal(4_000_000),
            max_instrument_gross_exposure=Decimal(5_000_000),
            max_instrument_net_exposure=Decimal(3_500_000),
        ),
        strategy=OrderLimits(max_open_orders=2, max_gross_exposure=Decimal(100_000)),
    ),
)
NEVER_AN_EXIT_S = {code for code, _ in CODES.values()} | {
    "POSITIONS_UNKNOWN",
    "PRICE_UNKNOWN",
    "LIMITS_UNKNOWN",
    "MARGIN_UNKNOWN",
}
"""What refuses entries and never what closes a position."""

Require = Callable[[object, str], None]


@dataclass
class Counts:
    """What the orders say that the meters must say: orders, open ones and what they reserve, by meter."""

    held: Held = FREE
    orders: Counter[str] = field(default_factory=Counter)
    open: Counter[str] = field(default_factory=Counter)
    reserved: dict[str, Decimal] = field(default_factory=dict)
    entered: dict[str, Item] = field(default_factory=dict)
    refusals: Counter[str] = field(default_factory=Counter)

    def order_written(self, before: Item | None, item: Item, require: Require) -> None:
        """Take an order's change into what is counted."""
        if State(item["state"]["S"]) is State.REFUSED and item.get("reason"):
            self._note_refusal(item, require)
        if "counted_price" not in item:
            return
        is_new = before is None or "counted_price" not in before
        if is_new:
            self._judge_size(item, require)
        for name in _meters(item):
            self.orders[name] += is_new
            self.open[name] += _is_open(item) - _is_open(before)
            added = _reserve(item) - _reserve(before)
            if added:
                self.reserved[name] = self.reserved.get(name, ZERO) + added
            if is_new and not _is_exit(item):
                self.entered[name] = item

    def meter_written(self, name: str, item: Item, require: Require) -> None:
        """Hold a meter against the orders, once both are written."""
        found = {one: _amount(item, one) for one in (ORDERS, OPEN, RESERVED)}
        said = {
            ORDERS: self.orders[name],
            OPEN: self.open[name],
            RESERVED: self.reserved.get(name, ZERO),
        }
        require(found == said, f"{name} counts {found} and its orders say {said}")
        either_way = _amount(item, NET_IF_BOUGHT) - _amount(item, NET_IF_SOLD)
        require(either_way == said[RESERVED], f"{name} is {either_way} apart and {said[RESERVED]} rests")
        entry = self.entered.pop(name, None)
        for attribute, bound in () if entry is None else _bounds(self.held.of(name.split("#")[1]), entry):
            amount = _amount(item, attribute)
            is_within = amount <= bound if bound >= 0 else amount >= bound
            require(is_within, f"{name} has {amount} of {attribute}, its limit is {bound}")

    def _judge_size(self, item: Item, require: Require) -> None:
        name, quantity = item["client_order_id"]["S"], int(item["request"]["M"]["quantity"]["N"])
        value = quantity * Decimal(item["counted_price"]["S"])
        for limits in (self.held.account, self.held.strategy if "strategy" in item["request"]["M"] else None):
            if limits is None:
                continue
            most, dearest = limits.max_quantity, limits.max_order_value
            require(most is None or quantity <= most, f"{name} is for {quantity}, its limit is {most}")
            is_cheap = dearest is None or value <= dearest or _is_exit(item)
            require(is_cheap, f"{name} is worth {value}, its limit is {dearest}")

    def _note_refusal(self, item: Item, require: Require) -> None:
        code = item["reason"]["M"]["code"]["S"]
        self.refusals[code] += 1
        require(
            not (_is_exit(item) and code in NEVER_AN_EXIT_S),
            f"{item['client_order_id']['S']} closes a position and was refused by {code}",
        )


def _amount(item: Item, attribute: str) -> Decimal:
    return Decimal(item.get(attribute, {"N": "0"})["N"])


def _is_exit(item: Item) -> bool:
    return bool(item["request"]["M"].get("position_effect") == {"S": "CLOSE"})


def _bounds(limits: OrderLimits, entry: Item) -> Iterator[tuple[str, Decimal]]:
    """Yield how far each count may go with this entry among them: below zero is the least that it may be."""
    request = entry["request"]["M"]
    of_instrument = f"@{request['instrument']['S']}"
    bounds = {
        ORDERS: limits.max_orders_per_day,
        OPEN: limits.max_open_orders,
        GROSS: limits.max_gross_exposure,
    }
    if isinstance(limits, Limits):
        bounds |= {LOSS: limits.max_daily_loss, GROSS + of_instrument: limits.max_instrument_gross_exposure}
    yield from ((name, Decimal(most)) for name, most in bounds.items() if most is not None)
    if isinstance(limits, Limits):
        sign = 1 if request["side"]["S"] == "BUY" else -1
        net_if = NET_IF_BOUGHT if sign > 0 else NET_IF_SOLD
        net = {net_if: limits.max_net_exposure, net_if + of_instrument: limits.max_instrument_net_exposure}
        yield from ((name, sign * most) for name, most in net.items() if most is not None)


def _is_open(item: Item | None) -> bool:
    return item is not None and "counted_price" in item and State(item["state"]["S"]) not in FINAL


def _reserve(item: Item | None) -> Decimal:
    if item is None or not _is_open(item) or _is_exit(item):
        return ZERO
    pending = int(item["request"]["M"]["quantity"]["N"]) - int(item["filled_quantity"]["N"])
    return pending * Decimal(item["counted_price"]["S"])


def _meters(item: Item) -> list[str]:
    account, _, day = item["account_day"]["S"].partition("#")
    strategy = item["request"]["M"].get("strategy")
    names = [f"{METER}account#{account}#{day}"]
    return names if strategy is None else [*names, f"{METER}strategy#{strategy['S']}#{day}"]
