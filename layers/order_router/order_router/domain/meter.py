"""What an order adds to what is counted of its account and its strategy, and what each change of it takes back: pure.

An item a day: orders, those not ended, and money at risk. `reserved` is what resting orders would still add; what has
filled is in `gross` until the broker's positions, read again, say what it is worth. Which of the resting orders fill
nobody knows: a net limit holds what it comes to if all that buy do and none that sells, and the other way about.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from order_router.domain.instrument import Instrument
from order_router.domain.limits import Limits, OrderLimits
from order_router.domain.order import Order
from order_router.domain.reports import Position
from order_router.domain.request import OrderRequest
from order_router.domain.risk import is_exit
from order_router.domain.trading_calendar import LONGEST_CLOSURE
from order_router.domain.vocabulary import SIGNS, Side

ZERO = Decimal(0)
FINEST = Decimal("0.0001")
ORDERS, OPEN, LOSS, BASED_AT, MOVES = "orders", "open", "loss", "base_read_at", "moves"
GROSS, NET, RESERVED, NET_RESERVED = "gross", "net", "reserved", "net_reserved"
NET_IF_BOUGHT, NET_IF_SOLD = "net_if_bought", "net_if_sold"
"""An item of the release before has `based_at` and neither of these: its positions are read before it counts."""

MONEY = (GROSS, NET, NET_IF_BOUGHT, NET_IF_SOLD)
CARRIED, CARRIED_AT = "carried", "carried_at"
METER_LIFE = LONGEST_CLOSURE + timedelta(days=2)
"""From the first order of a day on, an after-market one perhaps, until nobody asks for that day any more."""

Amounts = Mapping[str, Decimal]


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """Amounts to add to one item, and how it must stand before: `at_most` and `at_least`, an absent one being zero.

    `whose`: what the limits belong to, in words. `asks`: what there must be room for though nothing of it is added yet.
    """

    name: str
    whose: str
    expires_at: datetime
    adds: Amounts = field(hash=False)
    at_most: Amounts = field(default_factory=dict, hash=False)
    at_least: Amounts = field(default_factory=dict, hash=False)
    asks: Amounts = field(default_factory=dict, hash=False)

    def room_for(self, attribute: str) -> Decimal:
        """Return for how much of this there must be room: a bound is that far from its limit."""
        return self.asks.get(attribute, self.adds.get(attribute, ZERO))


def of_instrument(instrument: Instrument, attribute: str) -> str:
    """Return the attribute that counts this for one instrument."""
    return f"{attribute}@{instrument}"


@dataclass(frozen=True, slots=True)
class Counted:
    """Whose orders one item counts: `kind` is account or strategy."""

    kind: str
    owner: str

    def __str__(self) -> str:
        return f"{self.kind} {self.owner}"

    def item_of(self, day: date) -> str:
        """Return the name of the item of this exchange day."""
        return f"meter#{self.kind}#{self.owner}#{day}"


def counted_by(request: OrderRequest) -> tuple[Counted, ...]:
    """Return who counts an order: its account, and the strategy that it names."""
    account = Counted("account", request.account)
    return (account,) if request.strategy is None else (account, Counted("strategy", request.strategy))


def entry_amounts(request: OrderRequest, price: Decimal) -> dict[str, Decimal]:
    """Return what the intent of an order adds: one that closes a position puts no more money at risk."""
    counted = {ORDERS: Decimal(1), OPEN: Decimal(1)}
    value = ZERO if is_exit(request) else request.quantity * price
    return {**counted, **_money(request, at_risk=value, reserved=value)} if value else counted


def change_amounts(before: Order, after: Order) -> dict[str, Decimal]:
    """Return what a change of an order adds, most of it below zero: what filled stays at risk, what ended does not."""
    if after.counted_price is None:
        return {}
    ended = after.state.is_final and not before.state.is_final
    amounts = {OPEN: Decimal(-1)} if ended else {}
    if is_exit(after.request):
        return amounts
    reserved = _reserve(after) - _reserve(before)
    filled = (after.filled_quantity - before.filled_quantity) * after.counted_price
    return {**amounts, **_money(after.request, at_risk=reserved + filled, reserved=reserved)}


def _reserve(order: Order) -> Decimal:
    return ZERO if order.counted_price is None else order.pending_quantity * order.counted_price


def _money(request: OrderRequest, *, at_risk: Decimal, reserved: Decimal) -> dict[str, Decimal]:
    is_buy, sign, filled = request.side is Side.BUY, SIGNS[request.side], at_risk - reserved
    whole = {
        GROSS: at_risk,
        NET: sign * at_risk,
        NET_IF_BOUGHT: at_risk if is_buy else -filled,
        NET_IF_SOLD: filled if is_buy else -at_risk,
        RESERVED: reserved,
        NET_RESERVED: sign * reserved,
    }
    moved = {name: amount for name, amount in whole.items() if amount}
    return moved | {of_instrument(request.instrument, name): amount for name, amount in moved.items()}


def entry_meter(
    counted: Counted, limits: OrderLimits, request: OrderRequest, price: Decimal, day: date
) -> Meter:
    """Return what a new order of this day must find room for; what closes a position is counted and never refused."""
    meter = _meter(counted, entry_amounts(request, price), day)
    if is_exit(request):
        return meter
    adds = meter.adds
    most = {name: limit - adds.get(name, ZERO) for name, limit in _most(limits, request)}
    least = {name: -limit - adds.get(name, ZERO) for name, limit in _least(limits, request)}
    return replace(meter, at_most=most, at_least=least)


def growth_meter(
    counted: Counted, limits: OrderLimits, before: Order, after: Order, day: date
) -> Meter | None:
    """Return what a change of a resting order must find room for, adding nothing yet; None if it asks for no more.

    The room is that of the day of the change, whichever day the order came on.
    """
    wanted, more = after.request, _reserve(after) - _reserve(before)
    if is_exit(wanted) or more <= 0:
        return None
    signed = SIGNS[wanted.side] * more
    highest = {name: limit for name, limit in _most(limits, wanted) if name not in {ORDERS, OPEN}}
    lowest = {name: -limit for name, limit in _least(limits, wanted)}
    asks = {name: more for name in highest if _is_money(name)} | dict.fromkeys(lowest, signed)
    most = {name: limit - asks.get(name, ZERO) for name, limit in highest.items()}
    least = {name: limit - signed for name, limit in lowest.items()}
    return (
        replace(_meter(counted, {}, day), at_most=most, at_least=least, asks=asks) if most or least else None
    )


def _is_money(name: str) -> bool:
    return name.partition("@")[0] in MONEY


def change_meters(before: Order, after: Order) -> tuple[Meter, ...]:
    """Return what a change of an order does to the items that counted it: nothing of it can be refused."""
    amounts = change_amounts(before, after)
    if not amounts:
        return ()
    return tuple(_meter(counted, amounts, after.day) for counted in counted_by(after.request))


def _meter(counted: Counted, adds: Amounts, day: date) -> Meter:
    expires_at = datetime.combine(day, time(), tzinfo=UTC) + METER_LIFE
    return Meter(name=counted.item_of(day), whose=str(counted), expires_at=expires_at, adds=adds)


def _most(limits: OrderLimits, request: OrderRequest) -> Iterable[tuple[str, Decimal]]:
    for attribute, limit in (
        (ORDERS, limits.max_orders_per_day),
        (OPEN, limits.max_open_orders),
        (GROSS, limits.max_gross_exposure),
    ):
        if limit is not None:
            yield attribute, Decimal(limit)
    if not isinstance(limits, Limits):
        return
    if limits.max_instrument_gross_exposure is not None:
        yield of_instrument(request.instrument, GROSS), limits.max_instrument_gross_exposure
    if limits.max_daily_loss is not None:
        yield LOSS, limits.max_daily_loss
    if request.side is Side.BUY:
        yield from _net(limits, request, NET_IF_BOUGHT)


def _least(limits: OrderLimits, request: OrderRequest) -> Iterable[tuple[str, Decimal]]:
    if isinstance(limits, Limits) and request.side is Side.SELL:
        yield from _net(limits, request, NET_IF_SOLD)


def _net(limits: Limits, request: OrderRequest, attribute: str) -> Iterable[tuple[str, Decimal]]:
    if limits.max_net_exposure is not None:
        yield attribute, limits.max_net_exposure
    if limits.max_instrument_net_exposure is not None:
        yield of_instrument(request.instrument, attribute), limits.max_instrument_net_exposure


def breach_of(meter: Meter, found: Amounts) -> str | None:
    """Return the first attribute that is out of its bounds as found, None if the meter may be added to."""
    for attribute, bound in meter.at_least.items():
        if found.get(attribute, ZERO) < bound:
            return attribute
    return next((name for name, bound in meter.at_most.items() if found.get(name, ZERO) > bound), None)


def carried_of(positions: Iterable[Position]) -> dict[str, Decimal]:
    """Return what a unit of each position has made so far, and its average price: the day's loss begins from there.

    Of positions as they stand before their venue trades. Where the broker says what one makes in the day, or where
    nobody says what it made so far, there is nothing to keep.
    """
    carried: dict[str, Decimal] = {}
    for position in positions:
        made = _unrealised(position)
        if position.quantity and position.day_pnl is None and made is not None:
            carried[_of_position(position, CARRIED)] = made / position.quantity
            carried[_of_position(position, CARRIED_AT)] = position.average_price
    return carried


def _of_position(position: Position, attribute: str) -> str:
    return of_instrument(position.instrument, f"{attribute}.{position.product}")


def base_of(
    positions: Iterable[Position], counted: Amounts, realised_elsewhere: Decimal | None = None
) -> dict[str, Decimal]:
    """Return what an account's item is set to when its positions are known: their worth, and what rests beside it.

    `counted` is the item as it stands. What is flat and not in it is left out: an absent amount is zero, and the item
    is paid for by its size with each order. A position without a last price counts at its average price; what it lost
    since is not known, and the day's loss is then not below what it was known to be.
    """
    positions = tuple(positions)
    base = _resting(counted)
    for name in counted:
        attribute, _, instrument = name.partition("@")
        if instrument and attribute in {GROSS, RESERVED}:
            base |= _resting(counted, f"@{instrument}")
    profit = realised_elsewhere or ZERO
    for position in positions:
        profit += _profit_of(position, counted)
        if not position.quantity:
            continue
        worth = position.quantity * (position.last_price or position.average_price)
        for name in MONEY:
            amount = abs(worth) if name == GROSS else worth
            one = of_instrument(position.instrument, name)
            base[name] += amount
            base[one] = base.get(one, ZERO) + amount
    is_unknown = any(_has_unknown_profit(position) for position in positions)
    known = counted.get(LOSS, -profit) if is_unknown else -profit
    return {**base, LOSS: max(known, -profit)}


def _resting(counted: Amounts, of: str = "") -> dict[str, Decimal]:
    """Return what resting orders make of each amount by themselves, `of` one instrument or whole."""
    both, net = counted.get(RESERVED + of, ZERO), counted.get(NET_RESERVED + of, ZERO)
    alone = {GROSS: both, NET: net, NET_IF_BOUGHT: (both + net) / 2, NET_IF_SOLD: (net - both) / 2}
    return {name + of: amount for name, amount in alone.items()}


def _has_unknown_profit(position: Position) -> bool:
    return position.quantity != 0 and position.day_pnl is None and _unrealised(position) is None


def _profit_of(position: Position, counted: Amounts) -> Decimal:
    """Return what a position made today, as the broker says, else since it was opened, less what it was carried with.

    An unrealised profit that it does not name is what the two prices say; a realised one counts as none.
    """
    if position.day_pnl is not None:
        return position.day_pnl
    unrealised = _unrealised(position)
    if unrealised is None:
        return position.realised_pnl or ZERO
    return (position.realised_pnl or ZERO) + unrealised - _made_before(position, counted)


def _made_before(position: Position, counted: Amounts) -> Decimal:
    """Return what the units still held had made before today; nothing if their average price is not what it was."""
    if counted.get(_of_position(position, CARRIED_AT)) != position.average_price:
        return ZERO
    return (counted[_of_position(position, CARRIED)] * position.quantity).quantize(FINEST)


def _unrealised(position: Position) -> Decimal | None:
    if position.unrealised_pnl is not None:
        return position.unrealised_pnl
    if not position.last_price:
        return None
    return position.quantity * (position.last_price - position.average_price)


CODES = {
    ORDERS: ("DAILY_LIMIT_REACHED", "max_orders_per_day"),
    OPEN: ("OPEN_ORDERS_LIMIT", "max_open_orders"),
    GROSS: ("GROSS_EXPOSURE_LIMIT", "max_gross_exposure"),
    NET_IF_BOUGHT: ("NET_EXPOSURE_LIMIT", "max_net_exposure"),
    NET_IF_SOLD: ("NET_EXPOSURE_LIMIT", "max_net_exposure"),
    LOSS: ("DAILY_LOSS_LIMIT", "max_daily_loss"),
    f"{GROSS}@": ("INSTRUMENT_GROSS_LIMIT", "max_instrument_gross_exposure"),
    f"{NET_IF_BOUGHT}@": ("INSTRUMENT_NET_LIMIT", "max_instrument_net_exposure"),
    f"{NET_IF_SOLD}@": ("INSTRUMENT_NET_LIMIT", "max_instrument_net_exposure"),
}
"""The code of a full limit and its name, by what it counts."""


def code_of(attribute: str) -> tuple[str, str]:
    """Return the code of a refusal by this attribute, and the limit's name."""
    name, at, _ = attribute.partition("@")
    return CODES[name + at]
